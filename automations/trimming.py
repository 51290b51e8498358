"""What ended too long ago is removed, a batch at a time: runs, tasks of agents, deliveries, notices.

What is not over stays.
"""

import datetime as dt

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from automations import looping
from automations.agents.models import AgentDrafting, AgentFilling, AgentTask
from automations.models import Notice, WebhookDelivery, WorkflowRun, WorkflowStep
from workspaces.access import Actor, acting_as

AT_ONCE = 1000
RUNS_AT_ONCE = 200  # each with up to thousands of items


def trim_runs(days=None):
    """Remove runs that ended more than `days` ago (RUNS_KEPT_DAYS), steps included; return how many.

    0 keeps them for ever. What they changed in the data stays, and so does its history.
    """
    return _trim(_remove_runs, days)


def trim_agent_tasks(days=None):
    """Remove tasks of agents, fillings and draftings that ended more than `days` ago; return how many.

    Each was told by an event `agent.executed`, which stays, as does what it changed. Tasks of a
    filling, and of a drafting, go with it: what it proposed is looked at as a whole.
    """
    whole = _trim(_remove_fillings, days) + _trim(_remove_draftings, days)
    return _trim(_remove_agent_tasks, days) + whole


def trim_deliveries(days=None):
    """Remove from the logs of webhooks what ended more than `days` ago; return how many."""
    return _trim(_remove_deliveries, days)


def trim_notices(days=None):
    """Remove mails to the people behind workflows that were sent, or given up, before; return how many."""
    return _trim(_remove_notices, days)


def _trim(remove_some, days):
    days = settings.RUNS_KEPT_DAYS if days is None else days
    removed = 0
    while days and (count := remove_some(timezone.now() - dt.timedelta(days=days))):
        removed += count
    return removed


def _remove_runs(before):
    with acting_as(Actor.system(task="trim runs")):
        # Items of loops go with the run around them, which may go on with what they gave.
        alone = WorkflowRun.objects.filter(Q(position=None) | Q(parent=None))
        old = alone.filter(finished_at__lt=before).order_by("finished_at")
        locked = old.select_for_update(skip_locked=True).values_list("pk", flat=True)
        ids = list(locked[:RUNS_AT_ONCE])
        every = ids + looping.items_below(ids)
        for start in range(0, len(every), AT_ONCE):
            some = every[start : start + AT_ONCE]
            WorkflowStep.objects.filter(run__in=some).only("pk").delete()
        for start in range(0, len(every), AT_ONCE):
            WorkflowRun.objects.filter(pk__in=every[start : start + AT_ONCE]).delete()
    return len(ids)


def _remove_agent_tasks(before):
    alone = AgentTask.objects.filter(filling=None, drafting=None)
    old = alone.filter(completed_at__lt=before).order_by("completed_at")
    return _remove(old, "trim agent tasks")


def _remove_fillings(before):
    begun = AgentTask.objects.filter(filling=OuterRef("pk"), completed_at=None)
    old = AgentFilling.objects.filter(~Exists(begun), created_at__lt=before).order_by("created_at")
    return _remove(old, "trim fillings")


def _remove_draftings(before):
    begun = AgentTask.objects.filter(drafting=OuterRef("pk"), completed_at=None)
    old = AgentDrafting.objects.filter(~Exists(begun), created_at__lt=before)
    return _remove(old.order_by("created_at"), "trim draftings")


def _remove_deliveries(before):
    old = WebhookDelivery.objects.filter(finished_at__lt=before).order_by("finished_at")
    return _remove(old, "trim deliveries")


def _remove_notices(before):
    old = Notice.objects.filter(finished_at__lt=before).order_by("finished_at")
    return _remove(old, "trim notices")


def _remove(old, task):
    with acting_as(Actor.system(task=task)):
        locked = old.select_for_update(skip_locked=True).values_list("pk", flat=True)
        ids = list(locked[:AT_ONCE])
        old.model.objects.filter(pk__in=ids).delete()
    return len(ids)
