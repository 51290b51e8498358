"""What tests of records say often."""

import orjson
from django.db import connection

from records.entries import create_entries
from records.query import Query
from workspaces.models import Event


def add(person, record, *rows):
    """Create entries as `person`; return their ids."""
    with person.acting() as actor:
        return create_entries(record=record, rows=list(rows), actor=actor).ids


def column(record, key, **query):
    """Return one field of all entries as the API would send it."""
    rows = Query(record, fields=[key], **query).rows(limit=1000)
    return orjson.loads(orjson.dumps([row[2] for row in rows]))


def sql(statement, params=None):
    """Run SQL as whoever is acting; return the rows, if there are any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall() if cursor.description else None


def events(record, type=None):
    """Return the record's events, oldest first."""
    found = Event.objects.filter(stream_id=record.pk).order_by("id")
    return list(found.filter(type=type) if type else found)
