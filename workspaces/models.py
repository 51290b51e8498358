"""Workspaces, who belongs to them, and the log of everything."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.tokens import digest


class Role(models.TextChoices):
    """What a member may do, from most to least."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    EDITOR = "editor", "Editor"
    COMMENTER = "commenter", "Commenter"
    VIEWER = "viewer", "Viewer"


class Snapshot(models.Model):
    """A definition's newest state, made by the event it names."""

    last_event_id = models.BigIntegerField(default=0, editable=False)
    last_event_version = models.IntegerField(default=0, editable=False)

    class Meta:
        abstract = True


class WorkspaceQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Workspaces not in the trash that `user` is a member of."""
        return self.filter(members__user=user, deleted_at=None)

    def alphabetical(self):
        return self.order_by("name", "id")


class Workspace(Snapshot):
    """A room for records, walled off from everybody who is not a member."""

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="workspace_id", editable=False)
    name = models.CharField(max_length=120, db_column="workspace_name", db_index=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    retention_days = models.IntegerField(default=90, editable=False)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        db_table = "workspaces"
        ordering = ["name"]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("workspace", args=[self.id])


class Member(Snapshot):
    """A person's place in a workspace. Its events are in the workspace's stream."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role, default=Role.EDITOR)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "members"
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["user", "workspace"], name="members_once")]

    def __str__(self):
        return f"{self.user} ({self.role})"


class Invitation(models.Model):
    """An open door for one e-mail address; the secret is in the mail, its digest here."""

    LIFETIME = timedelta(days=14)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Role.choices[1:], default=Role.EDITOR)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "invitations"
        ordering = ["-created_at"]

    def __str__(self):
        return self.email

    @staticmethod
    def new_secret():
        """Return (secret, digest): the first for the mail, the second for the table."""
        secret = secrets.token_urlsafe(32)
        return secret, digest(secret)

    @property
    def is_open(self):
        """Whether it can still be accepted."""
        fresh = timezone.now() < self.created_at + self.LIFETIME
        return fresh and not self.accepted_at and not self.revoked_at


class Stream(models.Model):
    """The head of one aggregate's events: its newest version, and the lock to append."""

    id = models.UUIDField(primary_key=True, db_column="stream_id")
    kind = models.CharField(max_length=32)
    workspace_id = models.UUIDField(null=True, db_index=True)
    version = models.IntegerField(default=0)

    class Meta:
        db_table = "streams"

    def __str__(self):
        return f"{self.kind} {self.id}"


class Event(models.Model):
    """One thing that happened. Appended, never changed; the database refuses the rest.

    The table is partitioned by month and made by a migration, since Django can't.
    """

    id = models.BigIntegerField(primary_key=True, db_column="event_id")
    type = models.TextField()
    payload = models.JSONField(default=dict)
    timestamp = models.DateTimeField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
    )
    stream_id = models.UUIDField()
    version = models.IntegerField(null=True)
    workspace_id = models.UUIDField(null=True)
    operation_id = models.UUIDField(null=True)
    cause = models.JSONField(null=True)
    ip = models.GenericIPAddressField(null=True)
    changed = models.JSONField(null=True)
    count = models.BigIntegerField(null=True)
    digest = models.DecimalField(max_digits=40, decimal_places=0, null=True)
    undo_of = models.UUIDField(null=True)

    class Meta:
        db_table = "events"
        managed = False
        ordering = ["-id"]

    def __str__(self):
        return f"{self.type} #{self.pk}"


from workspaces.idempotency import IdempotencyKey  # noqa: E402, F401  (a table of this app)
from workspaces.sealing import EventSeal  # noqa: E402, F401  (a table of this app)
