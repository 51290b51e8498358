"""The log: append an event, and let it change the snapshot it is about.

A command never writes a definition's row itself. It appends an event; `apply`, the one function
of that event's type, makes the row. Replay calls the same function with the same event.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import orjson
from django.db import connection

from workspaces.errors import Conflict, Forbidden

_appliers = {}
# {table: columns that replay can't know}, and {table: the columns that tell its rows apart}.
snapshots, snapshot_keys = {}, {}

# One statement, so that the stream's head row is locked for as short as can be.
APPEND = """
WITH head AS (
    INSERT INTO streams (stream_id, kind, workspace_id, version) VALUES (%(stream)s, %(kind)s, %(room)s, 1)
    ON CONFLICT (stream_id) DO UPDATE SET version = streams.version + 1
        WHERE %(expected)s::int IS NULL OR streams.version = %(expected)s
    RETURNING version
)
INSERT INTO events (type, payload, stream_id, version, workspace_id)
SELECT %(type)s, %(payload)s, %(stream)s, version, %(room)s FROM head
RETURNING event_id, timestamp, version, user_id
"""


@dataclass(frozen=True)
class Happened:
    """An event as its applier sees it, live or in replay."""

    id: int
    type: str
    payload: dict
    timestamp: datetime
    stream_id: UUID
    version: int
    workspace_id: UUID | None
    user_id: UUID | None


def applies(type):
    """Register the decorated function as what an event of `type` does to its snapshot."""

    def register(function):
        _appliers[type] = function
        return function

    return register


def keeps(table, *keys, but=()):
    """Say that `table` is a snapshot: what its rows hold follows from events.

    `keys` are the columns that tell rows apart, `but` columns with numbers of the table's own.
    Name tables in the order in which they refer to each other.
    """
    snapshots[table], snapshot_keys[table] = set(but), keys


def apply_again(row):
    """Apply an event out of the log: its columns in the order of Happened, JSON as it comes."""
    happened = Happened(*row)
    if isinstance(happened.payload, str | bytes):
        happened = replace(happened, payload=orjson.loads(happened.payload))
    if happened.type in _appliers:
        _appliers[happened.type](happened)


def known_types():
    """Return every event type that has an applier, sorted."""
    return sorted(_appliers)


def append(*, type, stream_id, workspace_id, payload, expected=None):
    """Append one event to a definition's stream and apply it; return it as Happened.

    `payload` is JSON-able and holds all that is needed to apply the event again. With
    `expected`, the stream must still stand at that version, else Conflict is raised.
    """
    values = {
        "type": type,
        "stream": stream_id,
        "kind": type.split(".")[0],
        "room": workspace_id,
        "expected": expected,
        "payload": orjson.dumps(payload, default=str).decode(),
    }
    with connection.cursor() as cursor:
        cursor.execute(APPEND, values)
        row = cursor.fetchone()
    if row is None:
        raise Conflict("Somebody else changed this first. Look at it again and repeat your change.")
    event = Happened(
        id=row[0],
        type=type,
        payload=orjson.loads(values["payload"]),
        timestamp=row[1],
        stream_id=stream_id,
        version=row[2],
        workspace_id=workspace_id,
        user_id=row[3],
    )
    _appliers[type](event)
    return event


def hold(stream_id):
    """Let nobody else append to a definition's stream until the running transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM streams WHERE stream_id = %s FOR UPDATE", [stream_id])


def stamp(event):
    """Return the columns by which a snapshot names the event that made it."""
    return {"last_event_id": event.id, "last_event_version": event.version}


def applied(rows):
    """Raise Forbidden when an event changed no snapshot: the database's wall hid the row.

    Without this an event without effect would stay in the log.
    """
    if not rows:
        raise Forbidden("The database's own wall refused this.")


def applies_changes(about, model, restored=lambda event: {}):
    """Register what events `about`.changed, .deleted and .restored make of a row of `model`.

    A change has its columns as `now`; `restored(event)` returns what else one that comes back gets.
    Return touch(event, **columns), which lets any event of such a stream change its row.
    """

    def touch(event, **columns):
        rows = model.objects.filter(pk=event.stream_id)
        applied(rows.update(updated_at=event.timestamp, **stamp(event), **columns))

    applies(f"{about}.changed")(lambda event: touch(event, **event.payload["now"]))
    applies(f"{about}.deleted")(lambda event: touch(event, deleted_at=event.timestamp))
    applies(f"{about}.restored")(lambda event: touch(event, deleted_at=None, **restored(event)))
    return touch
