"""What people do with runs: start, answer, cancel, try again, find."""

import hashlib

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from automations import claiming, dispatch, finishing, looping, renewing, services
from automations import definition as definitions
from automations.acting import at_home_of
from automations.models import WorkflowRun, WorkflowStep
from automations.queueing import enqueue
from automations.steps.base import Failed, entries_as_json
from records.lookup import find_record
from records.query import Query
from workspaces import access
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Invalid, Missing

MOST_PRESSED = 1000
DEEPEST_CALL = 5


def find_run(actor, id, action="read"):
    """Return the WorkflowRun of that id if `actor` may do `action` there; raise Missing, Forbidden."""
    related = WorkflowRun.objects.select_related("workflow__owner", "version__user", "workspace")
    run = related.filter(pk=id).first()
    if run is None or run.workspace.deleted_at:
        days = settings.RUNS_KEPT_DAYS
        kept = f" Runs are kept for {days} days after their end." if days else ""
        raise Missing(f"There is no such run (any more), or it is not shared with you.{kept}")
    access.require(actor, action, run.workspace_id)
    return run


def start(*, workflow, actor, entries=(), input=None):
    """Start the published version by hand; return the WorkflowRuns.

    On `entries` (ids of the trigger's record) each makes a run of its own; where the trigger has a
    record there must be one at least. `input` is what templates find under trigger.input. Raises
    Conflict for a workflow that is not on.
    """
    access.require(actor, "write", workflow.workspace_id)
    version = startable(workflow)
    if len(entries) > MOST_PRESSED:
        raise Invalid(f"At most {MOST_PRESSED:,} entries can be chosen at once.")
    trigger = definitions.of(version).trigger
    if trigger.record_id is not None and not entries:
        detail = "This workflow works on entries: choose one at least."
        raise Invalid(detail, problems=[{"pointer": "/entries", "detail": detail}])
    data = {
        "type": "button",
        "by": {"id": str(actor.user.pk), "name": actor.user.name, "email": actor.user.email},
        "input": input or {},
    }
    press = uuid7()
    rows = [
        {"key": f"by hand:{press}:{id}", "entry_id": id, "trigger_data": data | {"entry": entry}}
        for id, entry in _chosen(actor, version, trigger, entries)
    ] or [{"key": f"by hand:{press}", "trigger_data": data}]
    caused = _caused_by(actor.cause or {})
    made = enqueue(version, [row | caused for row in rows])
    return list(WorkflowRun.objects.filter(pk__in=made).order_by("id"))


def startable(workflow):
    """Return the version that runs of a workflow begin with; raise Conflict when it starts none."""
    version = services.current_version(workflow)
    if version is None or workflow.deleted_at:
        raise Conflict("Publish the workflow first.")
    if workflow.state != workflow.State.ACTIVE:
        raise Conflict(f"“{workflow.name}” is paused and starts nothing. Switch it on first.")
    return version


def _caused_by(cause):
    """Return what a run has of the run whose agent starts it; raise Conflict where they go round."""
    if not cause.get("run"):
        return {}
    depth = int(cause.get("depth") or 0) + 1
    if depth > DEEPEST_CALL:
        raise Conflict(f"Runs that agents started one out of the other end {DEEPEST_CALL} deep.")
    return {"parent_id": cause["run"], "depth": depth}


def _chosen(actor, version, trigger, ids):
    """Yield (id, entry) of the chosen entries that the trigger's filter allows."""
    if not ids:
        return
    if trigger.record_id is None:
        raise Invalid("This workflow works on no record, so it takes no entries.")
    record = find_record(actor, trigger.record_id, "read")
    where = getattr(trigger, "where", None)
    if where:
        with at_home_of(version.user):
            query = Query(record, where=where, fields=())
            extra = {"extra": "entry_id = ANY(%s)", "extra_params": [list(ids)]}
            found = query.rows(limit=len(ids), **extra)
        ids = [row[0] for row in found]
        if not ids:
            raise Conflict("None of these entries matches the workflow's filter.")
    found = entries_as_json(record, list(ids))
    if not found:
        raise Missing("These entries are not there (any more).")
    for entry in found:
        yield entry["entry_id"], entry


def call(go, workflow_id, input, *, answers):
    """Start a workflow from a step of another; return its WorkflowRun.

    The run that calls is locked, and what is called is committed with the step that called it.
    """
    workflow = services.find_workflow(go.actor, workflow_id, "write")
    if workflow.workspace_id != go.run.workspace_id:
        raise Failed("That workflow is in another workspace.")
    version = services.current_version(workflow)
    if version is None or workflow.state != workflow.State.ACTIVE:
        raise Failed(f"“{workflow.name}” is not switched on.")
    if go.run.depth + 1 > DEEPEST_CALL:
        path = dispatch.path_of(go.run.pk, workflow.name)
        raise Failed(f"Workflows call each other more than {DEEPEST_CALL} deep: {path}.")
    made = _called(go, version, input, answers)
    if answers and made.is_over:  # such as skipped: nobody would wake the caller
        raise Failed(f"“{workflow.name}” did not run: {made.error_message}")
    return made


def _called(go, version, input, answers):
    caller = {"run": str(go.run.pk), "path": go.row.path, "answers": answers}
    # A step that is done anew by a person calls anew. What it called before has its answer.
    before = WorkflowRun.objects.filter(
        parent=go.run.pk, trigger_data__type="called", trigger_data__caller__path=go.row.path
    ).count()
    # Paths can be longer than keys.
    path = hashlib.sha256(go.row.path.encode()).hexdigest()[:40]
    data = finishing.as_json({"type": "called", "input": input, "caller": caller})
    if "caller" not in data:
        raise Failed("This input is larger than a megabyte.")
    row = {
        "key": f"called:{go.run.pk}:{path}:{before}",
        "trigger_data": data,
        "parent_id": go.run.pk,
        "depth": go.run.depth + 1,
    }
    (id,) = enqueue(version, [row])
    return WorkflowRun.objects.get(pk=id)


def answer(*, row, given, email, comment=""):
    """Answer an approval as the person with `email`; raises Conflict when it is settled already.

    Who answers by the link in an e-mail has proved by it that they were asked.
    """
    if given not in ("approved", "rejected"):
        raise Invalid("Answer approved or rejected.")
    with acting_as(Actor.system(door="automation", approval=str(row.pk))):
        row = WorkflowStep.objects.select_for_update().get(pk=row.pk)
        run = WorkflowRun.objects.select_related("workflow__owner").get(pk=row.run_id)
        if row.status != "waiting" or row.waits_for != "approval" or row.answer or run.is_over:
            raise Conflict("This was decided already.")
        row.answer = {
            "answer": given,
            "by": email,
            "at": timezone.now().isoformat(),
            "comment": comment[:2000],
        }
        row.save(update_fields=["answer"])
        finishing.wake(run)
    return row


def waiting_for(actor, workspace_id):
    """Return the steps in a workspace that wait for an answer of the actor's user."""
    from automations.notices import people_asked

    access.require(actor, "read", workspace_id)
    rows = WorkflowStep.objects.filter(
        workspace_id=workspace_id, status="waiting", waits_for="approval", answer__isnull=True
    ).select_related("run__workflow__owner")
    mine = actor.user.email.lower()
    return [row for row in rows.order_by("-id")[:500] if mine in people_asked(row.run, row)]


def decide(*, row, decision, actor):
    """Say what became of a step that nobody can tell about: done, again or failed."""
    with transaction.atomic():
        run = find_run(actor, row.run_id, "write")
        row = WorkflowStep.objects.select_for_update().get(pk=row.pk)
        if row.status != "unknown" or run.is_over:
            raise Conflict("This was decided already.")
        who = actor.user.name or actor.user.email
        if decision == "done":
            row.status, row.finished_at = "succeeded", timezone.now()
            known = row.output if isinstance(row.output, dict) else {}
            row.output = known | {"decided": f"{who} said that it took effect."}
        elif decision == "again":
            row.status, row.waits_for = "waiting", "retry"
        elif decision == "failed":
            row.status, row.finished_at = "failed", timezone.now()
        else:
            raise Invalid("Decide done, again or failed.")
        row.save()
        if decision == "failed":
            finishing.fail(run, f"{who} said that “{row.path}” took no effect: {row.error}")
        else:
            finishing.wake(run)


def cancel(*, run, actor):
    """End a run; what it did stays and can be undone. A step at work outside is let finish."""
    access.require(actor, "write", run.workspace_id)
    if run.is_over:
        raise Conflict("This run is over already.")
    run = WorkflowRun.objects.select_for_update().get(pk=run.pk)
    finishing.cancel(run, f"Cancelled by {actor.user.name or actor.user.email}.")
    run.refresh_from_db()
    return run


def _whole(run):
    """Return the run that people started, of which `run` may be an item; raise Conflict."""
    top = looping.top_of(run)
    if top.position is not None:
        raise Conflict("The run that this item belonged to is not kept any more.")
    return top


def retry(*, run, actor, latest=False):
    """Go on with a failed run from the step that failed; return it.

    An item of a loop goes on with the run it belongs to. Where another run has its concurrency key
    meanwhile it waits for its turn, whatever the policy: it was asked for by a person.

    With `latest` by the newest version, if what was done stands there as well; raises Conflict.
    """
    access.require(actor, "write", run.workspace_id)
    run = _whole(run)
    if run.status not in ("failed", "cancelled"):
        raise Conflict("Only a run that failed or was cancelled can be tried again.")
    if latest:
        renewing.take_newest(run)
    finishing.begin_again(WorkflowRun.objects.filter(pk=run.pk, status=run.status))
    claiming.line_up(run)
    run.refresh_from_db()
    return run


def replay(*, run, actor):
    """Start the newest version with the trigger data of an older run; return the new run."""
    access.require(actor, "write", run.workspace_id)
    run = _whole(run)
    version = startable(run.workflow)
    data = {key: value for key, value in run.trigger_data.items() if key != "caller"}
    key = f"replay:{uuid7()}"
    row = {
        "key": key,
        "trigger_data": data,
        "entry_id": run.entry_id,
        "event_id": run.event_id,
        "retry_of_id": run.pk,
    }
    enqueue(version, [row])
    return WorkflowRun.objects.get(version=version, key=key)
