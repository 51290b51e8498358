"""Trying a draft out on an entry: all of it is done in one transaction, and taken back at the end.

Steps that act outside only say what they would do.
"""

from dataclasses import dataclass, field

from django.db import DatabaseError, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from automations import definition as definitions
from automations import engine
from automations.models import WorkflowRun, WorkflowVersion
from automations.parts import Book
from automations.steps.base import entries_as_json
from automations.trees import tree_of
from records.lookup import find_record
from records.query import Query
from workspaces import access
from workspaces.errors import KdapError, Missing, refused_by_database

MOST_STEPS = 300


@dataclass
class Trial:
    """What a trial came to: `tree` are the nodes of its steps, `error` why it would fail."""

    status: str
    error: str = ""
    tree: list = field(default_factory=list)
    trigger: dict = field(default_factory=dict)


class Rehearsal(engine.Walk):
    """A walk that tells nobody and starts nothing when it fails."""

    def _failed(self, step, row, error):
        row.status, row.error, row.finished_at = "failed", error.detail[:5000], timezone.now()
        row.save()
        if step.on_error == "continue":
            return True
        name = step.name or step.label
        WorkflowRun.objects.filter(pk=self.run.pk).update(
            status="failed", error_message=f"“{name}”: {error.detail}"[:5000]
        )
        self.left = True
        return False


class _TakenBack(Exception):
    """Rolls the trial back."""


def try_out(*, workflow, actor, entry_id=None, input=None):
    """Run the draft without effect; return a Trial.

    `entry_id` is an entry of the trigger's record (the newest when None), `input` what is found
    under trigger.input. Raises Invalid, Forbidden or Missing.
    """
    access.require(actor, "write", workflow.workspace_id)
    parsed = definitions.parse(workflow.structured_definition)
    data = trigger_data(actor, parsed.trigger, entry_id, input or {})
    trial = Trial("failed", trigger=data)
    try:
        with transaction.atomic():
            run = _run_of(workflow, actor, data)
            _walk(run, trial)
            run.refresh_from_db()
            rows = list(run.steps.order_by("id")[:MOST_STEPS])
            trial.status = run.status if not trial.error else "failed"
            trial.error = trial.error or run.error_message
            trial.tree = tree_of(rows, parsed, Book(workflow.workspace_id))
            raise _TakenBack
    except _TakenBack:
        return trial


def _walk(run, trial):
    try:
        Rehearsal(run, dry=True).go()
    except KdapError as error:
        trial.error = error.detail
    except DatabaseError as error:
        found = refused_by_database(error)
        trial.error = found.detail if found else "The database refused something."


def _run_of(workflow, actor, data):
    """Make a version and a run of it, as they will be taken back."""
    version = WorkflowVersion.objects.create(
        id=uuid7(),
        workflow=workflow,
        workspace_id=workflow.workspace_id,
        number=(workflow.published or 0) + 1_000_000,
        structured_definition=workflow.structured_definition,
        user=actor.user,
        created_at=timezone.now(),
        event_id=0,
    )
    run = WorkflowRun.objects.create(
        workspace_id=workflow.workspace_id,
        workflow=workflow,
        version=version,
        key="trial",
        status="running",
        trigger_data=data,
        entry_id=(data.get("entry") or {}).get("entry_id"),
        started_at=timezone.now(),
        fence=1,
    )
    related = WorkflowRun.objects.select_related("workflow__owner", "version__user")
    run = related.get(pk=run.pk)
    run.known = []
    return run


def trigger_data(actor, trigger, entry_id=None, input=None):
    """Return what a trigger would hand on for an entry as it is now."""
    user = actor.user
    by = {"id": str(user.pk), "name": user.name, "email": user.email}
    data = {"type": trigger.type, "by": by, "user": by, "input": input or {}}
    if trigger.record_id is None:
        return data
    record = find_record(actor, trigger.record_id, "read")
    if entry_id is None:
        rows = Query(record, fields=(), sort=["-entry_id"]).rows(limit=1)
        entry_id = rows[0][0] if rows else None
    if entry_id is None:
        return data | {"record": str(record.pk)}
    found = entries_as_json(record, [entry_id])
    if not found:
        raise Missing(f"“{record.name}” has no entry {entry_id}.")
    entry = found[0]
    more = {"record": str(record.pk), "entry": entry, "before": entry, "changed": []}
    if getattr(trigger, "each", "entry") == "operation":
        more |= {"entries": found, "count": 1}
    return data | more
