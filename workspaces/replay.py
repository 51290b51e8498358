"""Building the definitions again from nothing but their events, and comparing.

The events are applied by the same functions as when they happened, to empty copies of the snapshot
tables in a schema of its own that stands before the real one in the search path.
"""

from contextlib import contextmanager

from django.db import connection, transaction

from workspaces import events
from workspaces.access import Actor, acting_as

SCRATCH = "kdap_replay"
ROWS_AT_ONCE = 1000
SHOWN = 10

READ = """
SELECT event_id, type, payload, timestamp, stream_id, version, workspace_id, user_id FROM events
WHERE event_id > %s AND version IS NOT NULL ORDER BY event_id LIMIT %s
"""


@contextmanager
def scratch_schema():
    """Run the block as the system, with an empty schema in front; all of it is undone after it.

    Everything read in the block is of one moment, whoever writes meanwhile. Yields the name of
    the real schema, under which the real tables are still to be had.
    """
    with transaction.atomic():
        _run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with acting_as(Actor.system(command="replay")):
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_schema()")
                real = cursor.fetchone()[0]
            _run(f"CREATE SCHEMA {SCRATCH}; SET LOCAL search_path = {SCRATCH}, {real}")
            yield real
        transaction.set_rollback(True)


def _run(statement, params=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def apply_all(real):
    """Make the snapshots anew in the scratch schema, from all events; return how many there were."""
    for table in events.snapshots:
        _run(f"CREATE TABLE {SCRATCH}.{table} (LIKE {real}.{table} INCLUDING ALL)")
    done = last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(READ, [last, ROWS_AT_ONCE])
            rows = cursor.fetchall()
        for row in rows:
            events.apply_again(row)
        if not rows:
            return done
        done, last = done + len(rows), rows[-1][0]


def differences(real):
    """Return sentences on rows that are only in the snapshots, or only in what was rebuilt."""
    found = []
    for table, ignored in events.snapshots.items():
        columns = ", ".join(f'"{name}"' for name in _columns(real, table) if name not in ignored)
        for first, second, where in (
            (real, SCRATCH, "is kept but does not follow from the events"),
            (SCRATCH, real, "follows from the events but is not kept"),
        ):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT to_jsonb(odd) FROM (SELECT {columns} FROM {first}.{table} "
                    f"EXCEPT SELECT {columns} FROM {second}.{table}) AS odd LIMIT {SHOWN}"
                )
                found += [f"{table}: {str(row)[:300]} {where}." for (row,) in cursor.fetchall()]
    return found


def rebuild():
    """Replace the snapshots by what follows from the events; return sentences on what changed.

    Rows that are the same are not touched, so what refers to them stays.
    """
    with transaction.atomic(), acting_as(Actor.system(command="replay")):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema()")
            real = cursor.fetchone()[0]
        names = ", ".join(events.snapshots)
        _run(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
        _run(f"CREATE SCHEMA {SCRATCH}; SET LOCAL search_path = {SCRATCH}, {real}")
        apply_all(real)
        changed = differences(real)
        for table, ignored in events.snapshots.items():
            _replace(real, table, ignored)
        _run(f"SET LOCAL search_path = {real}; DROP SCHEMA {SCRATCH} CASCADE")
    return changed


def _replace(real, table, ignored):
    """Make one snapshot table equal to the rebuilt one, by its key."""
    columns = [name for name in _columns(real, table) if name not in ignored]
    keys = events.snapshot_keys[table]
    same = " AND ".join(f't."{key}" = s."{key}"' for key in keys)
    listed = ", ".join(f'"{name}"' for name in columns)
    sets = ", ".join(f'"{name}" = s."{name}"' for name in columns if name not in keys)
    differs = " OR ".join(f't."{c}" IS DISTINCT FROM s."{c}"' for c in columns)
    _run(
        f"DELETE FROM {real}.{table} t WHERE NOT EXISTS "
        f"(SELECT FROM {SCRATCH}.{table} s WHERE {same})"
    )
    _run(
        f"UPDATE {real}.{table} t SET {sets} FROM {SCRATCH}.{table} s WHERE {same} AND ({differs})"
    )
    _run(
        f"INSERT INTO {real}.{table} ({listed}) SELECT {listed} FROM {SCRATCH}.{table} s "
        f"WHERE NOT EXISTS (SELECT FROM {real}.{table} t WHERE {same})"
    )


def _columns(schema, table):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped ORDER BY attnum",
            [f"{schema}.{table}"],
        )
        return [name for (name,) in cursor.fetchall()]
