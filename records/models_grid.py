"""How one person likes to see one record's grid."""

from django.conf import settings
from django.db import models


class GridState(models.Model):
    """A person's column widths, order, hidden columns, row height and sums of a record."""

    # What `state` may hold, and of which type.
    PARTS = {"widths": dict, "order": list, "hidden": list, "height": str, "sums": dict}

    record = models.ForeignKey("records.Record", models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    state = models.JSONField(default=dict)

    class Meta:
        db_table = "grid_states"
        constraints = [models.UniqueConstraint(fields=["record", "user"], name="grid_state_once")]

    def __str__(self):
        return f"{self.user} on {self.record}"

    @classmethod
    def parts_of(cls, data):
        """Return the parts of `data` that a state may hold."""
        return {
            name: data[name] for name, kind in cls.PARTS.items() if isinstance(data.get(name), kind)
        }
