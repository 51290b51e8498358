"""What happened to one entry, in the API."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from records import images
from records.lookup import find_record
from workspaces.errors import KdapError, Missing
from workspaces.rest import KdapView, known_parameters, limit_of, with_cursor


class CellChangeOutput(serializers.Serializer):
    """One changed cell, with the field as it was then."""

    field = serializers.CharField(help_text="The key of the field then.")
    field_id = serializers.CharField()
    label = serializers.CharField(help_text="What the field is called now.")
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)


class EntryStepOutput(serializers.Serializer):
    """One change of an entry."""

    event_id = serializers.IntegerField()
    what = serializers.ChoiceField(choices=["added", "changed", "deleted", "brought back", "kept"])
    timestamp = serializers.DateTimeField(allow_null=True)
    user_id = serializers.UUIDField(allow_null=True, help_text="null for KDAP itself.")
    operation_id = serializers.UUIDField(allow_null=True)
    changes = CellChangeOutput(many=True)


class EntryHistoryPage(serializers.Serializer):
    """One page of an entry's history."""

    results = EntryStepOutput(many=True)
    note = serializers.CharField(
        allow_null=True, help_text="Where history begins, if not all of it is kept."
    )
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class EntryHistory(KdapView):
    """The history of one entry."""

    @extend_schema(
        operation_id="entries_history",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor")],
        responses=EntryHistoryPage,
    )
    def get(self, request, record_id, entry_id):
        """List what happened to an entry, newest first; a deleted one's too."""
        known_parameters(request, "limit", "cursor")
        record = find_record(request.actor, record_id)
        limit, cursor = limit_of(request), request.query_params.get("cursor", "")
        if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
            raise KdapError("This cursor is not one that KDAP gave.")
        steps = []
        if entry_id < 2**63:
            before = int(cursor) if cursor else None
            steps = images.steps_of(record, entry_id, before=before, limit=limit + 1)
        if not steps and not cursor:
            raise Missing(images.never_was(record, entry_id))
        following = str(steps[limit - 1].tag) if len(steps) > limit else None
        return Response(
            {
                "results": [_shown(step) for step in steps[:limit]],
                "note": record.history_note or None,
                "next": with_cursor(request, following),
                "cursor": following,
            }
        )


def _shown(step):
    event = step.event
    return {
        "event_id": step.tag,
        "what": step.what.lower(),
        "timestamp": event and event.timestamp,
        "user_id": event and event.user_id,
        "operation_id": event and event.operation_id,
        "changes": [
            {
                "field": cell.field.key,
                "field_id": cell.field.id,
                "label": cell.label,
                "old": cell.before,
                "new": cell.after,
            }
            for cell in step.cells
        ],
    }
