"""Putting runs in the queue: each once, workspaces in turn."""

from django.db import connection
from uuid_utils.compat import uuid7

from automations import concurrency, quotas
from workspaces.jsons import json_bytes

# A workspace's next run comes after its own last one, yet never before what is served now: where
# nothing waits, that is the last place there was. So whoever queues a hundred thousand keeps nobody
# else waiting, one who had many runs before neither.
TURNS = """
INSERT INTO workflow_turns AS known (workspace_id, turn)
VALUES (%(room)s, %(count)s + coalesce(
    (SELECT min(turn) FROM workflow_runs WHERE status = 'pending'),
    (SELECT max(turn) FROM workflow_turns), 0))
ON CONFLICT (workspace_id) DO UPDATE SET turn = %(count)s + greatest(known.turn, coalesce(
    (SELECT min(turn) FROM workflow_runs WHERE status = 'pending'),
    (SELECT max(turn) FROM workflow_turns)))
RETURNING turn
"""

SERVED = """
INSERT INTO workflow_turns (workspace_id, turn, served_at)
VALUES (%s, coalesce((SELECT min(turn) FROM workflow_runs WHERE status = 'pending'),
    (SELECT max(turn) FROM workflow_turns), 0), clock_timestamp())
ON CONFLICT (workspace_id) DO UPDATE SET served_at = clock_timestamp()
"""

INSERT = """
INSERT INTO workflow_runs (run_id, workspace_id, workflow_id, version_id, key, status, trigger_data,
    error_message, variables, entry_id, event_id, operation_id, depth, parent_id, retry_of_id,
    loop, position, concurrency_key, turn, fence, deaths, cancel_asked, triggered_at, finished_at, started_at)
SELECT run_id, %(room)s, %(workflow)s, %(version)s, key, status, trigger_data, error_message, '{}',
    entry_id, event_id, operation_id, depth, parent_id, retry_of_id, coalesce(loop, ''), position,
    concurrency_key, %(turn)s - %(count)s + ordinality, 0, 0, false, clock_timestamp(),
    CASE WHEN status NOT IN ('pending', 'waiting') THEN clock_timestamp() END,
    CASE WHEN status = 'failed' THEN clock_timestamp() END
FROM ROWS FROM (json_to_recordset(%(rows)s::json) AS (run_id uuid, key text, status text,
    trigger_data jsonb, error_message text, entry_id bigint, event_id bigint, operation_id uuid,
    depth smallint, parent_id uuid, retry_of_id uuid, loop text, position int, concurrency_key text)) WITH ORDINALITY
ON CONFLICT (version_id, key) DO NOTHING
RETURNING run_id
"""


def turns_for(workspace_id, count):
    """Reserve `count` places for a workspace; return the last of them."""
    with connection.cursor() as cursor:
        cursor.execute(TURNS, {"room": workspace_id, "count": count})
        return cursor.fetchone()[0]


def served(workspace_id):
    """Note that a firing of a workspace was taken, so that those of others come first now."""
    with connection.cursor() as cursor:
        cursor.execute(SERVED, [workspace_id])


def enqueue(version, rows):
    """Queue runs of a WorkflowVersion; return the ids of those that were new.

    `rows` are dicts with key and trigger_data, and where there are any entry_id, event_id, depth,
    parent_id, retry_of_id; status and error_message for runs that were refused. A key that a
    version had before makes no second run. Runs beyond the day's limit, and those that the
    version's concurrency forbids, are kept as cancelled and say why.
    """
    if not rows:
        return []
    quotas.limit(version, rows)
    concurrency.arrange(version, rows)
    return insert(version, rows)


def insert(version, rows):
    """Queue runs as `enqueue` does, past limits and concurrency: what is part of a run that began.

    Rows that wait come last, and get their place in the queue when they are let in.
    """
    workflow = version.workflow
    count = sum(row.get("status") != "waiting" for row in rows)
    prepared = [
        {
            "run_id": str(uuid7()),
            "operation_id": str(uuid7()),
            "status": "pending",
            "error_message": "",
            "depth": 0,
        }
        | row
        for row in rows
    ]
    values = {
        "room": workflow.workspace_id,
        "workflow": workflow.pk,
        "version": version.pk,
        "turn": turns_for(workflow.workspace_id, count),
        "count": count,
        "rows": json_bytes(prepared).decode(),
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        return [id for (id,) in cursor.fetchall()]
