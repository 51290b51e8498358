"""Runs that wait for something to happen: a condition of an entry, a call.

Nobody asks again and again. A step that waits for a condition names its entry in its row; the
statement that reads the log finds by an index who waits for the entries that changed, and notes
their runs as looks. A worker takes looks some hundred at a time, asks the database once for all
that wait for the same condition, and lets go on what has it.

Whoever begins to wait asks for a look in the same transaction. What was changed before that commit
was perhaps passed over by who reads the log, and is seen by this look; who reads later finds the row.
"""

import logging

from django.db import DatabaseError, connection, transaction

from automations import attempts
from automations.acting import in_name_of
from automations.finishing import as_json, json_text
from automations.models import Look, WorkflowRun, WorkflowStep
from automations.queueing import turns_for
from automations.steps.base import entries_as_json
from records.lookup import find_record
from records.query import Query
from workspaces.access import Actor, acting_as
from workspaces.errors import KdapError, is_lost, refused_by_database

log = logging.getLogger(__name__)
AT_ONCE = 500

# Part of the statement that reads the log, after `fresh`. An event names up to 200 entries, of more
# the first and the last. What happened to the record itself concerns all who wait for its entries.
LOOKS = """named AS (
    SELECT f.stream_id, named.id::bigint AS entry_id
    FROM fresh f CROSS JOIN LATERAL jsonb_array_elements_text(
        CASE jsonb_typeof(f.payload->'ids') WHEN 'array' THEN f.payload->'ids' END) AS named (id)
    WHERE f.type LIKE 'entries.%%' AND EXISTS (
        SELECT FROM workflow_run_steps w
        WHERE w.status = 'waiting' AND w.watched_record = f.stream_id)
), looked AS (
    INSERT INTO workflow_looks (run_id, workspace_id)
    SELECT s.run_id, s.workspace_id FROM named n JOIN workflow_run_steps s
        ON s.status = 'waiting' AND s.watched_record = n.stream_id
        AND s.watched_entry = n.entry_id
    UNION
    SELECT s.run_id, s.workspace_id FROM fresh f JOIN workflow_run_steps s
        ON s.status = 'waiting' AND s.watched_record = f.stream_id
        AND s.watched_entry >= coalesce((f.payload->>'first')::bigint, 0)
        AND s.watched_entry <= coalesce((f.payload->>'last')::bigint, 9223372036854775807)
    WHERE f.type NOT LIKE 'entries.%%' OR NOT f.payload ? 'ids'
    RETURNING 1
)"""
TAKE = """
DELETE FROM workflow_looks WHERE id IN (
    SELECT id FROM workflow_looks ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING run_id
"""
WAKE = """
UPDATE workflow_runs r SET status = 'pending', wake_at = NULL, lease = NULL,
    turn = %(turn)s - %(count)s + given.place
FROM unnest(%(runs)s::uuid[]) WITH ORDINALITY AS given (run_id, place)
WHERE r.run_id = given.run_id AND r.status = 'waiting'
"""


def ask(run):
    """Have a run looked at as soon as this transaction has ended."""
    Look.objects.create(run_id=run.pk, workspace_id=run.workspace_id)


def look():
    """Look at some runs that something happened to, and wake those that need not wait any more.

    Return how many were looked at. When a worker dies over it, others look again.
    """
    with acting_as(Actor.system(task="look")):
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [AT_ONCE])
            ids = {id for (id,) in cursor.fetchall()}
        if ids:
            _let_go_on(list(_answered(ids)))
    return len(ids)


def _answered(ids):
    """Yield the waiting steps of these runs that have an answer now."""
    # In one order, so that two who look never hold each other.
    runs = WorkflowRun.objects.select_for_update(of=("self",)).filter(pk__in=ids, status="waiting")
    known = {run.pk: run for run in runs.select_related("version__user").order_by("pk")}
    rows = WorkflowStep.objects.filter(run__in=known, status="waiting", answer__isnull=True)
    found = {}
    for row in rows.filter(waits_for__in=ANSWERS).order_by("pk"):
        row.run = known[row.run_id]
        found.setdefault(row.waits_for, []).append(row)
    for kind, waiting in found.items():
        for row, answer in ANSWERS[kind](waiting):
            row.answer = as_json(answer)
            yield row


def _let_go_on(rows):
    """Keep the answers of steps, and put their runs in the queue again, in few statements."""
    WorkflowStep.objects.bulk_update(rows, ["answer"], batch_size=AT_ONCE)
    rooms = {}
    for row in rows:
        rooms.setdefault(row.workspace_id, []).append(row.run_id)
    with connection.cursor() as cursor:
        # In one order, for who takes turns holds the workspace until the end.
        for room, runs in sorted(rooms.items()):
            values = {"turn": turns_for(room, len(runs)), "count": len(runs), "runs": runs}
            cursor.execute(WAKE, values)


def _conditions(rows):
    """Yield (step, answer) of those whose entry has what they wait for, or is gone."""
    alike = {}
    for row in rows:
        where = (row.input or {}).get("where")
        if where is None:
            yield row, {"error": "What this step waits for is not kept any more."}
            continue
        same = row.watched_record, row.run.version.user_id, json_text(where)
        alike.setdefault(same, []).append(row)
    for group in alike.values():
        answers = _asked(group)
        for row in group:
            if row.watched_entry in answers:
                yield row, answers[row.watched_entry]


def _asked(rows):
    """Return {entry id: answer} for steps that wait for one condition in one person's name.

    What can't be asked is an answer as well, else one condition would keep all runs waiting.
    """
    first, ids = rows[0], list({row.watched_entry for row in rows})
    try:
        with transaction.atomic(), in_name_of(first.run.version.user) as actor:
            record = find_record(actor, first.watched_record, "read")
            return answers_now(record, first.input["where"], ids)
    except KdapError as error:
        return {key: {"error": error.detail} for key in ids}
    except DatabaseError as error:
        if is_lost(error) or attempts.passes(error):
            raise
        refused = refused_by_database(error)
        if refused is None:
            return _mistaken(first, ids)
        return {key: {"error": refused.detail} for key in ids}
    except Exception:
        return _mistaken(first, ids)


def _mistaken(row, ids):
    log.exception("What step %s waits for", row.pk)
    said = "A mistake in KDAP itself ended this wait; it is in the server's log."
    return {key: {"error": said} for key in ids}


def answers_now(record, where, ids):
    """Return {entry id: answer} of those entries that match `where`, or are not there, now."""
    met = _those(Query(record, where=where, fields=()), ids)
    gone = {"met": False, "deleted": True, "entry": None}
    answers = dict.fromkeys(set(ids) - met - _those(Query(record, fields=()), ids), gone)
    for entry in entries_as_json(record, list(met)) if met else ():
        answers[entry["entry_id"]] = told_of(entry, met=True)
    return answers


def told_of(entry, *, met):
    """Return the output of a wait about an entry, or None; of one too large only its number."""
    told = as_json({"met": met, "entry": entry})
    if "cut" in told:
        told = {"met": met, "entry": {"entry_id": entry["entry_id"], "cut": True}}
    return told


def _those(query, ids):
    rows = query.rows(limit=len(ids), extra="entry_id = ANY(%s)", extra_params=[ids])
    return {row[0] for row in rows}


def _calls(rows):
    from automations import calls  # which has runs looked at by this module

    return calls.answers(rows)


# What can have happened to a step that waits, by what it waits for.
ANSWERS = {"condition": _conditions, "call": _calls}
