"""The moments at which something is killed, seen from a connection of our own."""

import random
import time

import psycopg

PATIENCE = 20

# What a backend of the product is doing at each moment, as SQL on pg_stat_activity.
MOMENTS = {
    "copy": "query LIKE 'COPY staging%'",
    "insert": "query LIKE 'INSERT INTO %FROM staging%'",
    "structure": (
        "state <> 'idle' AND (query LIKE 'ALTER TABLE %' OR query LIKE 'UPDATE %WHERE \"\\_c%')"
    ),
    "filling": "query LIKE 'UPDATE %WHERE entry_id > % AND entry_id <= %'",
    "commit": "query = 'COMMIT' AND state = 'active'",
    # Of automations: events become firings, these runs; a run is claimed, its steps are recorded.
    "route": "state <> 'idle' AND query LIKE '%INSERT INTO workflow_firings%'",
    "queue": "state <> 'idle' AND query LIKE '%INSERT INTO workflow_runs%'",
    "claim": "state <> 'idle' AND query LIKE '%UPDATE workflow_runs SET status = ''running''%'",
    "record": "state <> 'idle' AND query LIKE '% \"workflow_run_steps\" %'",
    "asked": "state <> 'idle' AND query LIKE '%agent_tasks%'",
    "told": "state <> 'idle' AND query LIKE '%webhook_deliveries%'",
    "any": "state <> 'idle'",
    "there": "backend_type = 'client backend'",
}
LOOK = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND {moment} LIMIT 1
"""


def reach(product, point, chance=random, patience=PATIENCE):
    """Wait for a point; return the number of the backend that is there, None if none came.

    point: a key of MOMENTS, or "random" for a moment that nothing announces. patience: seconds.
    """
    if point == "random":
        time.sleep(chance.uniform(0, 1.5))
        point = "any"
    deadline = time.monotonic() + patience
    statement = LOOK.format(moment=MOMENTS[point])
    while time.monotonic() < deadline:
        try:
            with product.database() as database:
                while time.monotonic() < deadline:
                    row = database.execute(statement).fetchone()
                    if row:
                        return row[0]
                    time.sleep(0.001)
        except psycopg.Error:
            time.sleep(0.1)
    return None
