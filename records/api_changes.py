"""What happened to a record in the API, in order and without gaps; and taking it back."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from records import feed
from records.lookup import find_record
from workspaces.operations import undo
from workspaces.rest import KdapView, Strict, checked, known_parameters, limit_of


class EventOutput(serializers.Serializer):
    """One event: what one statement did to entries, or one change of a definition."""

    event_id = serializers.IntegerField()
    type = serializers.CharField()
    timestamp = serializers.DateTimeField()
    user_id = serializers.UUIDField(allow_null=True)
    operation_id = serializers.UUIDField(allow_null=True)
    undo_of = serializers.UUIDField(allow_null=True)
    changed = serializers.ListField(child=serializers.CharField(), allow_null=True)
    count = serializers.IntegerField(allow_null=True)
    payload = serializers.DictField(
        help_text="Of entries: ids, or first and last when there are more than 200."
    )


class ChangesOutput(serializers.Serializer):
    """Events in the order of their transactions, and where to read on."""

    results = EventOutput(many=True)
    cursor = serializers.CharField(help_text="Give it as `since` to the next call.")
    more = serializers.BooleanField(help_text="There is more already; call again at once.")


class RecordChanges(KdapView):
    """The feed of a record's events."""

    @extend_schema(
        operation_id="changes_read",
        parameters=[OpenApiParameter("since"), OpenApiParameter("limit", int)],
        responses=ChangesOutput,
    )
    def get(self, request, record_id):
        """List what happened after the cursor `since`; without it only learn where now is."""
        known_parameters(request, "since", "limit")
        record = find_record(request.actor, record_id)
        limit = limit_of(request)
        found, cursor, more = feed.changes(record, request.query_params.get("since", ""), limit)
        for event in found:
            del event["xid"]
        return Response({"results": found, "cursor": cursor, "more": more})


class UndoInput(Strict):
    """How far an undo goes."""

    force = serializers.BooleanField(
        required=False, default=False, help_text="Take back also what was changed since."
    )
    preview = serializers.BooleanField(
        required=False, default=False, help_text="Only say what would happen."
    )


class UndoOutput(serializers.Serializer):
    """What was restored, and what was kept because it was changed since."""

    restored = serializers.IntegerField()
    kept = serializers.IntegerField()
    examples = serializers.ListField(child=serializers.DictField())
    detail = serializers.CharField()
    operation = serializers.UUIDField(
        allow_null=True, help_text="The undo itself; undoing that is redo. Null for a preview."
    )


class UndoOperation(KdapView):
    """Taking an operation back, as one unit."""

    @extend_schema(operation_id="operations_undo", request=UndoInput, responses=UndoOutput)
    def post(self, request, operation_id):
        """Undo what one call, import or action of a person did; nothing is erased."""
        known_parameters(request)
        given = checked(UndoInput, request)
        outcome = undo(operation_id=operation_id, actor=request.actor, **given)
        return Response(outcome.as_json())
