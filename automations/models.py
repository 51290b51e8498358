"""Workflows, their published versions, and their runs."""

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from workspaces.models import Snapshot, Workspace


class Workflow(Snapshot):
    """What the data should do by itself: a sentence, and the definition it became.

    `structured_definition` is the draft; runs follow the published version. `state` is draft until
    something is published, then active or paused.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "On"
        PAUSED = "paused", "Paused"

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="workflow_id", editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="workflows")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    natural_language_description = models.TextField(blank=True)
    structured_definition = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=State, default=State.DRAFT)
    paused_because = models.TextField(blank=True)
    published = models.IntegerField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "workflows"
        ordering = ["name", "id"]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("workflow", args=[self.pk])


class WorkflowVersion(models.Model):
    """A definition as it was published; never changed. Runs name the one they follow."""

    id = models.UUIDField(primary_key=True, db_column="version_id", editable=False)
    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="versions")
    workspace_id = models.UUIDField()
    number = models.IntegerField()
    structured_definition = models.JSONField()
    natural_language_description = models.TextField(blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    event_id = models.BigIntegerField()

    class Meta:
        db_table = "workflow_versions"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "number"], name="workflow_version_once")
        ]

    def __str__(self):
        return f"version {self.number}"


class Subscription(models.Model):
    """What the dispatcher must know of an active workflow, in one row, made from its events.

    `record_id` and `events` say what it listens to in the log; `next_at` when the clock has to look
    at it, `scanned_to` and `scanned_id` up to which moment, and which entry of that moment, it did.
    """

    workflow = models.OneToOneField(Workflow, models.CASCADE, primary_key=True)
    workspace_id = models.UUIDField()
    version = models.ForeignKey(WorkflowVersion, models.CASCADE, related_name="+")
    trigger = models.CharField(max_length=32)
    record_id = models.UUIDField(null=True)
    events = models.JSONField(default=list)
    whole = models.BooleanField(default=False)  # one run for all entries of an operation
    listens_after = models.BigIntegerField()
    listens_from = models.TextField(null=True)  # see listening.py
    next_at = models.DateTimeField(null=True)
    scanned_to = models.DateTimeField(null=True)
    scanned_id = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "workflow_subscriptions"
        indexes = [
            models.Index(fields=["record_id"], name="subscription_record"),
            models.Index(
                fields=["next_at"], name="subscription_due", condition=Q(next_at__isnull=False)
            ),
        ]

    def __str__(self):
        return f"{self.trigger} of {self.workflow_id}"


class WorkflowSecret(models.Model):
    """The secret address of a workflow's webhook, and what its calls are signed with."""

    workflow = models.OneToOneField(Workflow, models.CASCADE, primary_key=True)
    workspace_id = models.UUIDField()
    address = models.CharField(max_length=64, unique=True)
    sealed = models.BinaryField()
    sample = models.JSONField(null=True)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "workflow_secrets"

    def __str__(self):
        return f"webhook of {self.workflow_id}"

    @staticmethod
    def new_address():
        """Return what can't be guessed."""
        return secrets.token_urlsafe(32)


class Feed(models.Model):
    """What of the log was read, as the snapshot that saw it: one row; who reads on locks it."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    snapshot = models.TextField()

    class Meta:
        db_table = "workflow_feed"

    def __str__(self):
        return self.snapshot


class Firing(models.Model):
    """Events that a version listens to, still to become runs. `position` is the last entry done."""

    id = models.BigAutoField(primary_key=True)
    version = models.ForeignKey(WorkflowVersion, models.CASCADE, related_name="+")
    workspace_id = models.UUIDField()
    events = models.JSONField()
    position = models.BigIntegerField(default=0)
    attempts = models.IntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "workflow_firings"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["workspace_id", "not_before", "id"], name="firing_turn"),
            models.Index(fields=["not_before"], name="firing_due"),
        ]

    def __str__(self):
        return f"firing of {self.version_id}"


class WorkflowRun(models.Model):
    """One time that a workflow was executed, by the version it was executed as.

    `key` tells what fired it, once for each version. `turn` is its place in a queue that serves
    workspaces in turn. `fence` grows with every worker that takes it up, so that one that was
    thought dead can't write any more; `lease` is until when the present one has it.

    An item of a loop that does several at once is a run too (looping.py): `loop` is the path of that
    step in its parent's run, `position` its place among the items, from 0.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        RUNNING = "running", "Running"
        WAITING = "waiting", "Waiting"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="run_id", editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="runs")
    version = models.ForeignKey(WorkflowVersion, models.CASCADE, related_name="runs")
    key = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    trigger_data = models.JSONField(default=dict)
    output_data = models.JSONField(null=True)
    error_message = models.TextField(blank=True)
    variables = models.JSONField(default=dict)
    entry_id = models.BigIntegerField(null=True)
    event_id = models.BigIntegerField(null=True)
    operation_id = models.UUIDField(default=uuid7)
    depth = models.SmallIntegerField(default=0)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, related_name="children")
    loop = models.CharField(max_length=400, blank=True, default="", db_default="")
    position = models.IntegerField(null=True)
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="retries")
    concurrency_key = models.CharField(max_length=200, null=True)
    turn = models.BigIntegerField(default=0)
    fence = models.IntegerField(default=0)
    lease = models.DateTimeField(null=True)
    wake_at = models.DateTimeField(null=True)
    deaths = models.SmallIntegerField(default=0)
    cancel_asked = models.BooleanField(default=False)
    triggered_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "workflow_runs"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["version", "key"], name="workflow_run_once")]
        indexes = [
            models.Index(fields=["turn", "id"], name="run_turn", condition=Q(status="pending")),
            models.Index(fields=["lease"], name="run_lease", condition=Q(status="running")),
            models.Index(fields=["wake_at"], name="run_wake", condition=Q(status="waiting")),
            models.Index(fields=["finished_at"], name="run_finished"),
            models.Index(fields=["workflow", "-id"], name="run_workflow"),
            models.Index(
                fields=["parent", "loop", "position"],
                name="run_items",
                condition=Q(position__isnull=False, finished_at=None),
            ),
            models.Index(fields=["workspace", "-id"], name="run_workspace"),
            models.Index(
                fields=["workflow", "concurrency_key"],
                name="run_concurrency",
                condition=Q(concurrency_key__isnull=False, finished_at=None),
            ),
        ]

    def __str__(self):
        return f"run {self.pk}"

    def get_absolute_url(self):
        return reverse("run", args=[self.pk])

    @property
    def is_over(self):
        """Whether nothing more will happen to it."""
        return self.status in ("succeeded", "failed", "cancelled")

    @property
    def seconds(self):
        """How long it took, or has taken until now; None before it began."""
        if self.started_at is None:
            return None
        return ((self.finished_at or timezone.now()) - self.started_at).total_seconds()


class WorkflowStep(models.Model):
    """One step of one run. `path` tells where it stands, loops counted: each_order.3.send.

    One that waits for a condition names the entry that it is about: who changes that entry, by any
    door, has the run looked at again (awaiting.py).
    """

    class Status(models.TextChoices):
        STARTED = "started", "Started"
        WAITING = "waiting", "Waiting"
        UNKNOWN = "unknown", "Unknown"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(WorkflowRun, models.CASCADE, related_name="steps")
    workspace_id = models.UUIDField()
    path = models.CharField(max_length=400)
    step = models.CharField(max_length=40)
    type = models.CharField(max_length=32)
    status = models.CharField(max_length=16, choices=Status)
    input = models.JSONField(null=True)
    output = models.JSONField(null=True)
    waits_for = models.CharField(max_length=16, blank=True)
    answer = models.JSONField(null=True)
    error = models.TextField(blank=True)
    attempts = models.SmallIntegerField(default=1)
    wake_at = models.DateTimeField(null=True)
    watched_record = models.UUIDField(null=True)
    watched_entry = models.BigIntegerField(null=True)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "workflow_run_steps"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "path"], name="run_step_once")]
        indexes = [
            models.Index(
                fields=["workspace_id", "-id"], name="step_mails", condition=Q(type="send_email")
            ),
            models.Index(fields=["workspace_id"], name="step_errors", condition=~Q(error="")),
            models.Index(
                fields=["watched_record", "watched_entry"],
                name="step_watched",
                condition=Q(status="waiting", watched_record__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.path} of {self.run_id}"

    @property
    def seconds(self):
        """How long it took; None while it goes on."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None


class Turns(models.Model):
    """The last place in the queue that a workspace was given, and when a firing of it was taken last."""

    workspace = models.OneToOneField(Workspace, models.CASCADE, primary_key=True)
    turn = models.BigIntegerField(default=0)
    served_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "workflow_turns"

    def __str__(self):
        return f"{self.workspace_id}: {self.turn}"


from automations.agents.models import (  # noqa: E402, F401 - models of this app
    Agent,
    AgentDrafting,
    AgentFilling,
    AgentTask,
)
from automations.integrations.models import Integration  # noqa: E402, F401 - models of this app
from automations.mail_models import MailedFile, Notice  # noqa: E402, F401
from automations.outgoing_models import (  # noqa: E402, F401
    SigningSecret,
    WebhookDelivery,
    WebhookPosting,
    WebhookSubscription,
)
from automations.waiting_models import Look, RunCall  # noqa: E402, F401
