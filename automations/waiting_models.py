"""What has happened to runs that wait: that they have to be looked at."""

from django.db import models


class Look(models.Model):
    """A run to be looked at, for what it waits for may have happened; it goes when that was done.

    Rows are only added and taken away, so whoever adds one never waits for who reads.
    """

    id = models.BigAutoField(primary_key=True)
    run_id = models.UUIDField()
    workspace_id = models.UUIDField()

    class Meta:
        app_label = "automations"
        db_table = "workflow_looks"
        ordering = ["id"]

    def __str__(self):
        return f"look at {self.run_id}"
