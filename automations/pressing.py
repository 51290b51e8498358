"""Buttons of workflows: which a record has, and what pressing one on chosen entries starts."""

from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from automations import definition as definitions
from automations import running, services
from automations.acting import at_home_of
from automations.models import Subscription, Workflow
from records.buttons import Button, offers
from records.lookup import find_record
from records.query import Query
from workspaces.errors import Conflict, Invalid


@offers
def workflow_buttons(record):
    """Return the Buttons of the workflows that are on and started by hand on entries of `record`."""
    found = Subscription.objects.filter(record_id=record.pk, trigger="button")
    rows = found.order_by("workflow__name", "pk").values_list("workflow__name", "workflow_id")
    return [Button(name, reverse("workflow_press", args=[id])) for name, id in rows]


@dataclass(frozen=True)
class Choice:
    """Entries that somebody chose for a workflow's button: all of them, and those it works on."""

    record: object
    ids: list[int]
    matching: list[int]
    filtered: bool  # whether the trigger has a filter

    @property
    def left_out(self):
        """How many of those chosen it does not work on."""
        return len(self.ids) - len(self.matching)


def choose(workflow, actor, ids):
    """Return the Choice of entries `ids` for a workflow's button.

    Raises Conflict where it has no button that can be pressed, or none of the entries can be
    worked on; Invalid for no entries, or too many.
    """
    version = services.current_version(workflow)
    trigger = definitions.of(version).trigger if version else None
    if trigger is None or trigger.type != "button" or trigger.record_id is None:
        raise Conflict(f"“{workflow.name}” has no button for entries (any more).")
    if workflow.state != Workflow.State.ACTIVE:
        raise Conflict(f"“{workflow.name}” is not switched on.")
    ids = list(dict.fromkeys(ids))
    if not ids:
        raise Invalid("Choose at least one entry.")
    if len(ids) > running.MOST_PRESSED:
        raise Invalid(f"At most {running.MOST_PRESSED:,} entries can be chosen at once.")
    record = find_record(actor, trigger.record_id)
    with at_home_of(version.user):  # whose today is that of the runs
        query = Query(record, where=trigger.where, fields=())
        rows = query.rows(limit=len(ids), extra="entry_id = ANY(%s)", extra_params=[ids])
        matching = [row[0] for row in rows]
    if not matching and trigger.where:
        raise Conflict("None of these entries matches the workflow's filter.")
    if not matching:
        raise Conflict("These entries are not there (any more).")
    return Choice(record, ids, matching, bool(trigger.where))


def press(workflow, actor, choice):
    """Start a run on each entry of a Choice that matches; return the WorkflowRuns."""
    return running.start(workflow=workflow, actor=actor, entries=choice.matching)


def press_of(run):
    """Return the UUID of the press that started a run by hand, as text."""
    return run.key.split(":")[1]


def runs_of(press, runs):
    """Return those of a queryset of WorkflowRuns that one press (its UUID) started."""
    # Runs are numbered by time, so the index of a workflow's runs begins at the press.
    first = UUID(int=press.int >> 80 << 80)
    return runs.filter(pk__gte=first, key__startswith=f"by hand:{press}")
