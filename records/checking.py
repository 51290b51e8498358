"""Whether the database holds together: structures and tables, histories, leftovers of a crash.

Everything here only reads (`problems` makes a table and takes it back), and says what it finds as
sentences; an empty list is good news. Call it as the system: the wall would hide things.
"""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from records import catalogue
from records.factory import sequence_name
from records.history import quoted
from records.indexes import HALF_MADE
from records.jobs import ImportJob
from records.models import Record
from records.names import history_name
from records.structure_jobs import StructureJob

SHOWN = 20
# The sweeper looks every few seconds; whoever is silent for so long was not looked after.
FORGOTTEN = timedelta(minutes=5)


def problems(record):
    """Return what is wrong with one record: its versions, its tables, its entries' history."""
    record.reload()
    filling = StructureJob.objects.filter(record=record, state="running").exists()
    found = _versions(record) + catalogue.differences(record, record.structure, filling)
    if any("is missing" in line for line in found):
        return found  # history can't be read from a table that is not whole
    return found + _spans(record) + _counts(record)


def _versions(record):
    """Versions of the structure are 1, 2, 3 …, and the newest is the one in use."""
    kept = {item.version: item.structure for item in record.versions.all()}
    version = record.head.version
    if sorted(kept) != list(range(1, version + 1)):
        return [f"{record.name}: of the versions 1 to {version} there are {sorted(kept)}."]
    if kept[version] != record.head.structure:
        return [f"{record.name}: the structure in use is not its newest version, {version}."]
    return []


# What an image was followed by is the image that superseded it, or nothing when it was deleted.
SPANS = """
SELECT entry_id, _ev, _ev_to, _op, following FROM (
    SELECT *, lead(_ev) OVER (PARTITION BY entry_id ORDER BY _ev, _ev_to NULLS LAST) AS following
    FROM (SELECT entry_id, _ev, _ev_to, _op::text FROM {twin}
          UNION ALL SELECT entry_id, _ev, NULL, NULL FROM {table}) AS images
) AS ordered
WHERE _ev >= _ev_to
   OR (_op = 'U' AND following IS DISTINCT FROM _ev_to)
   OR (_op = 'D' AND following <= _ev_to)
   OR (_ev_to IS NULL AND following IS NOT NULL)
ORDER BY entry_id, _ev LIMIT {shown}
"""


def _spans(record):
    """Every image of an entry ends where the next one begins."""
    with connection.cursor() as cursor:
        cursor.execute(SPANS.format(**_names(record), shown=SHOWN))
        return [
            f"{record.name}: entry {entry} was so from {since} to {until or 'now'} ({op or 'live'}), "
            f"but its next image begins at {following}."
            for entry, since, until, op, following in cursor.fetchall()
        ]


# Each event says how many entries it wrote; so many images name it.
COUNTS = """
SELECT COALESCE(log.event_id, written.event_id), log.type, log.count, written.count
FROM (SELECT event_id, type, count FROM events
      WHERE stream_id = %s AND event_id > {begins} AND type LIKE 'entries.%%' AND digest IS NOT NULL) AS log
FULL JOIN (
    SELECT event_id, count(*) FROM (
        SELECT _ev AS event_id FROM {table}
        UNION ALL SELECT _ev FROM {twin}
        UNION ALL SELECT _ev_to FROM {twin} WHERE _op = 'D'
    ) AS images WHERE event_id > {begins} GROUP BY event_id
) AS written USING (event_id)
WHERE log.count IS DISTINCT FROM written.count ORDER BY 1 LIMIT {shown}
"""


def _counts(record):
    """Every event is written whole, and nothing is written without one."""
    with connection.cursor() as cursor:
        cursor.execute(
            COUNTS.format(**_names(record), shown=SHOWN, begins=record.history_begins), [record.pk]
        )
        return [
            f"{record.name}: event {event} ({type or 'not in the log'}) counts {count or 0} "
            f"entries; {written or 0} images name it."
            for event, type, count, written in cursor.fetchall()
        ]


def _names(record):
    return {
        "table": quoted(record.table_name),
        "twin": quoted(history_name(record.table_name)),
    }


# Relations and functions of ours in the current schema, by their names' shapes (records/names.py).
OWN = """
SELECT 'table', relname::text FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
  AND relname ~ '_record_[0-9]+_entries$'
UNION ALL SELECT 'sequence', relname::text FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S' AND relname ~ '^s[0-9]+_f'
UNION ALL SELECT 'function', proname::text FROM pg_proc
WHERE pronamespace = current_schema()::regnamespace AND proname ~ '^(log|stamp)_.*_entries$'
"""

# A temporary schema is called after its backend; some other backend may use it later.
STAGING = """
SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE relpersistence = 't' AND relkind = 'r'
  AND substring(nspname FROM '^pg_temp_(\\d+)$')::int
      NOT IN (SELECT pg_stat_get_backend_idset())
"""


def orphans():
    """Return what a crash left that belongs to no record: tables, indexes, staging, jobs."""
    known = {"table": set(), "sequence": set(), "function": set()}
    for record in Record.objects.all():
        known["table"] |= {record.table_name, history_name(record.table_name)}
        known["function"] |= {f"log_{record.table_name}", f"stamp_{record.table_name}"}
        structure = record.structure
        numbered = [*structure.fields, *(item.field for item in structure.shelf)]
        known["sequence"] |= {sequence_name(record, field) for field in numbered}
    found = [
        f"The {kind} {name} belongs to no record."
        for kind, name in _rows(OWN)
        if name not in known[kind]
    ]
    found += [f"The index {name} is half made." for (name,) in _rows(HALF_MADE)]
    found += [f"The temporary table {name} has no owner any more." for (name,) in _rows(STAGING)]
    return found + _forgotten()


def _forgotten():
    """Imports and long changes that nobody works on, and that nobody has started again."""
    waiting = (ImportJob.State.RUNNING, ImportJob.State.UPLOADED)
    jobs = list(ImportJob.objects.filter(state__in=waiting))
    jobs += StructureJob.objects.filter(state=StructureJob.State.RUNNING)
    since = timezone.now() - FORGOTTEN
    return [
        f"“{job}” ({job.pk}) is {job.state} and was last heard of at {heard}."
        for job in jobs
        if (heard := job.heartbeat or getattr(job, "started_at", None) or job.created_at) < since
    ]


def _rows(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()
