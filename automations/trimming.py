"""Runs that are too old are removed, a batch at a time; what is not over yet stays."""

import datetime as dt

from django.conf import settings
from django.utils import timezone

from automations.models import WorkflowRun, WorkflowStep
from workspaces.access import Actor, acting_as

AT_ONCE = 1000


def trim_runs(days=None):
    """Remove runs that ended more than `days` ago (RUNS_KEPT_DAYS), steps included; return how many.

    0 keeps them for ever. What they changed in the data stays, and so does its history.
    """
    days = settings.RUNS_KEPT_DAYS if days is None else days
    removed = 0
    while days and (count := _remove_some(timezone.now() - dt.timedelta(days=days))):
        removed += count
    return removed


def _remove_some(before):
    with acting_as(Actor.system(task="trim runs")):
        old = WorkflowRun.objects.filter(finished_at__lt=before).order_by("finished_at")
        locked = old.select_for_update(skip_locked=True).values_list("pk", flat=True)
        ids = list(locked[:AT_ONCE])
        WorkflowStep.objects.filter(run__in=ids).delete()
        WorkflowRun.objects.filter(pk__in=ids).delete()
    return len(ids)
