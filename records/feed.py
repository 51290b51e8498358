"""What happened to a record since a reader last looked."""

import re

import orjson
from django.db import connection

from workspaces.errors import Invalid

MOST = 500

# Transactions commit out of the order of their event ids: reading “id > last” loses events for
# good. In the order of (transaction, id), behind the oldest transaction still running, nothing
# can be inserted before what was read.
SINCE = """
SELECT xid::text, event_id, type, payload - ARRAY['structure', 'before', 'after'] AS payload, timestamp, user_id, changed, count, operation_id, undo_of
FROM events
WHERE stream_id = %(record)s AND (xid, event_id) > (%(xid)s::xid8, %(event)s::bigint)
    AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, event_id LIMIT %(most)s
"""
HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
NEWEST = """
SELECT coalesce((SELECT event_id FROM events WHERE stream_id = %s
                 ORDER BY event_id DESC LIMIT 1), 0), pg_snapshot_xmin(pg_current_snapshot())::text
"""
# As fresh as can be: what is committed shows at once, whatever runs elsewhere. It may come twice.
NEWS = """
SELECT event_id, type, payload - ARRAY['structure', 'before', 'after'] AS payload, user_id, changed, count, operation_id FROM events
WHERE stream_id = %(record)s AND event_id > %(event)s - %(overtaking)s
    AND (event_id > %(event)s OR xid >= %(horizon)s::xid8)
ORDER BY event_id LIMIT %(most)s
"""
OVERTAKING = 10_000


def _read(cursor, letters):
    """Return the numbers of a cursor like “x12-34”; raise Invalid."""
    pattern = "-".join(f"{letter}([0-9]{{1,19}})" for letter in letters)
    found = re.fullmatch(pattern, cursor or "")
    numbers = [int(number) for number in found.groups()] if found else [2**63]
    if max(numbers) >= 2**63:
        raise Invalid("This cursor is not one that KDAP gave for this record.")
    return numbers


def changes(record, since="", limit=MOST):
    """Return (events, cursor, more): what happened after `since`, each event exactly once.

    Without `since` there are no events, only the cursor that stands for now. Events come as
    dicts in the order in which their transactions began to write; one that is still running
    elsewhere holds them back, so that none is ever skipped. `more` says that there are further
    ones already. Raises Invalid for a cursor that is not this record's.
    """
    prefix = record.pk.hex[-8:]
    if not since:
        with connection.cursor() as cursor:
            cursor.execute(HORIZON)
            return [], f"{prefix}-x{cursor.fetchone()[0]}-e0", False
    mark, _, rest = since.partition("-")
    if mark != prefix:
        raise Invalid("This cursor is not one that KDAP gave for this record.")
    xid, event = _read(rest, "xe")
    params = {"record": record.pk, "xid": str(xid), "event": event, "most": limit + 1}
    with connection.cursor() as cursor:
        cursor.execute(SINCE, params)
        found = _events(cursor)
    more, found = len(found) > limit, found[:limit]
    if found:
        xid, event = found[-1]["xid"], found[-1]["event_id"]
    return found, f"{prefix}-x{xid}-e{event}", more


def news(record, since=""):
    """Return (events, cursor) for a page that shows the record: fresh, but perhaps repeated.

    Unlike `changes` it does not wait for transactions that run elsewhere, so an event may come
    again in later answers; its id tells. Raises Invalid for a foreign cursor.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, [record.pk])
        event, horizon = cursor.fetchone()
        now = f"e{event}-h{horizon}"
        if not since:
            return [], now
        event, horizon = _read(since, "eh")
        cursor.execute(
            NEWS,
            {
                "record": record.pk,
                "event": event,
                "horizon": str(horizon),
                "overtaking": OVERTAKING,
                "most": MOST,
            },
        )
        found = _events(cursor)
    # What did not fit into this answer comes with the next one.
    return found, f"e{found[-1]['event_id']}-h{horizon}" if len(found) == MOST else now


def _events(cursor):
    """Return the rows of `cursor` as dicts, their JSON parsed."""
    names = [column.name for column in cursor.description]
    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for event in found:
        for name in ("payload", "changed"):
            if isinstance(event[name], str | bytes):
                event[name] = orjson.loads(event[name])
    return found
