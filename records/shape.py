"""What a grid must know of its record before it draws: fields, types, people, rights, addresses."""

import orjson
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from records import feed, fields
from records.models import GridState
from workspaces.access import allows
from workspaces.models import Member

ADDRESSES = {
    "rows": "record_rows",
    "extent": "record_extent",
    "edge": "record_edge",
    "place": "record_place",
    "cells": "record_cells",
    "delete": "record_delete_entries",
    "sums": "record_sums",
    "undo": "grid_undo",
    "redo": "grid_redo",
    "news": "grid_news",
    "shape": "record_shape",
    "state": "record_state",
    "newEntry": "entry_new",
    "newField": "field_new",
}


def shape_of(request, record):
    """Return the grid's description of `record` for the person who asks, JSON-able."""
    return {
        "record": {"id": record.pk, "name": record.name, "version": record.version},
        "fields": [describe(field) for field in record.structure.fields],
        "types": {key: describe_type(kind) for key, kind in fields.TYPES.items()},
        "people": people_in(record.workspace_id),
        "me": request.user.pk,
        # Read before any rows: what happens in between is told twice instead of never.
        "news": feed.news(record)[1],
        "rights": {
            action: record.past is None and allows(request.actor, action, record.workspace_id)
            for action in ("write", "structure")
        },
        "urls": {name: reverse(view, args=[record.pk]) for name, view in ADDRESSES.items()}
        | {
            "entry": reverse("entry", args=[record.pk, 0]).removesuffix("0/"),
            "field": reverse("field", args=[record.pk, "_"]).removesuffix("_/"),
        },
        "state": state_of(request, record),
        "zone": timezone.get_current_timezone_name(),
        "asOf": record.past.event if record.past else None,
    }


def describe(field):
    """Return what the browser knows of one field."""
    kind = field.kind
    return {
        **field.model_dump(include={"id", "key", "label", "type", "required", "unique"}),
        "description": field.description,
        "default": field.default,
        "options": kind.editor_options(field),
        "icon": kind.icon,
        "editor": kind.editor,
        "align": kind.align,
        "computed": kind.computed,
        "sortable": kind.sortable,
    }


def describe_type(kind):
    """Return what the browser knows of one field type."""
    return {
        "label": kind.label,
        "aggregates": list(kind.aggregates),
        "operators": [
            {"key": op.key, "label": op.label, "takes": op.takes, "sentence": op.sentence}
            for op in kind.operators
        ],
    }


def people_in(workspace_id):
    """Return [{id, name, email}] of a workspace's members."""
    members = Member.objects.filter(workspace_id=workspace_id).select_related("user")
    return [
        {"id": m.user.pk, "name": m.user.name or m.user.email, "email": m.user.email}
        for m in members
    ]


def state_of(request, record):
    """Return how this person likes to see this record."""
    kept = GridState.objects.filter(record=record, user=request.user).first()
    return kept.state if kept else {}


def embedded(data):
    """Return `data` as JSON that is safe inside a <script type="application/json">."""
    text = orjson.dumps(data, default=str).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return mark_safe(text)  # every character that could end the element is escaped
