"""How people like to see one record's grid: each for themselves, and in views that have a name."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from workspaces.models import Snapshot


class RecordView(Snapshot):
    """A named way to see a record: what is asked for, in which order, and how columns look.

    `question` holds where (a condition or None), sort (keys, - in front for descending) and
    search; `layout` the parts of a GridState. A personal view is its owner's alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, db_column="view_id", editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", models.CASCADE, related_name="+")
    record = models.ForeignKey("records.Record", models.CASCADE, related_name="views")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+")
    name = models.CharField(max_length=120)
    personal = models.BooleanField(default=False)
    question = models.JSONField(default=dict)
    layout = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "record_views"
        ordering = ["name", "id"]
        verbose_name = "view"

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return f"{reverse('record', args=[self.record_id])}?view={self.pk}"


class GridState(models.Model):
    """A person's column widths, order, hidden columns, row height and sums of a record.

    In a `view` it counts until somebody saves the view anew: `seen` is the view's version that it
    goes on from.
    """

    # What `state` may hold, and of which type.
    PARTS = {"widths": dict, "order": list, "hidden": list, "height": str, "sums": dict}

    record = models.ForeignKey("records.Record", models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    view = models.ForeignKey(RecordView, models.CASCADE, null=True, related_name="+")
    seen = models.IntegerField(default=0)
    state = models.JSONField(default=dict)

    class Meta:
        db_table = "grid_states"
        constraints = [
            models.UniqueConstraint(
                fields=["record", "user"], name="grid_state_once", condition=Q(view=None)
            ),
            models.UniqueConstraint(fields=["view", "user"], name="grid_state_of_view_once"),
        ]

    def __str__(self):
        return f"{self.user} on {self.record}"

    @classmethod
    def parts_of(cls, data):
        """Return the parts of `data` that a state may hold."""
        return {
            name: data[name] for name, kind in cls.PARTS.items() if isinstance(data.get(name), kind)
        }
