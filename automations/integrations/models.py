"""Connections to other servers."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from workspaces.models import Snapshot, Workspace


class Integration(Snapshot):
    """A server that the workflows and agents of a workspace may use.

    `config` is that of its kind (automations/integrations/kinds.py). `sealed` holds its secret with
    the hosts it was given for, `sealed_tokens` what a person signed in for; they are in no event and
    shown to nobody. `tools` are what an MCP
    server said it has when it was looked at last: asked for at `asked_at`, done at `looked_at`.
    """

    id = models.UUIDField(
        primary_key=True, default=uuid7, db_column="integration_id", editable=False
    )
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="integrations")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    server_name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16)
    config = models.JSONField(default=dict)
    sealed = models.BinaryField(null=True, editable=False)
    sealed_tokens = models.BinaryField(null=True, editable=False)
    tools = models.JSONField(default=list, editable=False)
    said = models.TextField(blank=True, editable=False)
    works = models.BooleanField(null=True, editable=False)
    asked_at = models.DateTimeField(null=True, editable=False)
    looked_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        app_label = "automations"
        db_table = "integrations"
        ordering = ["server_name", "id"]

    def __str__(self):
        return self.server_name

    def get_absolute_url(self):
        return reverse("integration", args=[self.pk])

    @property
    def is_being_looked_at(self):
        """Whether somebody asked to look at it, and no worker did yet."""
        return self.asked_at is not None and (
            self.looked_at is None or self.looked_at < self.asked_at
        )

    @property
    def has_secret(self):
        """Whether a secret was given, for whichever host."""
        return self.sealed is not None
