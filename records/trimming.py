"""Removing history that a record keeps no longer: images of entries, never the log.

What entries were at the horizon and ever since stays whole: an image goes when it had ended by
then. Digests of older events can't be proven any more, and `replay --verify` says so.
"""

import datetime as dt
import logging

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from records import services, tables
from records.history import quoted
from records.models import Record
from records.names import history_name
from workspaces.access import Actor, acting_as
from workspaces.events import append, applied, applies, stamp

log = logging.getLogger(__name__)
# Writers of the record wait for one piece at most.
PIECE = 20_000

HORIZON = """
SELECT max(event_id) FROM events WHERE stream_id = %(record)s AND event_id < coalesce((
    SELECT min(event_id) FROM events WHERE stream_id = %(record)s AND timestamp >= %(until)s
), 9223372036854775807)
"""
TRIM = """
DELETE FROM {twin} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {twin} WHERE _ev_to <= {horizon} LIMIT {piece}))
"""


def trim_all():
    """Trim every record that does not keep its history for ever; return {record id: images}."""
    with acting_as(Actor.system(task="history")):
        records = list(Record.objects.exclude(history_days=None))
    return {record.pk: count for record in records if (count := trim(record))}


def trim(record):
    """Remove a record's images from before its retention; return how many.

    First the event, which moves the horizon, then the images piece by piece, each in a
    transaction of its own. Who dies in between is followed up the next time. A table in use is left
    for the next time as well.
    """
    removed = 0
    try:
        with acting_as(Actor.system(task="history")):
            _move_horizon(record)
        while True:
            with acting_as(Actor.system(task="history")):
                gone = _remove_piece(record)
            removed += gone
            if gone < PIECE:
                return removed
    except OperationalError:
        log.warning("%s is in use; its history will be trimmed another time", record)
        return removed


def _move_horizon(record):
    until = timezone.now() - dt.timedelta(days=record.history_days)
    twin = quoted(history_name(record.table_name))
    with connection.cursor() as cursor:
        cursor.execute(HORIZON, {"record": record.pk, "until": until})
        horizon = cursor.fetchone()[0] or 0
        cursor.execute(f"SELECT count(*) FROM {twin} WHERE _ev_to <= %s", [horizon])
        images = cursor.fetchone()[0]
    if images and horizon > record.history_begins:
        append(
            type="record.history_trimmed",
            stream_id=record.pk,
            workspace_id=record.workspace_id,
            payload={"begins": horizon, "until": until.isoformat(), "images": images},
        )
        record.refresh_from_db()


def _remove_piece(record):
    twin = quoted(history_name(record.table_name))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{services.LOCK_TIMEOUT}'")
        with tables.rewriting_history(record):
            cursor.execute(TRIM.format(twin=twin, horizon=record.history_begins, piece=PIECE))
            return cursor.rowcount


@applies("record.history_trimmed")
def _trimmed(event):
    changed = Record.objects.filter(pk=event.stream_id).update(
        history_begins=event.payload["begins"],
        history_begins_at=parse_datetime(event.payload["until"]),
        **stamp(event),
    )
    applied(changed)
