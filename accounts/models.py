"""People, and the tokens that programs use in their name."""

import zoneinfo
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.happenings import tell
from accounts.tokens import digest, new_secret


def known_time_zone(name):
    """Raise ValidationError unless `name` is an IANA time zone."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"“{name}” is not a time zone.")


class UserManager(BaseUserManager):
    """Users are known by their e-mail address, compared without case."""

    def get_by_natural_key(self, email):
        return self.get(email__iexact=email)

    def create_user(self, email, password=None, **fields):
        """Make and return a user; without a password the account can't sign in by one."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        """Make a user who may do everything in Django admin."""
        return self.create_user(
            email, password, is_staff=True, is_superuser=True, role=User.Role.ADMIN, **fields
        )


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Never deleted, only switched off, because events point here."""

    class Role(models.TextChoices):
        USER = "user", "User"
        ADMIN = "admin", "Administrator"

    class Theme(models.TextChoices):
        SYSTEM = "system", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    role = models.CharField(max_length=16, choices=Role, default=Role.USER)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[known_time_zone])
    locale = models.CharField(max_length=16, default="en")
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.SYSTEM)
    metadata = models.JSONField(default=dict, blank=True)
    is_staff = models.BooleanField("may enter Django admin", default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        db_table = "users"
        ordering = ["email"]
        constraints = [models.UniqueConstraint(Lower("email"), name="users_email_ci")]

    def __str__(self):
        return self.name or self.email

    # What is told when it changes; the password's hash is compared, never told.
    TOLD = (
        *("email", "name", "role", "time_zone", "locale", "theme"),
        *("is_staff", "is_superuser", "is_active"),
    )

    def save(self, *args, **kwargs):
        """Store the user and tell what changed; one switched off loses sessions and tokens."""
        written = kwargs.get("update_fields") or (*self.TOLD, "password")
        watched = [name for name in (*self.TOLD, "password") if name in written]
        was = None
        if watched and not self._state.adding:
            was = User.objects.filter(pk=self.pk).values(*watched).first()
        super().save(*args, **kwargs)
        self._tell(was, watched)
        if not self.is_active:
            self.end_access()

    def _tell(self, was, watched):
        if was is None:
            if watched:
                tell("user.created", self, email=self.email, name=self.name)
            return
        changed = [name for name in watched if was[name] != getattr(self, name)]
        if "password" in changed:
            changed.remove("password")
            tell("user.password_changed", self)
        if changed:
            now = {name: getattr(self, name) for name in changed}
            tell("user.changed", self, now=now, was={name: was[name] for name in changed})

    def end_access(self):
        """End the sessions and revoke the tokens; signing in again makes new ones."""
        for session in self.usersession_set.all():
            session.end()
            tell("session.ended", self, other=True)
        for token in self.api_tokens.filter(revoked_at=None):
            token.revoke()

    @property
    def initials(self):
        """One or two letters for a round picture."""
        words = (self.name or self.email.partition("@")[0]).replace(".", " ").split()
        return "".join(word[0] for word in words[:2]).upper() or "?"


def _columns(model):
    return [field.attname for field in model._meta.concrete_fields]


@cache
def _find_statement():
    """Return the SQL of a token with its user. Every call of the API begins with it, and building
    it by the ORM each time took longer than reading a hundred entries."""
    found = ApiToken.objects.select_related("user").filter(digest="")
    return found.order_by().query.sql_with_params()[0]


class ApiTokenManager(models.Manager):
    """Tokens are made and found by their secret, which is never stored."""

    def issue(self, *, user, name, verbs, workspaces=None, expires_at=None):
        """Make a token and return (token, secret); the secret can't be had again.

        `workspaces` is a list of ids, or None for every workspace of the user.
        """
        secret = new_secret()
        token = self.model(
            user=user,
            name=name,
            prefix=secret[:8],
            digest=digest(secret),
            verbs=[verb for verb in ApiToken.Verb.values if verb in verbs],
            workspaces=workspaces,
            expires_at=expires_at,
        )
        token.full_clean(exclude=["user"])
        token.save(force_insert=True)
        tell(
            "token.created",
            user,
            about=token.pk,
            name=name,
            verbs=token.verbs,
            workspaces=workspaces and [str(id) for id in workspaces],
            expires_at=expires_at and expires_at.isoformat(),
        )
        return token, secret

    def find(self, secret):
        """Return the token of `secret`, usable or not, together with its user; else None."""
        token_columns, user_columns = _columns(self.model), _columns(User)
        with connection.cursor() as cursor:
            cursor.execute(_find_statement(), [digest(secret)])
            row = cursor.fetchone()
        if row is None:
            return None
        token = self.model.from_db(self.db, token_columns, row[: len(token_columns)])
        token.user = User.from_db(self.db, user_columns, row[len(token_columns) :])
        return token


class ApiToken(models.Model):
    """What a program shows to act in a person's name, within the verbs and workspaces given."""

    class Verb(models.TextChoices):
        READ = "read", "Read entries"
        WRITE = "write", "Write entries"
        STRUCTURE = "structure", "Change structures"
        ADMIN = "admin", "Manage workspaces"

    NOTE_USE_EVERY = timedelta(minutes=1)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=8, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    workspaces = ArrayField(models.UUIDField(), null=True, blank=True)
    verbs = ArrayField(models.CharField(max_length=16, choices=Verb))
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ApiTokenManager()

    class Meta:
        db_table = "api_tokens"
        ordering = ["-created_at"]
        verbose_name = "API token"

    def __str__(self):
        return f"{self.name} ({self.prefix}…)"

    def get_absolute_url(self):
        return reverse("token_list")

    @property
    def state(self):
        """One of "active", "expired", "revoked"."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= timezone.now():
            return "expired"
        return "active"

    @property
    def refusal(self):
        """Why this token can't be used, as a sentence; empty when it can."""
        if not self.user.is_active:
            return "The account behind this API token is switched off."
        if self.state == "revoked":
            return f"This API token was revoked on {self.revoked_at:%Y-%m-%d}."
        if self.state == "expired":
            return f"This API token expired on {self.expires_at:%Y-%m-%d}."
        return ""

    def allows(self, verb, workspace_id=None):
        """Whether the token may do `verb`, in the workspace of that id when one is given."""
        here = workspace_id is None or self.workspaces is None or workspace_id in self.workspaces
        return here and verb in self.verbs

    def note_use(self):
        """Remember the moment; at most once a minute, so that reading doesn't mean writing."""
        now = timezone.now()
        if self.last_used_at and now - self.last_used_at < self.NOTE_USE_EVERY:
            return
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - self.NOTE_USE_EVERY)
        ApiToken.objects.filter(stale, pk=self.pk).update(last_used_at=now)
        self.last_used_at = now

    def revoke(self):
        """Make the token useless from now on; the first time counts."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])
            tell("token.revoked", self.user, about=self.pk, name=self.name)
