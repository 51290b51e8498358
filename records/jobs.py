"""An import as people see it: a file, how it is read, where it goes, and how far it is."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from workspaces.models import Workspace

# A worker shows that it lives every second; one silent for this long is looked for.
SILENCE = dt.timedelta(seconds=10)
# One that waits for a worker is asked for again after this: messages are hints and can be lost.
WAIT = dt.timedelta(seconds=30)


class ImportJob(models.Model):
    """One file on its way into a record.

    `settings` say how the file is read, `mapping` where each column goes (see
    records.imports.mapping), `analysis` what the file was found to hold.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Being read"
        READY = "ready", "Ready"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Mode(models.TextChoices):
        CREATE = "create", "Make a new record"
        APPEND = "append", "Add all rows as new entries"
        UPSERT = "upsert", "Update entries that have the same key, add the others"

    class OnError(models.TextChoices):
        NOTHING = "all_or_nothing", "Take nothing if a row can't be taken"
        SKIP = "skip_bad", "Leave those rows out and take the others"

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="import_id", editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    record = models.ForeignKey("records.Record", models.CASCADE, null=True, related_name="imports")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.UPLOADED)
    name = models.CharField(max_length=255)
    file = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    format = models.CharField(max_length=16)
    settings = models.JSONField(default=dict)
    analysis = models.JSONField(default=dict)
    mapping = models.JSONField(default=list)
    record_name = models.CharField(max_length=120, blank=True)
    mode = models.CharField(max_length=16, choices=Mode, default=Mode.CREATE)
    keys = models.JSONField(default=list)
    on_error = models.CharField(max_length=16, choices=OnError, default=OnError.NOTHING)
    total = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    created = models.BigIntegerField(default=0)
    updated = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    preview = models.JSONField(null=True)
    error = models.TextField(blank=True)
    heartbeat = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    rehearsing = models.BooleanField(default=False)
    cancel_asked = models.BooleanField(default=False)
    operation_id = models.UUIDField(default=uuid7)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "import_jobs"
        ordering = ["-created_at"]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("import-progress", args=[self.pk])

    @property
    def is_over(self):
        """Whether nothing more will happen to it."""
        return self.state in (self.State.DONE, self.State.FAILED, self.State.CANCELLED)

    @property
    def is_reopenable(self):
        """Whether it came to nothing, and can be looked at and started again."""
        return self.state in (self.State.FAILED, self.State.CANCELLED)

    @property
    def has_begun(self):
        """Whether a worker has taken it up."""
        return self.attempts > 0

    @property
    def is_silent(self):
        """Whether it should be worked on, and nothing was heard of it for a while."""
        if self.state not in (self.State.UPLOADED, self.State.RUNNING):
            return False
        heard = self.heartbeat or self.started_at or self.created_at
        return timezone.now() - heard > (SILENCE if self.has_begun else WAIT)

    @property
    def percent(self):
        """How far it is, 0 to 100."""
        return min(100, 100 * self.done // self.total) if self.total else 0


class ImportRefusal(models.Model):
    """A cell that kept its row out, or would have."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(ImportJob, models.CASCADE, related_name="refusals")
    row = models.BigIntegerField()
    column = models.CharField(max_length=300)
    value = models.CharField(max_length=500)
    reason = models.TextField()

    class Meta:
        db_table = "import_refusals"
        ordering = ["row", "id"]

    def __str__(self):
        return f"Row {self.row}, {self.column}: {self.reason}"
