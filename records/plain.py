"""Entries as text for the table that works without JavaScript."""

import datetime as dt

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format


def cells_of(record, rows, people):
    """Return [{"id", "cells": [{"text", "align"}]}] for rows as Query gives them."""
    fields = record.structure.fields
    names = {str(person["id"]): person["name"] for person in people}
    return [
        {
            "id": row[0],
            "cells": [
                {"text": text_of(value, field, names), "align": field.kind.align}
                for field, value in zip(fields, row[2:], strict=True)
            ],
        }
        for row in rows
    ]


def text_of(value, field, names):
    """Return an API value as the text of a cell."""
    if value is None:
        return ""
    if field.kind.editor == "datetime":
        moment = value if isinstance(value, dt.datetime) else parse_datetime(value)
        return date_format(timezone.localtime(moment), "Y-m-d H:i")
    if field.kind.editor == "user":
        return names.get(str(value), "someone who left")
    if field.kind.editor == "json":
        return str(getattr(value, "contents", value))
    return field.kind.display(value, field)
