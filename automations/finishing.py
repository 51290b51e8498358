"""The ends of runs, and what follows from them."""

import datetime as dt
import random
import re
from decimal import Decimal

import orjson
from django.db import connection
from django.db.models import Exists, OuterRef, Q

from automations import claiming, notices, services
from automations.models import Subscription, Workflow, WorkflowRun, WorkflowStep, WorkflowVersion
from automations.queueing import enqueue, turns_for
from automations.template_values import plain
from workspaces.access import Actor, acting_as
from workspaces.errors import Invalid
from workspaces.jsons import json_bytes

LONGEST_OUTPUT = 1_000_000
# How much of what a step was given is kept: characters of a text, items of a list, depth.
LONGEST_TOLD, MOST_TOLD, MOST_DEPTH = 2000, 50, 20
# An escaped NUL, unless it is the backslash before "u0000" that is escaped.
NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def backoff(attempt):
    """Return how long to wait before the `attempt`-th attempt (from 2), with jitter."""
    seconds = min(3600, 5 * 3 ** (attempt - 2))
    return dt.timedelta(seconds=seconds * random.uniform(0.8, 1.2))


def as_json(value):
    """Return `value` as JSON-able data; what is too large is cut and says so."""
    if value is None:
        return None
    text = json_text(value)
    if len(text) > LONGEST_OUTPUT:
        return {"cut": True, "bytes": len(text), "begins": text[:2000].decode(errors="replace")}
    return orjson.loads(text)


def as_input(told):
    """Return what a step was given as JSON for people to read: long texts and lists are cut."""
    return as_json(_shortened(told, 0))


def _shortened(value, depth):
    if isinstance(value, str) and len(value) > LONGEST_TOLD:
        return f"{value[:LONGEST_TOLD]}… {len(value) - LONGEST_TOLD:,} characters more"
    if isinstance(value, dict | list) and depth > MOST_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {key: _shortened(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        more = [f"… {len(value) - MOST_TOLD:,} more"] if len(value) > MOST_TOLD else []
        return [_shortened(item, depth + 1) for item in value[:MOST_TOLD]] + more
    return value


def json_text(value):
    """Return `value` as JSON in bytes that jsonb takes; what JSON does not know becomes text.

    Raises Invalid for what can't be kept: nested too deep, or with half a character.
    """
    try:
        text = json_bytes(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        raise Invalid("This is nested too deep to be kept, or has half a character.") from None
    return NUL.sub(rb"\1", text) if b"\\u0000" in text else text


def _plain(value):
    return plain(value) if isinstance(value, Decimal) else str(value)


def succeed(run, output):
    """End a run well."""
    output = as_json(output)
    if _end(run, "succeeded", output):
        _answer_caller(run, {"status": "succeeded", "output": output})


def fail(run, message, *, row=None, pause=False):
    """End a run as failed; tell who should know; with `pause`, or after many, pause its workflow."""
    with acting_as(Actor.system(door="automation", run=str(run.pk))) as actor:
        if not _end(run, "failed", error=message[:5000]):
            return
        if run.position is not None:
            return  # the run around it tells, for it fails too, or goes on
        _answer_caller(run, {"status": "failed", "error": message[:1000]})
        _fire_failed(run, message)
        workflow = Workflow.objects.select_related("owner").get(pk=run.workflow_id)
        because = message if pause else _too_often(run)
        if because and workflow.state == Workflow.State.ACTIVE:
            services.pause(workflow=workflow, actor=actor, because=because)
            notices.tell_paused(workflow)
        else:
            notices.tell_failed(run, message)


def cancel(run, because):
    """Cancel a run that the caller has locked: at once, or when its worker ends the step it is at."""
    rows = WorkflowRun.objects.filter(pk=run.pk)
    rows.update(cancel_asked=True, error_message=because)
    if run.status != "running":
        cancel_now(run)


def cancel_now(run):
    """End a run whose cancelling was asked for; why is what its row says."""
    with acting_as(Actor.system(door="automation", run=str(run.pk))):
        if _end(run, "cancelled", error=run_error(run) or "Cancelled."):
            _answer_caller(run, {"status": "cancelled", "error": "It was cancelled."})


# With whether anything below the run goes on, which most have not: every run ends by this.
END = """
UPDATE workflow_runs r SET status = %(status)s, finished_at = clock_timestamp(), lease = NULL,
    wake_at = NULL, output_data = coalesce(%(output)s::jsonb, output_data),
    error_message = coalesce(%(error)s, error_message)
WHERE run_id = %(run)s AND fence = %(fence)s AND status IN ('pending', 'running', 'waiting')
RETURNING EXISTS (SELECT FROM agent_tasks t WHERE t.run_id = r.run_id AND t.completed_at IS NULL),
    EXISTS (SELECT FROM workflow_runs i WHERE i.parent_id = r.run_id AND i.position IS NOT NULL
        AND i.finished_at IS NULL)
"""


def _end(run, status, output=None, error=None):
    """Return whether this ended the run: it was still going on, under the same fence.

    `output` is what as_json made of it.
    """
    told = None if output is None else json_text(output).decode()
    with connection.cursor() as cursor:
        given = {"run": run.pk, "fence": run.fence, "status": status}
        cursor.execute(END, given | {"output": told, "error": error})
        row = cursor.fetchone()
    run.status = status
    if row is None:
        return False
    tasks, runs = row
    claiming.free(run)
    if tasks:
        _end_tasks(run)
    _end_loops(run, runs)
    return True


def _end_loops(run, runs):
    from automations import looping  # which ends runs by this module

    if runs:
        looping.end_items(run)
    if run.position is not None:
        looping.ended(run)


def begin_again(runs):
    """Queue runs (a queryset) that failed or were cancelled again, to go on where they failed."""
    steps = WorkflowStep.objects.filter(run__in=runs)
    # A failure that the run went past stays: what came after it knew of it, and was numbered by it.
    later = WorkflowStep.objects.filter(run=OuterRef("run"), pk__gt=OuterRef("pk"))
    steps.filter(Q(status="waiting") | Q(~Exists(later), status="failed")).delete()
    # Of what was begun outside and never recorded, nobody knows: the engine asks, as after a death.
    steps.filter(status="unknown").update(status="started")
    runs.update(status="pending", finished_at=None, error_message="", cancel_asked=False, deaths=0)


def _end_tasks(run):
    from automations.agents import tasks  # which end runs' waits by this module

    tasks.end_those_of(run)


def _answer_caller(run, answer):
    """Wake the run that waits for this one."""
    caller = (run.trigger_data or {}).get("caller")
    if not caller or not caller.get("answers"):
        return
    with acting_as(Actor.system(door="automation", run=str(run.pk))):
        rows = WorkflowStep.objects.filter(
            run=caller["run"], path=caller["path"], status="waiting", waits_for="run"
        )
        if rows.update(answer=answer):
            wake(WorkflowRun.objects.get(pk=caller["run"]))


def wake(run):
    """Put a waiting run in the queue again; return whether it was waiting."""
    rows = WorkflowRun.objects.filter(pk=run.pk, status="waiting")
    turn = turns_for(run.workspace_id, 1)
    return rows.update(status="pending", wake_at=None, turn=turn, lease=None) > 0


def failure_of(run, message):
    """Return what a run that failed hands on to the workflows that wait for it."""
    return {
        "type": "run_failed",
        "run": str(run.pk),
        "workflow": {"id": str(run.workflow_id), "name": run.workflow.name},
        "error": message[:2000],
        "trigger": run.trigger_data,
    }


def _fire_failed(run, message):
    """Start the workflows that wait for failed runs; a failure of theirs starts none of themselves."""
    listening = Subscription.objects.filter(workspace_id=run.workspace_id, trigger="run_failed")
    for subscription in listening.exclude(workflow=run.workflow_id):
        version = WorkflowVersion.objects.select_related("workflow").get(pk=subscription.version_id)
        wanted = version.structured_definition["trigger"].get("workflow")
        if wanted and wanted != str(run.workflow_id):
            continue
        if run.depth + 1 > 5:
            continue
        data = failure_of(run, message)
        enqueue(
            version,
            [
                {
                    # A run that was tried again fails anew; the same end is the same fence.
                    "key": f"failed:{run.pk}:{run.fence}",
                    "trigger_data": as_json(data),
                    "parent_id": run.pk,
                    "depth": run.depth + 1,
                }
            ],
        )


def _too_often(run):
    """Return why a workflow should pause, or ""."""
    most = run.version.structured_definition.get("pause_after", 10)
    if not most:
        return ""
    last = WorkflowRun.objects.filter(
        workflow=run.workflow_id, finished_at__isnull=False, position=None
    )
    statuses = list(last.order_by("-finished_at").values_list("status", flat=True)[:most])
    if len(statuses) == most and set(statuses) == {"failed"}:
        return f"Its last {most} runs all failed. The last one said: {run_error(run)}"
    return ""


def run_error(run):
    """Return what a run failed with, as the database has it."""
    return WorkflowRun.objects.values_list("error_message", flat=True).get(pk=run.pk)
