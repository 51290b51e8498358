"""People, and the tokens that programs use in their name."""

import zoneinfo

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from uuid_utils.compat import uuid7


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

    @property
    def initials(self):
        """One or two letters for a round picture."""
        words = (self.name or self.email).replace("@", " ").split()
        return "".join(word[0] for word in words[:2]).upper() or "?"
