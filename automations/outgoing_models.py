"""Webhooks out: who wants to hear of a record's entries, what they are still to be told, and the log."""

import orjson
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from records.models import Record
from workspaces.models import Snapshot, Workspace


class SigningSecret(models.Model):
    """What the calls of a workflow are signed with; shown to nobody."""

    workflow = models.OneToOneField("Workflow", models.CASCADE, primary_key=True)
    workspace_id = models.UUIDField()
    sealed = models.BinaryField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "automations"
        db_table = "workflow_signing_secrets"

    def __str__(self):
        return f"secret of {self.workflow_id}"


class WebhookSubscription(Snapshot):
    """An address that is told what happens to a record's entries.

    `events` are types of the log. `failures` in a row let it rest until `rest_until`; when nothing
    arrives for a day it is paused. `served_at` is when it had its last turn. It is told what the
    snapshot `listens_from` does not show (listening.py); `missed_from` is what had been read of the
    log when it was paused, until what it missed is told.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "On"
        PAUSED = "paused", "Paused"

    class Kind(models.TextChoices):
        CREATED = "entries.created", "Entries are added"
        UPDATED = "entries.updated", "Entries are changed"
        DELETED = "entries.deleted", "Entries are deleted"

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="webhook_id", editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    record = models.ForeignKey(Record, models.CASCADE, related_name="webhooks")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    url = models.CharField(max_length=2000)
    events = models.JSONField(default=list)
    state = models.CharField(max_length=16, choices=State, default=State.ACTIVE)
    paused_because = models.TextField(blank=True)
    listens_after = models.BigIntegerField(default=0, editable=False)
    listens_from = models.TextField(null=True, editable=False)
    missed_from = models.TextField(null=True, editable=False)
    sealed = models.BinaryField(null=True, editable=False)
    served_at = models.DateTimeField(null=True, editable=False)
    failures = models.IntegerField(default=0, editable=False)
    rest_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        app_label = "automations"
        db_table = "webhook_subscriptions"
        ordering = ["id"]
        indexes = [models.Index(fields=["record"], name="webhook_record")]

    def __str__(self):
        return self.url

    def get_absolute_url(self):
        return reverse("webhook", args=[self.pk])

    @property
    def told(self):
        """What it listens to, in words."""
        return [self.Kind(event).label for event in self.events]


class WebhookPosting(models.Model):
    """An event that a subscription is still to be told.

    `position` is the last entry done; without `not_before` it waits for its subscription to go on.
    """

    id = models.BigAutoField(primary_key=True)
    subscription = models.ForeignKey(WebhookSubscription, models.CASCADE, related_name="+")
    workspace_id = models.UUIDField()
    event_id = models.BigIntegerField()
    position = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now, null=True)

    class Meta:
        app_label = "automations"
        db_table = "webhook_postings"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["subscription", "id"], name="posting_order"),
            models.Index(fields=["not_before", "id"], name="posting_due"),
        ]

    def __str__(self):
        return f"event {self.event_id} for {self.subscription_id}"


class WebhookDelivery(models.Model):
    """What one subscription is told of one entry by one event, and how that went.

    `attempts` grows with each worker that takes it up, which fences off those thought dead; `lease`
    is until when the present one has it. Without `next_at` it waits for its subscription to go on.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        SENDING = "sending", "Being sent"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Given up"

    id = models.BigAutoField(primary_key=True)
    subscription = models.ForeignKey(WebhookSubscription, models.CASCADE, related_name="deliveries")
    workspace_id = models.UUIDField()
    event_id = models.BigIntegerField()
    entry_id = models.BigIntegerField()
    type = models.CharField(max_length=32)
    body = models.TextField()
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    attempts = models.IntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now, null=True)
    tried_since = models.DateTimeField(null=True)
    lease = models.DateTimeField(null=True)
    response_status = models.IntegerField(null=True)
    response = models.TextField(blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "automations"
        db_table = "webhook_deliveries"
        verbose_name_plural = "webhook deliveries"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["next_at"], name="delivery_due", condition=Q(status="pending")),
            models.Index(
                fields=["subscription", "next_at", "id"],
                name="delivery_turn",
                condition=Q(status="pending"),
            ),
            models.Index(fields=["lease"], name="delivery_lease", condition=Q(status="sending")),
            models.Index(
                fields=["subscription", "entry_id", "id"],
                name="delivery_order",
                condition=Q(status__in=["pending", "sending"]),
            ),
            models.Index(fields=["subscription", "-id"], name="delivery_log"),
            models.Index(fields=["finished_at"], name="delivery_finished"),
        ]

    def __str__(self):
        return f"{self.type} of entry {self.entry_id}"

    @property
    def message_id(self):
        """The same at every attempt and resend, so that a receiver can tell."""
        return f"{self.subscription_id}:{self.event_id}:{self.entry_id}"

    @property
    def is_due(self):
        """Whether it may be sent now, as far as it goes."""
        return self.next_at is not None and self.next_at <= timezone.now()

    @property
    def read(self):
        """The body as people read it; what is signed has no line breaks."""
        return orjson.dumps(orjson.loads(self.body), option=orjson.OPT_INDENT_2).decode()
