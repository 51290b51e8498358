"""The log of a workspace as a file: every event, oldest first, a line each."""

import csv
import io

import orjson
from django.db import connection

from workspaces.access import acting_as
from workspaces.log import seen
from workspaces.spreadsheets import neutral

BATCH = 1000
COLUMNS = (
    *("event_id", "timestamp", "type", "user_id", "email", "workspace_id", "stream_id", "version"),
    *("operation_id", "cause", "ip", "changed", "count", "payload"),
)
SELECT = """
SELECT event_id, timestamp, type, user_id, (SELECT email FROM users WHERE id = user_id),
       workspace_id, stream_id, version, operation_id, cause, host(ip), changed, count, payload
FROM events AS e WHERE workspace_id = %s AND event_id > %s{seen} ORDER BY event_id LIMIT %s
"""
NESTED = tuple(COLUMNS.index(name) for name in ("cause", "changed", "payload"))


def ndjson(actor, workspace_id):
    """Yield the events as NDJSON, some hundred at a time."""
    for rows in _batches(actor, workspace_id):
        lines = []
        for row in rows:
            item = dict(zip(COLUMNS, row, strict=True))
            for index in NESTED:
                if row[index] is not None:
                    item[COLUMNS[index]] = orjson.Fragment(row[index])
            lines.append(orjson.dumps(item, default=str))
        yield b"\n".join(lines) + b"\n"


def as_csv(actor, workspace_id):
    """Yield the events as CSV with a header, safe to open in a spreadsheet."""
    yield (",".join(COLUMNS) + "\n").encode()
    for rows in _batches(actor, workspace_id):
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows(
            ["" if cell is None else neutral(str(cell)) for cell in row] for row in rows
        )
        yield file.getvalue().encode()


FORMS = {"csv": (as_csv, "text/csv; charset=utf-8"), "ndjson": (ndjson, "application/x-ndjson")}


def _batches(actor, workspace_id):
    """Yield lists of rows, each read anew from where the last one ended."""
    last = 0
    while True:
        # A transaction for each, so that a slow reader holds none open.
        with acting_as(actor), connection.cursor() as cursor:
            cursor.execute(SELECT.format(seen=seen()), [workspace_id, last, BATCH])
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        last = rows[-1][0]
