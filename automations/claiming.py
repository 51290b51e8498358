"""Who carries a run out: one worker at a time, by a lease and a number that grows with each claim.

Runs with a concurrency key come one after the other. One whose turn it is not waits like any other
run, at no cost, until the end of the one before it puts it in the queue again. So does one that is
tried again while another has begun. Both have no moment of their beginning then.
"""

import datetime as dt
import logging
import threading
import time
from contextlib import contextmanager

from django.db import DatabaseError, connection
from django.db.models.functions import Now

from automations import definition as definitions
from automations.models import WorkflowRun, WorkflowVersion
from workspaces.access import Actor, acting_as

log = logging.getLogger(__name__)
LEASE = dt.timedelta(seconds=20)
# How often the lease of a run whose step is outside is made longer, and for how long at most. What
# hangs for longer is taken from its worker.
RENEW_SECONDS = 20
MOST_OUTSIDE_SECONDS = 900
# How often a run looks whether its workspace is still in the trash.
IN_TRASH = dt.timedelta(minutes=10)

TAKE = """
UPDATE workflow_runs SET status = 'running', fence = fence + 1,
    lease = clock_timestamp() + %(lease)s, started_at = coalesce(started_at, clock_timestamp())
WHERE run_id = (
    SELECT run_id FROM workflow_runs WHERE status = 'pending'
    ORDER BY turn, run_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
# Whoever takes a run up and whoever ends the one before it come one after the other, so that the
# second one reads what the first one committed. Freeing skips rows that somebody has locked: the
# one who has is taking that run up, and waits for this lock.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(workflow)s || ' ' || %(key)s, 8))"
# Only a run that never began is put off, so that runs never wait for each other.
PUT_OFF = """
UPDATE workflow_runs r SET status = 'waiting', wake_at = NULL, fence = 0, lease = NULL,
    started_at = NULL
WHERE run_id = %(run)s AND EXISTS (
    SELECT FROM workflow_runs o WHERE o.workflow_id = r.workflow_id
    AND o.concurrency_key = r.concurrency_key AND o.finished_at IS NULL AND o.run_id <> r.run_id
    AND (o.fence > 0 OR o.run_id < r.run_id))
"""
# A run has its key from its first claim until its end, but for one that waits to begin again.
HOLDS = """o.workflow_id = {r}.workflow_id AND o.concurrency_key = {r}.concurrency_key
    AND o.run_id <> {r}.run_id AND o.finished_at IS NULL AND o.fence > 0"""
IS_HELD = f"""EXISTS (SELECT FROM workflow_runs o WHERE {HOLDS.format(r="r")}
    AND NOT (o.status = 'waiting' AND o.started_at IS NULL))"""
# Any other that was claimed once comes before: of two that wait to begin again, the later one waits.
LINE_UP = f"""
UPDATE workflow_runs r SET status = 'waiting', started_at = NULL
WHERE run_id = %(run)s AND status = 'pending'
    AND EXISTS (SELECT FROM workflow_runs o WHERE {HOLDS.format(r="r")})
"""
# Those that are to begin again come first: no other begins beside them.
FREE = f"""
UPDATE workflow_runs SET status = 'pending'
WHERE status = 'waiting' AND started_at IS NULL AND run_id = (
    SELECT run_id FROM workflow_runs r
    WHERE workflow_id = %(workflow)s AND concurrency_key = %(key)s AND finished_at IS NULL
        AND NOT {IS_HELD}
    ORDER BY fence = 0, run_id LIMIT 1 FOR UPDATE SKIP LOCKED)
"""
# Keys of which all runs wait for the end of another.
FORGOTTEN = """
SELECT workflow_id, concurrency_key FROM workflow_runs
WHERE concurrency_key IS NOT NULL AND finished_at IS NULL
GROUP BY 1, 2 HAVING bool_and(status = 'waiting' AND wake_at IS NULL AND started_at IS NULL)
"""

VERSIONS = WorkflowVersion.objects.select_related("workflow__owner", "user").defer(
    *("structured_definition", "natural_language_description"),
    *("workflow__structured_definition", "workflow__natural_language_description"),
)


def claim():
    """Return the next pending WorkflowRun, now this worker's, or None."""
    while True:
        with acting_as(Actor.system(task="work")):
            run = next(iter(WorkflowRun.objects.raw(TAKE, {"lease": LEASE})), None)
            if run is None:
                return None
            if run.concurrency_key is not None and run.fence == 1 and _put_off(run):
                continue
            return _with_all(run)


def _put_off(run):
    """Let a run wait if one with the same key is before it; return whether it does."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"workflow": str(run.workflow_id), "key": run.concurrency_key})
        cursor.execute(PUT_OFF, {"run": run.pk})
        return cursor.rowcount > 0


def _with_all(run):
    # Drafts and versions are large, and what a version says was parsed when its first run began.
    version = VERSIONS.get(pk=run.version_id)
    if not definitions.knows(version):
        version.refresh_from_db(fields=["structured_definition"])
    run.version, run.workflow = version, version.workflow
    run.known = list(run.steps.all()) if run.fence > 1 else []
    return run


@contextmanager
def held(run, length):
    """Keep `run`, or an agent's task, this worker's for as long as the block takes, however slow the
    other side is.

    Nearly every step outside is over before the first renewal, which then costs nothing. The lease is
    always `length` ahead; it ends with the worker, or with the fence.
    """
    over = threading.Event()
    keeper = threading.Thread(target=_renew, args=[run, length, over], daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()


def _renew(run, length, over):
    end = time.monotonic() + MOST_OUTSIDE_SECONDS
    while not over.wait(RENEW_SECONDS) and time.monotonic() < end:
        try:
            with acting_as(Actor.system(task="work")):
                rows = type(run).objects
                mine = rows.filter(pk=run.pk, fence=run.fence, status="running")
                if not mine.update(lease=Now() + length):
                    return
        except DatabaseError as error:  # the lease is long enough for another look
            log.warning("The lease of %r was not renewed: %s", run, error)
        finally:
            connection.close()


def set_aside(run):
    """Let a claimed run of a workspace in the trash wait, and look again whether it was restored."""
    with acting_as(Actor.system(task="work")):
        # Its fence stays: by it the run knows that it began, and keeps its key from others.
        mine = WorkflowRun.objects.filter(pk=run.pk, fence=run.fence, status="running")
        mine.update(status="waiting", wake_at=Now() + IN_TRASH, lease=None)


def free(run):
    """Put the run in the queue that waited for the end of `run`, in the transaction that ended it."""
    if run.concurrency_key is not None:
        _free(run.workflow_id, run.concurrency_key)


def _free(workflow_id, key):
    names = {"workflow": str(workflow_id), "key": key}
    with connection.cursor() as cursor:
        cursor.execute(LOCK, names)
        cursor.execute(FREE, names)
        return cursor.rowcount


def line_up(run):
    """Let a run that is to begin again wait for its turn, in the transaction that queued it."""
    if run.concurrency_key is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"workflow": str(run.workflow_id), "key": run.concurrency_key})
        cursor.execute(LINE_UP, {"run": run.pk})


def free_forgotten():
    """Put runs in the queue that wait for no other any more; return how many. A net, for beat."""
    with acting_as(Actor.system(task="clock")), connection.cursor() as cursor:
        cursor.execute(FORGOTTEN)
        keys = cursor.fetchall()
    count = 0
    for workflow_id, key in keys:
        with acting_as(Actor.system(task="clock")):
            count += _free(workflow_id, key)
    return count
