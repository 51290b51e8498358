"""Agents, what they were asked to do, fields that they fill in and workflows that they draft."""

import hashlib
import json

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from automations.agents.config import AnswerField
from records.models import Record
from workspaces.models import Snapshot, Workspace


class Agent(Snapshot):
    """A prompt for a model, with the tools it may use.

    `provider` is a key of AUTOMATIONS_MODELS or the id of a connection, `model` a name that it
    knows; `config` is automations.agents.config.AgentConfig as JSON.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "On"
        PAUSED = "paused", "Paused"

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="agent_id", editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="agents")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    prompt = models.TextField(blank=True)
    provider = models.CharField(max_length=60)
    model = models.CharField(max_length=200, blank=True)
    tools = models.JSONField(default=list)
    config = models.JSONField(default=dict)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        app_label = "automations"
        db_table = "agents"
        ordering = ["name", "id"]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("agent", args=[self.pk])


class AgentFilling(models.Model):
    """A field that an agent proposes values for, a task for each entry; nothing is written before
    somebody who looked at them applies it.

    `inputs` are the ids of the fields that the agent gets. `closed` says how it ended; `outcome` is
    what became of the values that were applied, by `operation_id`.
    """

    class Closed(models.TextChoices):
        APPLIED = "applied", "Applied"
        CANCELLED = "cancelled", "Discarded"

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="filling_id", editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="fillings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    record = models.ForeignKey(Record, models.CASCADE, related_name="fillings")
    field_id = models.CharField(max_length=63)
    inputs = models.JSONField(default=list)
    instruction = models.TextField(blank=True)
    closed = models.CharField(max_length=16, choices=Closed, blank=True)
    outcome = models.JSONField(null=True)
    operation_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "automations"
        db_table = "agent_fillings"
        ordering = ["-id"]
        indexes = [models.Index(fields=["created_at"], name="agent_filling_old")]

    def __str__(self):
        return f"{self.field_id} of {self.record_id}"

    def get_absolute_url(self):
        return reverse("filling", args=[self.pk])


class AgentDrafting(models.Model):
    """A workflow that an agent's model drafts from a text; it is nothing until somebody takes it.

    `base` is the draft that `text` asks to change; None for a new workflow, which is `workflow` once
    it was taken. `closed` says how it ended, `operation_id` by which operation it was taken.
    """

    class Closed(models.TextChoices):
        TAKEN = "taken", "Taken"
        DISCARDED = "discarded", "Discarded"

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="drafting_id", editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="draftings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    workflow = models.ForeignKey(
        "automations.Workflow", models.CASCADE, null=True, related_name="draftings"
    )
    text = models.TextField()
    base = models.JSONField(null=True)
    closed = models.CharField(max_length=16, choices=Closed, blank=True)
    operation_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "automations"
        db_table = "agent_draftings"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["created_at"], name="agent_drafting_old"),
            models.Index(
                fields=["workspace", "user"], name="agent_drafting_open", condition=Q(closed="")
            ),
        ]

    def __str__(self):
        return self.text[:60]

    def get_absolute_url(self):
        return reverse("drafting", args=[self.pk])


class AgentTask(models.Model):
    """One thing an agent was asked to do, and how far it came.

    `messages` is what was said to and by the model, `calls` the tools it asked for last, `answer`
    what a person said to them and `results` what they gave. `fence` grows with every worker that
    takes it up, so that one that was thought dead can't write any more; `lease` is until when the
    present one has it. `path` names the step of `run` that waits for it. A task of a `filling`
    proposes a value for one entry, which `entry` tells: its id, name and version, and what `was` in
    the cell. A task of a `drafting` drafts a workflow and does nothing else.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        RUNNING = "running", "Running"
        WAITING = "waiting", "Waiting"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Priority(models.IntegerChoices):
        HIGH = 1, "High"
        MEDIUM = 2, "Medium"
        LOW = 3, "Low"

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="task_id", editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="tasks")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    run = models.ForeignKey(
        "automations.WorkflowRun", models.SET_NULL, null=True, related_name="agent_tasks"
    )
    path = models.CharField(max_length=400, blank=True)
    filling = models.ForeignKey(AgentFilling, models.CASCADE, null=True, related_name="tasks")
    entry = models.JSONField(null=True)
    drafting = models.ForeignKey(
        AgentDrafting, models.CASCADE, null=True, related_name="tasks", db_index=False
    )
    task_name = models.CharField(max_length=255, blank=True)
    instruction = models.TextField(blank=True)
    task_input = models.JSONField(default=dict)
    task_form = models.JSONField(default=list)
    task_output = models.JSONField(null=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    priority = models.SmallIntegerField(choices=Priority, default=Priority.MEDIUM)
    error_message = models.TextField(blank=True)
    provider = models.CharField(max_length=60, blank=True)
    model = models.CharField(max_length=200, blank=True)
    input_tokens = models.IntegerField(default=0)
    output_tokens = models.IntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    duration = models.FloatField(default=0)
    steps = models.IntegerField(default=0)
    writes = models.IntegerField(default=0)
    messages = models.JSONField(default=list)
    calls = models.JSONField(default=list)
    results = models.JSONField(default=dict)
    answer = models.JSONField(null=True)
    operation_id = models.UUIDField(default=uuid7)
    fence = models.IntegerField(default=0)
    lease = models.DateTimeField(null=True)
    not_before = models.DateTimeField(default=timezone.now)
    attempts = models.SmallIntegerField(default=0)
    deaths = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "automations"
        db_table = "agent_tasks"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["agent", "-id"], name="agent_task_list"),
            models.Index(
                fields=["priority", "id"], name="agent_task_due", condition=Q(status="pending")
            ),
            models.Index(fields=["lease"], name="agent_task_lease", condition=Q(status="running")),
            models.Index(
                fields=["workspace", "user"],
                name="agent_task_waits",
                condition=Q(status="waiting"),
            ),
            models.Index(fields=["workspace", "started_at"], name="agent_task_room"),
            models.Index(fields=["completed_at"], name="agent_task_over"),
            models.Index(
                fields=["filling", "id"],
                name="agent_task_filling",
                condition=Q(filling__isnull=False),
            ),
            models.Index(
                fields=["drafting"],
                name="agent_task_drafting",
                condition=Q(drafting__isnull=False),
            ),
        ]

    def __str__(self):
        return self.task_name or f"task of {self.agent_id}"

    def get_absolute_url(self):
        return reverse("agent_task", args=[self.pk])

    @property
    def is_over(self):
        """Whether nothing more will happen to it."""
        return self.status in ("succeeded", "failed", "cancelled")

    @property
    def seen(self):
        """A name of the tools that wait now; who answers says it, so that no others are meant."""
        asked = json.dumps([self.steps, self.calls], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:32]

    @property
    def tokens(self):
        """All tokens that it took."""
        return self.input_tokens + self.output_tokens

    @property
    def form(self):
        """The AnswerFields that its answer has to have; none for free text."""
        return [AnswerField(**item) for item in self.task_form]
