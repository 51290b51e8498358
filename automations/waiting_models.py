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


class RunCall(models.Model):
    """What came by the address of a run: its `number`-th, of which each takes one call (calls.py).

    Without `data` nobody called in time, and nobody can any more.
    """

    id = models.BigAutoField(primary_key=True)
    # No constraint: whoever calls must not wait for the worker that has locked the run.
    run = models.ForeignKey(
        "automations.WorkflowRun", models.CASCADE, related_name="calls", db_constraint=False
    )
    workspace_id = models.UUIDField()
    number = models.IntegerField()
    key = models.CharField(max_length=120, null=True)
    data = models.JSONField(null=True)
    received_at = models.DateTimeField()

    class Meta:
        app_label = "automations"
        db_table = "workflow_calls"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="workflow_call_once")]

    def __str__(self):
        return f"call {self.number} of {self.run_id}"
