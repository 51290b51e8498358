"""A change of structure that takes long, as people see it: what it does, and how far it is."""

import datetime as dt

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from workspaces.models import Workspace

# A worker shows that it lives with each batch; one silent for so long is looked for.
SILENCE = dt.timedelta(seconds=15)


class StructureJob(models.Model):
    """Changes of one record's structure on their way, made from the structure `version`.

    `columns` are those that are being filled, `position` is the last entry that has its new cells.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="job_id", editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    record = models.ForeignKey("records.Record", models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    changes = models.JSONField()
    sentences = models.JSONField(default=list)
    confirmed = models.BooleanField(default=False)
    version = models.IntegerField()
    cause = models.JSONField(default=dict)
    operation_id = models.UUIDField(default=uuid7)
    columns = models.JSONField(default=list)
    position = models.BigIntegerField(default=0)
    until = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    error = models.TextField(blank=True)
    worker = models.UUIDField(null=True)
    attempts = models.IntegerField(default=0)
    heartbeat = models.DateTimeField(null=True)
    cancel_asked = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "structure_jobs"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["record"], condition=Q(state="running"), name="structure_job_alone"
            )
        ]

    def __str__(self):
        return " ".join(self.sentences)

    def get_absolute_url(self):
        return reverse("structure_job", args=[self.pk])

    @property
    def is_over(self):
        """Whether nothing more will happen to it."""
        return self.state != self.State.RUNNING

    @property
    def is_silent(self):
        """Whether it should be worked on, and nothing was heard of it for a while."""
        heard = self.heartbeat or self.created_at
        return not self.is_over and timezone.now() - heard > SILENCE

    @property
    def percent(self):
        """How far it is, 0 to 100."""
        return min(100, 100 * self.done // self.total) if self.total else 0
