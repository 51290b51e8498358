"""Trying a draft out on an entry: all of it is done in one transaction, and taken back at the end.

Steps that act outside only say what they would do.
"""

import time
from dataclasses import dataclass, field

from django.db import DatabaseError, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from automations import definition as definitions
from automations import engine, finishing
from automations.acting import at_home_of
from automations.models import WorkflowRun, WorkflowVersion
from automations.parts import Book
from automations.references import last_data, last_outputs
from automations.steps.base import entries_as_json
from automations.trees import tree_of
from records.lookup import find_record
from records.query import Query
from workspaces import access
from workspaces.errors import Invalid, KdapError, Missing, refused_by_database

MOST_SHOWN = 300
SECONDS = 10
NEWEST = 20


@dataclass
class Trial:
    """What a trial came to: `tree` are the nodes of its steps, `error` why it would fail.

    `step` is the one that was to be tried, if only one was, and `before` how many ran before it.
    """

    status: str
    error: str = ""
    tree: list = field(default_factory=list)
    trigger: dict = field(default_factory=dict)
    step: str = ""
    before: int = 0


class _Enough(Exception):
    """The step that was to be tried is done."""


class Rehearsal(engine.Walk):
    """A walk that tells nobody, starts nothing when it fails, and ends after one step if wanted.

    Who is asked answers `answer`. What steps would only have done outside is for later steps as it
    was in `samples`, outputs by ids of steps.
    """

    def __init__(self, run, samples, until="", answer="approved"):
        super().__init__(run, dry=True)
        self.samples, self.until, self.answer = samples, until, answer
        self.end = time.monotonic() + SECONDS
        self.steps = {step.id: step for _, step in self.definition.walk()}

    def _done(self, row, output):
        if row.type == "approval":
            output = output | self._answered()
        elif isinstance(output, dict) and any(key.startswith("would_") for key in output):
            output = self.steps[row.step].rehearsed(output, self.samples.get(row.step, {}))
        super()._done(row, output)
        if row.step == self.until:
            raise _Enough
        if time.monotonic() > self.end:
            raise Invalid(f"A trial ends after {SECONDS} seconds; what it did until then is shown.")

    def _answered(self):
        by, at = self.actor.user.email, timezone.now().isoformat()
        return {"answer": self.answer, "by": by, "at": at, "comment": ""}

    def _failed(self, step, row, error):
        row.status, row.error, row.finished_at = "failed", error.detail[:5000], timezone.now()
        row.output = finishing.as_json(getattr(error, "output", None))
        row.save()
        if step.on_error == "continue" and step.id != self.until:
            return True
        name = step.name or step.label
        WorkflowRun.objects.filter(pk=self.run.pk).update(
            status="failed", error_message=f"“{name}”: {error.detail}"[:5000]
        )
        self.left = True
        return False


class _TakenBack(Exception):
    """Rolls the trial back."""


def try_out(*, workflow, actor, entry_id=None, input=None, step="", answer="approved"):
    """Run the draft without effect; return a Trial.

    `entry_id` is an entry of the trigger's record (the newest when None), `input` what is found
    under trigger.input, `step` the id of the step to end with, `answer` (approved or rejected)
    what people who are asked say. Raises Invalid, Forbidden or Missing.
    """
    access.require(actor, "write", workflow.workspace_id)
    access.require(actor, "read", workflow.workspace_id)  # it shows what steps find
    with at_home_of(actor.user):
        return _tried(workflow, actor, entry_id, input, step, answer)


def _tried(workflow, actor, entry_id, input, step, answer):
    parsed = definitions.parse(workflow.structured_definition)
    data = trigger_data(workflow, actor, parsed.trigger, entry_id, input)
    samples = last_outputs(workflow, parsed.walk())
    trial = Trial("failed", trigger=data, step=step)
    try:
        with transaction.atomic():
            run = _run_of(workflow, actor, data)
            rows = _walk(run, trial, samples, answer)
            trial.tree = tree_of(rows[:MOST_SHOWN], parsed, Book(workflow.workspace_id))
            raise _TakenBack
    except _TakenBack:
        if step:
            _only(step, rows, trial)
        return trial


def _walk(run, trial, samples, answer):
    """Carry the run out; return its rows in the order they came."""
    rehearsal = Rehearsal(run, samples, trial.step, answer)
    try:
        rehearsal.go()
        run.refresh_from_db()
        trial.status, trial.error = run.status, run.error_message
    except _Enough:
        trial.status = "succeeded"
    except KdapError as error:
        trial.error = error.detail
    except DatabaseError as error:
        found = refused_by_database(error)
        trial.error = found.detail if found else "The database refused something."
    return list(rehearsal.rows.values())


def _only(step, rows, trial):
    """Leave of a trial what it says of one step."""
    trial.before = sum(row.step != step for row in rows)
    trial.tree = list(_nodes_of(step, trial.tree))[:1]
    if not trial.tree:
        why = f" It ends with this: {trial.error}" if trial.error else ""
        trial.status = "failed"
        trial.error = f"With this entry the run does not come to this step.{why}"


def _nodes_of(step, nodes):
    for node in nodes:
        if node.row.step == step:
            yield node
        for _, inside in node.groups:
            yield from _nodes_of(step, inside)


def newest(actor, record_id):
    """Return [(id, first words)] of a record's newest entries, to choose one from."""
    record = find_record(actor, record_id, "read")
    fields = [item for item in record.structure.fields if not item.kind.virtual]
    text = next((item for item in fields if item.type == "text"), None) or next(iter(fields), None)
    rows = Query(record, fields=[text.key] if text else (), sort=["-entry_id"]).rows(limit=NEWEST)
    return [(row[0], str(row[2])[:60] if text and row[2] is not None else "") for row in rows]


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


def trigger_data(workflow, actor, trigger, entry_id=None, input=None):
    """Return what a trigger would hand on: an entry as it is now, a call or a failure as it last came."""
    user = actor.user
    by = {"id": str(user.pk), "name": user.name, "email": user.email}
    data = {"type": trigger.type, "by": by, "user": by, "input": {}}
    now = {"at": timezone.localtime().isoformat()}
    data |= now | trigger.brings | last_data(workflow, trigger)
    if input:
        data["input"] = input
    if trigger.record_id is None:
        return data
    record = find_record(actor, trigger.record_id, "read")
    if entry_id is None:
        rows = Query(record, fields=(), sort=["-entry_id"]).rows(limit=1)
        entry_id = rows[0][0] if rows else None
    if entry_id is None:
        return data | {"record": str(record.pk), "entry": None, "before": None}
    found = entries_as_json(record, [entry_id])
    if not found:
        raise Missing(f"“{record.name}” has no entry {entry_id}.")
    entry = found[0]
    more = {"record": str(record.pk), "entry": entry, "before": entry, "changed": []}
    if getattr(trigger, "each", "entry") == "operation":
        more |= {"entries": found, "count": 1}
    return data | more
