"""What becomes of a run that is due while another with the same key is not over yet.

queue: it waits; the claim of runs sees to that (engine.py). skip: it is kept as cancelled, with
the reason. cancel_previous: those before it are cancelled, with the reason.
"""

import hashlib

from django.db import connection

from automations.models import WorkflowRun
from workspaces.errors import KdapError

SKIPPED = "Skipped: an earlier run with the same key was not over yet."
OVERTAKEN = "Cancelled: a later run with the same key took its place."
LONGEST = 200
# Whoever queues runs of a workflow looks at those that somebody else queues at the same time.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))"


def key_of(version, trigger_data):
    """Return the key under which runs of a version exclude each other, or None."""
    from automations import templates

    given = version.structured_definition.get("concurrency")
    if not given:
        return None
    values = {"trigger": trigger_data}
    try:
        return _fitting(f"{given['policy']}:{templates.render(given['key'], values)}")
    except KdapError:
        return f"{given['policy']}:"


def _fitting(key):
    """Return a key as its column takes it: of a long one the beginning, to be read, and a hash of all."""
    if len(key) <= LONGEST:
        return key
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: LONGEST - len(digest) - 1]}…{digest}"


def arrange(version, rows):
    """Give `rows` for the queue their keys, and do what the version's policy says about others.

    What shall not run gets the status cancelled and says why. Must be called in the transaction
    that queues the rows.
    """
    given = version.structured_definition.get("concurrency")
    if not given:
        return
    for row in rows:
        row["concurrency_key"] = key_of(version, row["trigger_data"])
    if given["policy"] == "queue":
        return
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [str(version.workflow_id)])
    new = _new(version, rows)
    if given["policy"] == "skip":
        _skip(version, new)
    else:
        _cancel_previous(version, new)


def _new(version, rows):
    """Return the rows that will make runs: a key that was there before makes none."""
    there = WorkflowRun.objects.filter(version=version, key__in=[row["key"] for row in rows])
    before = set(there.values_list("key", flat=True))
    return [
        row
        for row in rows
        if row["key"] not in before and row.get("status", "pending") == "pending"
    ]


def _unfinished(version, rows):
    keys = {row["concurrency_key"] for row in rows}
    return WorkflowRun.objects.filter(
        workflow=version.workflow_id, concurrency_key__in=keys, finished_at=None
    )


def _skip(version, rows):
    busy = set(_unfinished(version, rows).values_list("concurrency_key", flat=True))
    for row in rows:
        if row["concurrency_key"] in busy:
            row["status"], row["error_message"] = "cancelled", SKIPPED
        busy.add(row["concurrency_key"])


def _cancel_previous(version, rows):
    from automations import finishing

    last = {row["concurrency_key"]: row for row in rows}
    for row in rows:
        if row is not last[row["concurrency_key"]]:
            row["status"], row["error_message"] = "cancelled", OVERTAKEN
    for run in _unfinished(version, rows).select_for_update().order_by("id"):
        finishing.cancel(run, OVERTAKEN)
