"""Finding runs: by workflow, state, entry, time, and what stands in them."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from automations.models import WorkflowRun, WorkflowStep


@dataclass(frozen=True)
class RunFilters:
    """What runs to look for; every part may be left out.

    `since` (included) and `until` (excluded) are moments with a zone at which runs were triggered;
    `parent` is a run: what it caused, items of its loops included, which otherwise are left out;
    `text` is sought in the workflow's name, what triggered the run, its error, and those of its
    steps, also where the run went on after them.
    """

    status: tuple = ()
    workflow: UUID | None = None
    entry: int | None = None
    parent: UUID | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    text: str = ""


def _failed_steps(workspace_id, text):
    """Return the steps whose error has `text`; an index has those with an error only."""
    failed = WorkflowStep.objects.filter(workspace_id=workspace_id).exclude(error="")
    return failed.filter(error__icontains=text).order_by()


def find_runs(workspace_id, filters=None):
    """Return the runs of a workspace that `filters` leave, newest first, as a queryset."""
    given = filters or RunFilters()
    found = WorkflowRun.objects.filter(workspace=workspace_id)
    found = found.filter(parent=given.parent) if given.parent else found.filter(position=None)
    if given.status:
        found = found.filter(status__in=given.status)
    if given.workflow:
        found = found.filter(workflow=given.workflow)
    if given.entry is not None:
        found = found.filter(entry_id=given.entry)
    if given.since:
        found = found.filter(triggered_at__gte=given.since)
    if given.until:
        found = found.filter(triggered_at__lt=given.until)
    if given.text:
        found = found.alias(trigger_text=Cast("trigger_data", TextField())).filter(
            Q(workflow__name__icontains=given.text)
            | Q(error_message__icontains=given.text)
            | Q(trigger_text__icontains=given.text)
            | Q(pk__in=_failed_steps(workspace_id, given.text).values("run"))
        )
    return found.select_related("workflow", "version").order_by("-id")
