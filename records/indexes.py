"""Indexes that big records get by themselves for the orders people read them in.

Measured on a million entries: sixty to ninety times faster pages. An index is named after the
record and a hash of its expressions, so the catalogue itself is the list of what there is.
"""

import hashlib
import logging

from celery import shared_task
from django.core.cache import cache
from django.db import connection, transaction

from records.history import quoted
from records.models import Record
from workspaces.access import Actor, acting_as

log = logging.getLogger(__name__)

# Below this a sort in memory is as fast as an index.
BIG = 50_000
MOST_PER_RECORD = 8
# A wish is looked at once in so many seconds; the rest costs one look into the cache.
ASK_AGAIN = 3600


def index_name(record, order):
    """Return the name of the index for ORDER BY `order` (SQL) of a record."""
    return f"a{record.number}_{hashlib.sha256(order.encode()).hexdigest()[:12]}"


def wish(query):
    """Note that people read a record in this query's order; a big record gets an index for it.

    Returns whether one was asked for. The index is made in the background, without a lock.
    """
    if not query.sorts or query.record.past:
        return False
    name = index_name(query.record, query.order)
    if not cache.add(f"index:{name}", 1, ASK_AGAIN) or not is_big(query.record):
        return False
    arguments = (str(query.record.pk), name, query.order)
    transaction.on_commit(lambda: make_index.delay(*arguments), robust=True)
    return True


def is_big(record):
    """Return whether a record has so many entries that indexes of its own are worth it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)",
            [quoted(record.table_name)],
        )
        row = cursor.fetchone()
    return row is not None and row[0] >= BIG


@shared_task
def make_index(record_id, name, order):
    """Make one index without keeping anybody waiting; drop the least used beyond the limit.

    `order` is the text that `wish` sent: columns and expressions of the record's own structure.
    """
    with acting_as(Actor.system(task="indexes")):
        record = Record.objects.filter(pk=record_id, deleted_at=None).first()
    if record is None or name != index_name(record, order):
        return
    for other in _names_by_use(record)[MOST_PER_RECORD - 1 :]:
        drop(other)
    statement = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {quoted(name)} ON "
    with connection.cursor() as cursor:
        cursor.execute(f"{statement}{quoted(record.table_name)} ({order})")


# One that is being made is not valid yet either; its table says so.
HALF_MADE = """
SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace
  AND indrelid NOT IN (SELECT relid FROM pg_stat_progress_create_index)
"""


@shared_task
def sweep():
    """Drop the indexes that a crash left half made (CREATE INDEX CONCURRENTLY, "invalid")."""
    with connection.cursor() as cursor:
        cursor.execute(HALF_MADE)
        broken = [name for (name,) in cursor.fetchall()]
    for name in broken:
        log.warning("Dropping the half-made index %s.", name)
        drop(name)


def _names_by_use(record):
    """Return the names of a record's own indexes, the most used first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelname FROM pg_stat_user_indexes WHERE relid = to_regclass(%s) "
            "AND indexrelname LIKE %s AND indexrelname NOT LIKE %s "
            "ORDER BY idx_scan DESC, indexrelname",
            [quoted(record.table_name), f"a{record.number}\\_%", search_name(record, "%")],
        )
        return [name for (name,) in cursor.fetchall()]


def search_name(record, digest):
    """Return the name of the index by which a record is searched (records.search)."""
    return f"a{record.number}_search_{digest}"


def search_names(record):
    """Return the names of a record's finished indexes for searching; there should be one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
            "WHERE indrelid = to_regclass(%s) AND indisvalid AND starts_with(relname::text, %s)",
            [quoted(record.table_name), search_name(record, "")],
        )
        return [name for (name,) in cursor.fetchall()]


def drop(name):
    """Drop an index without keeping anybody waiting."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {quoted(name)}")
