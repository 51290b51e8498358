"""What a test that commits leaves behind is taken back, in a tenth of the time of Django's flush.

Flushing makes new files of every table and index, whatever is in them, asks for every permission
again, and leaves the log and the tables of entries alone.
"""

from django.contrib.contenttypes.models import ContentType
from django.db import connection

from workspaces.access import Actor, acting_as

# What migrations put there and no test changes.
KEPT = ("django_migrations", "django_content_type", "auth_permission")
# Beyond this many bytes in one table new files are quicker than deleting rows.
LARGE = 1_000_000

TABLES = """
SELECT relname, pg_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    AND NOT relispartition AND relname <> ALL(%s)
"""
WRITTEN_PARTS_OF_THE_LOG = """
SELECT relid::text FROM pg_partition_tree('events') WHERE isleaf AND pg_relation_size(relid) > 0
UNION ALL SELECT 'event_seals' WHERE pg_relation_size('event_seals') > 0
"""
# A trigger keeps the log from being shortened.
EMPTY = """
ALTER TABLE {0} DISABLE TRIGGER USER; TRUNCATE {0}; ALTER TABLE {0} ENABLE TRIGGER USER
"""
OF_ENTRIES = {
    "TABLE": "SELECT oid::regclass::text FROM pg_class "
    "WHERE relkind = 'r' AND relname ~ '^(h_)?[a-z0-9_]+_record_[0-9]+_entries$'",
    "FUNCTION": "SELECT oid::regprocedure::text FROM pg_proc "
    "WHERE proname ~ '^(log|stamp)_[a-z0-9_]+_record_[0-9]+_entries$'",
    "SEQUENCE": "SELECT oid::regclass::text FROM pg_class "
    "WHERE relkind = 'S' AND relname ~ '^s[0-9]+_f'",
}


def take_back(case):
    """Empty the database after a test that committed: django.test.TransactionTestCase's own way."""
    with connection.cursor() as cursor:
        _drop_entries(cursor)
        _empty_the_log(cursor)
        cursor.execute(TABLES, [[*KEPT, "event_seals"]])
        sizes = dict(cursor.fetchall())
    if max(sizes.values()) > LARGE:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(sizes)}")
    else:
        # Foreign keys are looked at when this commits.
        with acting_as(Actor.system()), connection.cursor() as cursor:
            cursor.execute(
                ";".join(f"DELETE FROM {table}" for table, size in sizes.items() if size)
            )
    ContentType.objects.clear_cache()


def _drop_entries(cursor):
    for kind, pattern in OF_ENTRIES.items():
        cursor.execute(pattern)
        if names := [name for (name,) in cursor.fetchall()]:
            cursor.execute(f"DROP {kind} {', '.join(names)} CASCADE")


def _empty_the_log(cursor):
    cursor.execute(WRITTEN_PARTS_OF_THE_LOG)
    if parts := [name for (name,) in cursor.fetchall()]:
        cursor.execute(";".join(EMPTY.format(part) for part in parts))
