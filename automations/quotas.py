"""How many runs a workspace may start in a day, where the installation sets a limit."""

import datetime as dt
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from automations.models import WorkflowRun


def limit(version, rows):
    """Mark the `rows` for the queue that are beyond the day's limit as cancelled, with the reason.

    The workflow that wanted them is paused, and its owner told.
    """
    most = settings.AUTOMATIONS_RUNS_PER_DAY
    if not most:
        return
    begun = begun_today(version.workflow.workspace_id, most)
    wanted = [row for row in rows if row.get("status", "pending") == "pending"]
    over = wanted[max(0, most - begun) :]
    if not over:
        return
    because = f"This workspace may start {most:,} runs a day, and has started them."
    for row in over:
        row["status"], row["error_message"] = "cancelled", because
    from automations.dispatch import halt

    halt(version.workflow, f"{because} Switch it on again tomorrow.")


def begun_today(workspace_id, most):
    """Return how many runs a workspace has started since midnight, counted up to `most`."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    runs = WorkflowRun.objects.filter(
        workspace=workspace_id, pk__gte=first_id(midnight), position=None
    )
    return runs.exclude(status="cancelled", started_at=None)[:most].count()


def first_id(moment):
    """Return the smallest id that a run made at `moment` or later can have (UUID version 7)."""
    milliseconds = int(
        (moment - dt.datetime.fromtimestamp(0, dt.UTC)) / dt.timedelta(milliseconds=1)
    )
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62)
