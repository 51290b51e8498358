"""What a grid must know of its record before it draws: fields, types, people, rights, addresses."""

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from records import feed, fields
from records.buttons import buttons_of
from records.models import GridState
from records.saved_views import question_of
from workspaces.access import allows
from workspaces.jsons import json_bytes
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
    "newView": "view_new",
}


def shape_of(request, record, view=None):
    """Return the grid's description of `record`, seen in a RecordView or not, JSON-able."""
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
        "buttons": [
            {"label": button.label, "url": button.url}
            for button in buttons_of(record, request.actor)
        ],
        "urls": {name: reverse(page, args=[record.pk]) for name, page in ADDRESSES.items()}
        | _of_view(record, view)
        | {
            "entry": reverse("entry", args=[record.pk, 0]).removesuffix("0/"),
            "field": reverse("field", args=[record.pk, "_"]).removesuffix("_/"),
        },
        "state": state_of(request, record, view),
        "view": describe_view(record, view) if view else None,
        "zone": timezone.get_current_timezone_name(),
        "asOf": record.past.event if record.past else None,
    }


def _of_view(record, view):
    """Return the addresses that are others in a view."""
    if view is None:
        return {}
    asked = f"?view={view.pk}"
    return {
        "state": reverse("record_state", args=[record.pk]) + asked,
        "shape": reverse("record_shape", args=[record.pk]) + asked,
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


def describe_view(record, view):
    """Return what the browser knows of the view that it shows."""
    asked = question_of(view, record)
    return {
        "id": view.pk,
        "name": view.name,
        "version": view.last_event_version,
        "where": asked.where,
        "sort": asked.sort,
        "search": asked.search,
        "leftOut": asked.left_out,
        "layout": view.layout,
        "url": reverse("view_save", args=[record.pk, view.pk]),
    }


def state_of(request, record, view=None):
    """Return how this person likes to see this record, in a view or outside of all.

    In a view it is how the view was saved, until the person changes it for themselves; and it is
    that again when somebody saves the view anew.
    """
    kept = GridState.objects.filter(record=record, user=request.user, view=view).first()
    if view is not None and (kept is None or kept.seen != view.last_event_version):
        return view.layout
    return kept.state if kept else {}


def embedded(data):
    """Return `data` as JSON that is safe inside a <script type="application/json">."""
    text = json_bytes(data).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return mark_safe(text)  # every character that could end the element is escaped
