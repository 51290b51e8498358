"""The log of a workspace in the API: every event, newest first."""

import orjson
from django import forms
from django.db import connection
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from workspaces import access
from workspaces.api import find_workspace
from workspaces.errors import KdapError
from workspaces.log import HEAVY, KINDS, LOOK, NOBODY, Filters, seen
from workspaces.rest import KdapView, known_parameters, limit_of, with_cursor
from workspaces.sentences import Fact, Names, private_types

NAMES = ("person", "kind", "field", "record", "since", "until")
COLUMNS = (
    *("event_id", "type", "timestamp", "user_id", "stream_id", "version", "operation_id"),
    *("undo_of", "cause", "ip", "changed", "count", "payload"),
)
# The window keeps a rare thing from costing more than a fixed number of looked-at events.
SELECT = """
SELECT event_id, type, timestamp, user_id, stream_id, version, operation_id, undo_of, cause,
       host(ip), changed, count, payload - {heavy} FROM (
    SELECT e.* FROM events AS e WHERE {scope} AND e.event_id < %(before)s
    ORDER BY e.event_id DESC LIMIT %(look)s
) AS e WHERE {where} AND e.type <> ALL(%(private)s){seen} ORDER BY e.event_id DESC LIMIT %(most)s
"""
LOWEST = """
SELECT count(*), min(event_id) FROM (
    SELECT e.event_id FROM events AS e WHERE {scope} AND e.event_id < %(before)s
    ORDER BY e.event_id DESC LIMIT %(look)s
) AS e
"""


class LogEventOutput(serializers.Serializer):
    """One event with its sentence for people."""

    event_id = serializers.IntegerField()
    type = serializers.CharField()
    sentence = serializers.CharField()
    timestamp = serializers.DateTimeField()
    user_id = serializers.UUIDField(allow_null=True, help_text="null for KDAP itself.")
    stream_id = serializers.UUIDField(help_text="What it is about: a record, a workspace, …")
    version = serializers.IntegerField(allow_null=True)
    operation_id = serializers.UUIDField(allow_null=True)
    undo_of = serializers.UUIDField(allow_null=True)
    cause = serializers.DictField(allow_null=True)
    ip = serializers.CharField(allow_null=True, help_text="For those who manage the workspace.")
    changed = serializers.ListField(child=serializers.CharField(), allow_null=True)
    count = serializers.IntegerField(allow_null=True)
    payload = serializers.DictField(help_text="Without whole structures, which have versions.")
    note = serializers.CharField(
        allow_null=True, help_text="Why its cells are not known and it can't be undone any more."
    )


class LogPage(serializers.Serializer):
    """One page of the log. It may be short, even empty, and still have a next one."""

    results = LogEventOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class FilterForm(forms.Form):
    """The filters of the log as parameters of an address."""

    person = forms.CharField(required=False)
    kind = forms.ChoiceField(required=False, choices=[(key, key) for key in KINDS])
    field = forms.CharField(required=False, max_length=100)
    record = forms.UUIDField(required=False)
    since = forms.DateTimeField(required=False)
    until = forms.DateTimeField(required=False)
    cursor = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1)

    def clean_person(self):
        """Return the id of a person, NOBODY, or None."""
        person = self.cleaned_data["person"]
        return person if person == NOBODY else forms.UUIDField(required=False).clean(person)


class WorkspaceEvents(KdapView):
    """The log of a workspace."""

    @extend_schema(
        operation_id="events_list",
        parameters=[
            OpenApiParameter("person", description="A user's id, or system for KDAP itself."),
            OpenApiParameter("kind", enum=list(KINDS)),
            OpenApiParameter("field", description="The key of a field that was changed."),
            OpenApiParameter("record", description="The id of a record."),
            OpenApiParameter("since", description="A moment, as 2026-05-31T14:30:00Z."),
            OpenApiParameter("until", description="A moment, not included."),
        ],
        responses=LogPage,
    )
    def get(self, request, workspace_id):
        """List what happened in a workspace, newest first."""
        known_parameters(request, *NAMES, "limit", "cursor")
        workspace = find_workspace(request.actor, workspace_id)
        form = FilterForm(request.query_params)
        if not form.is_valid():
            name, errors = next(iter(form.errors.items()))
            raise KdapError(f"{name}: {errors[0]}", problems=[{"parameter": name}])
        manages = access.allows(request.actor, "admin", workspace)
        found, cursor = _events(workspace, form.cleaned_data, limit_of(request), manages)
        return Response({"results": found, "next": with_cursor(request, cursor), "cursor": cursor})


def _events(workspace, data, most, manages):
    """Return (events as dicts, cursor or None)."""
    names = ("person", "kind", "field", "since", "until")
    where, params = Filters(**{name: data[name] or None for name in names}).where()
    params |= {
        "scope": data["record"] or workspace.pk,
        "room": workspace.pk,
        "before": data["cursor"] if data["cursor"] is not None else 2**63 - 1,
        "look": LOOK,
        "most": most + 1,
        "private": [] if manages else private_types(),
    }
    scope = "e.workspace_id = %(room)s"
    if data["record"]:
        scope += " AND e.stream_id = %(scope)s"
    cursor = None
    with connection.cursor() as db:
        parts = {"scope": scope, "where": where.format(e="e"), "heavy": HEAVY, "seen": seen()}
        db.execute(SELECT.format(**parts), params)
        rows = db.fetchall()
        if len(rows) > most:
            rows, cursor = rows[:most], str(rows[most - 1][0])
        else:
            db.execute(LOWEST.format(scope=scope), params)
            looked, lowest = db.fetchone()
            cursor = str(lowest) if looked == LOOK else None
    found = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    for item in found:
        for name in ("cause", "changed", "payload"):
            item[name] = orjson.loads(item[name]) if isinstance(item[name], str) else item[name]
        item["ip"] = item["ip"] if manages else None
    facts = [
        Fact(
            item["type"],
            item["stream_id"],
            payload=item["payload"],
            count=item["count"] or 0,
            changed=item["changed"] or [],
        )
        for item in found
    ]
    Names(facts)
    for item, fact in zip(found, facts, strict=True):
        item["sentence"] = fact.sentence
        item["note"] = fact.forgotten(item["event_id"]) or None
    return found, cursor
