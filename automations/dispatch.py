"""From the log to runs: what happened to entries, by any door, fires workflows that listen.

Two steps, each exactly once. `route` keeps what somebody listens to as firings, in the same
transaction as what it read. What it read is kept as PostgreSQL's snapshot: new is what belongs to
transactions that had not ended then and can be seen now. So nothing is read twice, nothing is
skipped, and nobody waits for the oldest transaction that is still running, such as an import.
`expand` takes firings, some entries at a time and workspaces in turn, compares entries before and
after, and puts runs in the queue.
"""

import datetime as dt
import logging

from django.db import connection, transaction
from django.utils import timezone

from automations import definition as definitions
from automations import services
from automations.acting import in_name_of
from automations.attempts import understood
from automations.awaiting import LOOKS
from automations.models import Firing, Workflow, WorkflowRun, WorkflowVersion
from automations.queueing import enqueue, served
from records.images import entries_of
from records.lookup import find_record
from records.past import as_of
from records.query import Query
from workspaces.access import Actor, acting_as
from workspaces.errors import Forbidden, Missing
from workspaces.jsons import json_bytes
from workspaces.models import Event

log = logging.getLogger(__name__)
ENTRIES_AT_ONCE = 100  # a tenth of a second or so, for which others wait
MOST_LISTED, LARGEST_LIST = 1000, 2_000_000
DEEPEST = 5
# Runs that other runs caused, of one workflow in a minute, before it is taken for a loop.
MOST_CAUSED = 600
MOST_ATTEMPTS = 8

FEED = "SELECT snapshot FROM workflow_feed WHERE id = 1 FOR UPDATE SKIP LOCKED"
# A database that was restored from a dump counts transactions from the beginning again; then all
# that is in it was read before, and what seems to come from transactions to be is from there.
ROUTE = f"""
WITH seen AS (
    SELECT CASE WHEN pg_snapshot_xmax(%(seen)s::pg_snapshot) > pg_snapshot_xmax(now.now)
        THEN now.now ELSE %(seen)s::pg_snapshot END AS seen
    FROM (SELECT pg_current_snapshot() AS now) AS now
), fresh AS (
    SELECT event_id, type, stream_id, operation_id, xid, payload FROM events
    WHERE xid >= (SELECT pg_snapshot_xmax(seen) FROM seen)
        AND xid < (SELECT pg_snapshot_xmax(pg_current_snapshot()))
    UNION ALL
    SELECT event_id, type, stream_id, operation_id, xid, payload FROM events
    WHERE xid = ANY (ARRAY(SELECT pg_snapshot_xip(seen) FROM seen))
), fired AS (
    INSERT INTO workflow_firings
        (version_id, workspace_id, events, position, attempts, not_before, created_at)
    SELECT s.version_id, s.workspace_id, jsonb_agg(f.event_id ORDER BY f.event_id), 0, 0,
        clock_timestamp(), clock_timestamp()
    FROM fresh f JOIN workflow_subscriptions s
        ON s.record_id = f.stream_id AND s.events ? f.type AND (f.event_id > s.listens_after
            OR NOT pg_visible_in_snapshot(f.xid, s.listens_from::pg_snapshot))
    GROUP BY s.version_id, s.workspace_id,
        CASE WHEN s.whole THEN f.operation_id END, CASE WHEN NOT s.whole THEN f.event_id END
    RETURNING 1
), posted AS (
    INSERT INTO webhook_postings
        (subscription_id, workspace_id, event_id, position, attempts, not_before)
    SELECT w.webhook_id, w.workspace_id, f.event_id, 0, 0, clock_timestamp()
    FROM fresh f JOIN webhook_subscriptions w
        ON w.record_id = f.stream_id AND w.events ? f.type AND (f.event_id > w.listens_after
            OR NOT pg_visible_in_snapshot(f.xid, w.listens_from::pg_snapshot))
        AND w.state = 'active' AND w.deleted_at IS NULL
    ORDER BY f.event_id
), {LOOKS}, moved AS (
    UPDATE workflow_feed SET snapshot = pg_current_snapshot()::text
    WHERE EXISTS (SELECT FROM fresh) OR (SELECT seen::text FROM seen) <> %(seen)s
)
SELECT (SELECT count(*) FROM fired), (SELECT count(*) FROM looked)
"""
# The workspaces with a firing that is due, the one that was served longest ago first. Each costs one
# look into the index, however many firings it has. What is in the trash waits to be restored.
ROOMS = """
WITH RECURSIVE rooms AS (
    (SELECT workspace_id, not_before FROM workflow_firings
    ORDER BY workspace_id, not_before LIMIT 1)
    UNION ALL
    SELECT next.* FROM rooms CROSS JOIN LATERAL (
        SELECT workspace_id, not_before FROM workflow_firings f
        WHERE f.workspace_id > rooms.workspace_id ORDER BY workspace_id, not_before LIMIT 1) AS next
)
SELECT workspace_id FROM rooms JOIN workspaces w USING (workspace_id)
LEFT JOIN workflow_turns t USING (workspace_id)
WHERE not_before <= statement_timestamp() AND w.deleted_at IS NULL ORDER BY t.served_at NULLS FIRST, not_before, workspace_id
"""
NEXT = """
SELECT id FROM workflow_firings WHERE workspace_id = %s AND not_before <= statement_timestamp()
ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED
"""


def route():
    """Read the log on; return how many firings and looks were made. At once from one place only."""
    with acting_as(Actor.system(task="dispatch")), connection.cursor() as cursor:
        cursor.execute(FEED)
        row = cursor.fetchone()
        if row is None:
            return 0
        cursor.execute(ROUTE, {"seen": row[0]})
        return sum(cursor.fetchone())


def expand(seconds=5.0):
    """Make runs of firings for up to `seconds`; return how many runs."""
    made, end = 0, timezone.now() + dt.timedelta(seconds=seconds)
    while timezone.now() < end:
        count = _expand_some()
        if count is None:
            return made
        made += count
    return made


def _expand_some():
    """Take one step with the next firing; return the number of new runs, None when there is none."""
    with acting_as(Actor.system(task="dispatch")):
        id = _next()
        if id is None:
            return None
        firing = Firing.objects.get(pk=id)
        count = _expand_part(firing)
        # Only now: who wants a turn of this workspace waits for the end of this transaction.
        served(firing.workspace_id)
    return count


def _next():
    """Return the id of the firing that is to be taken, locked; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(ROOMS)
        for (room,) in cursor.fetchall():
            cursor.execute(NEXT, [room])
            row = cursor.fetchone()
            if row is not None:  # else other workers have all that are due there
                return row[0]
    return None


def _expand_part(firing):
    version = WorkflowVersion.objects.select_related("workflow", "user").get(pk=firing.version_id)
    workflow = version.workflow
    if workflow.state != Workflow.State.ACTIVE or workflow.deleted_at:
        firing.delete()  # paused or deleted since: it starts no more runs
        return 0
    try:
        with transaction.atomic():
            trigger = definitions.of(version).trigger
            rows, position = _Expansion(firing, version, trigger).runs()
            made = enqueue(version, _limited(version, rows))
    except (Missing, Forbidden) as error:
        _give_up(firing, version, error.detail)
        return 0
    except Exception as raised:
        what = f"Making runs of workflow {workflow.pk} from firing {firing.pk}"
        return _postpone(firing, version, understood(raised, what))
    if position is None:
        firing.delete()
    else:
        Firing.objects.filter(pk=firing.pk).update(position=position, not_before=timezone.now())
    return len(made)


class _Expansion:
    """One firing's next entries, and the runs they make."""

    def __init__(self, firing, version, trigger):
        self.firing, self.version, self.trigger = firing, version, trigger
        self.events = {
            event.pk: event
            for event in Event.objects.filter(pk__in=firing.events).select_related("user")
        }

    def runs(self):
        """Return (rows for enqueue, position); the position is None when all entries are done."""
        with in_name_of(self.version.user) as actor:
            record = find_record(actor, self.trigger.record, "read")
            if self.trigger.each == "operation":
                return self._one_run(record), None
            event = self.events[self.firing.events[0]]
            if not self._concerns(event):
                return [], None
            ids = entries_of(record, event, self.firing.position, ENTRIES_AT_ONCE)
            rows = [self._row(event, *images) for images in self._matching(record, event, ids)]
        return rows, ids[-1] if len(ids) == ENTRIES_AT_ONCE else None

    def _concerns(self, event):
        if not self.trigger.comes_by(event.cause or {}):
            return False
        return event.type != "entries.updated" or self.trigger.listens(event.changed or ())

    def _matching(self, record, event, ids):
        """Yield (id, before, after) of the entries that the trigger wants, images as JSON."""
        after = as_of(record, event.pk)
        before = None if event.type == "entries.created" else as_of(record, event.pk - 1)
        for source, where, must in self.trigger.wants(before, after):
            # What was not there before, or is not afterwards, matches nothing.
            found = _matches(source, where, ids) if source is not None else set()
            ids = [id for id in ids if (id in found) == must]
        if not ids:
            return
        old = images(before, ids) if before is not None else {}
        new = images(after, ids) if event.type != "entries.deleted" else {}
        for id in ids:
            if self._really(old.get(id), new.get(id), event):
                yield id, old.get(id), new.get(id)

    def _really(self, old, new, event):
        """A large statement names the fields it changed of any entry; look at this one."""
        if event.type != "entries.updated" or old is None or new is None:
            return old is not None or new is not None
        return self.trigger.listens([key for key in new if new[key] != old.get(key)])

    def _row(self, event, id, old, new):
        data = self._about(event) | {"entry": new or old, "before": old if new else None}
        if old and new:
            data["changed"] = [key for key in new if new[key] != old.get(key)]
        return self._caused(event) | {
            "key": f"{event.pk}:{id}",
            "entry_id": id,
            "event_id": event.pk,
            "trigger_data": data,
        }

    def _one_run(self, record):
        listed, count, size = [], 0, 0
        events = [self.events[id] for id in self.firing.events if id in self.events]
        for event in filter(self._concerns, events):
            position = 0
            while ids := entries_of(record, event, position, ENTRIES_AT_ONCE):
                for _, old, new in self._matching(record, event, ids):
                    count += 1
                    size += len(json_bytes(new or old))
                    if len(listed) < MOST_LISTED and size < LARGEST_LIST:
                        listed.append(new or old)
                position = ids[-1]
        if not count:
            return []
        first = listed[0] if listed else None
        data = self._about(events[0]) | {"entries": listed, "count": count, "entry": first}
        row = {"key": f"{events[0].pk}:all", "event_id": events[0].pk, "trigger_data": data}
        return [self._caused(events[0]) | row]

    def _about(self, event):
        user = event.user
        return {
            "type": self.trigger.type,
            "event": event.pk,
            "at": event.timestamp.isoformat(),
            "record": str(event.stream_id),
            "user": {"id": str(user.pk), "name": user.name, "email": user.email} if user else None,
        }

    def _caused(self, event):
        cause = event.cause or {}
        if "run" not in cause:
            return {}
        return {"parent_id": cause["run"], "depth": int(cause.get("depth") or 0) + 1}


def _matches(record, where, ids):
    if not ids:
        return set()
    query = Query(record, where=where, fields=())
    found = query.rows(limit=len(ids), extra="entry_id = ANY(%s)", extra_params=[ids])
    return {row[0] for row in found}


def images(record, ids):
    """Return {id: entry as the API gives it} of those of `ids` that `record` has."""
    query = Query(record)
    keys = [field.key for field in query.fields]
    found = query.rows(limit=len(ids), extra="entry_id = ANY(%s)", extra_params=[ids])
    return {row[0]: {"entry_id": row[0], **dict(zip(keys, row[2:], strict=True))} for row in found}


def _limited(version, rows):
    """Return `rows` with what goes round in circles refused."""
    deep = [row for row in rows if row.get("depth", 0) > DEEPEST]
    for row in deep:
        row["status"] = "failed"
        row["error_message"] = (
            f"Stopped as a loop: runs caused each other {DEEPEST} deep. "
            f"The way here: {path_of(row['parent_id'], version.workflow.name)}."
        )
    caused = [row for row in rows if row.get("depth")]
    if caused and _rate(version) + len(caused) > MOST_CAUSED:
        because = (
            f"Runs caused more than {MOST_CAUSED} runs of this workflow within a minute, which "
            f"looks like a loop: {path_of(caused[0]['parent_id'], version.workflow.name)}."
        )
        halt(version.workflow, because)
    return rows


def _rate(version):
    minute = timezone.now() - dt.timedelta(minutes=1)
    runs = WorkflowRun.objects.filter(
        workflow=version.workflow_id, depth__gt=0, triggered_at__gt=minute, position=None
    )
    return runs.count()


def path_of(run_id, last):
    """Return the names of the workflows that caused each other, the first one first."""
    names = [last]
    while run_id is not None and len(names) < 2 * DEEPEST:
        run = WorkflowRun.objects.select_related("workflow").filter(pk=run_id).first()
        if run is None:
            break
        if run.position is None:
            names.append(run.workflow.name)
        run_id = run.parent_id
    return " → ".join(f"“{name}”" for name in reversed(names))


def halt(workflow, because):
    """Pause a workflow as the system, and tell its owner why."""
    from automations.notices import tell_paused

    with acting_as(Actor.system(door="automation", task="dispatch")) as actor:
        workflow.refresh_from_db()
        if workflow.state == Workflow.State.ACTIVE:
            services.pause(workflow=workflow, actor=actor, because=because)
            tell_paused(workflow)


def _give_up(firing, version, detail):
    firing.delete()
    halt(version.workflow, f"It can't read what it listens to any more: {detail}")


def _postpone(firing, version, error):
    """Try again later; after some hours say so and pause."""
    if firing.attempts + 1 >= MOST_ATTEMPTS:
        _give_up(firing, version, error.detail)
        return 0
    log.warning("Firing %s of workflow %s: %s", firing.pk, version.workflow_id, error.detail)
    pause = dt.timedelta(seconds=5 * 4**firing.attempts)
    Firing.objects.filter(pk=firing.pk).update(
        attempts=firing.attempts + 1, not_before=timezone.now() + pause
    )
    return 0
