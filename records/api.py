"""Records in the API: what they are called, not what is in them."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from records import services
from records.lookup import find_record
from records.models import Record
from workspaces.api import find_workspace
from workspaces.rest import (
    IF_MATCH,
    IF_NONE_MATCH,
    KdapView,
    Strict,
    checked,
    demand_version,
    page,
    versioned,
)


class AnyJson(serializers.JSONField):
    """A value whose meaning its own checker knows (records.structure, records.plans)."""


class FieldInput(Strict):
    """A field as people write it: a label, a type, and what the type takes."""

    label = serializers.CharField(max_length=1000)
    type = serializers.CharField(max_length=100)
    required = serializers.BooleanField(required=False)
    unique = serializers.BooleanField(required=False)
    default = AnyJson(required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True)
    options = serializers.DictField(required=False)


class RecordInput(Strict):
    """A new record with its fields."""

    name = serializers.CharField(max_length=500)
    fields = FieldInput(many=True, required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    icon = serializers.CharField(required=False, max_length=32)
    color = serializers.CharField(required=False, max_length=16)


class RecordChange(Strict):
    """What may be changed of a record without touching its structure."""

    name = serializers.CharField(required=False, max_length=500)
    description = serializers.CharField(required=False, allow_blank=True, max_length=10_000)
    icon = serializers.CharField(required=False, max_length=32)
    color = serializers.CharField(required=False, max_length=16)
    position = serializers.IntegerField(required=False, min_value=0, max_value=100_000)
    history_days = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=services.MOST_HISTORY_DAYS,
        help_text="For how long history is kept; null for ever.",
    )


class RecordOutput(serializers.ModelSerializer):
    """A record as the API shows it; `_version` is its ETag."""

    workspace_id = serializers.UUIDField(read_only=True)
    _version = serializers.IntegerField(source="last_event_version", read_only=True)

    class Meta:
        model = Record
        fields = [
            "id",
            "_version",
            "workspace_id",
            "name",
            "table_name",
            "description",
            "icon",
            "color",
            "position",
            "history_days",
            "history_begins_at",
            "created_at",
            "updated_at",
            "deleted_at",
        ]
        read_only_fields = fields


class RecordPage(serializers.Serializer):
    """One page of records."""

    results = RecordOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class Records(KdapView):
    """The records of a workspace."""

    @extend_schema(operation_id="records_list", responses=RecordPage)
    def get(self, request, workspace_id):
        """List the records of a workspace."""
        workspace = find_workspace(request.actor, workspace_id)
        return page(request, workspace.records.filter(deleted_at=None), RecordOutput)

    @extend_schema(
        operation_id="records_create", request=RecordInput, responses={201: RecordOutput}
    )
    def post(self, request, workspace_id):
        """Make a record with its fields; its table is there when this answers."""
        workspace = find_workspace(request.actor, workspace_id, "structure")
        data = checked(RecordInput, request)
        record = services.create_record(
            workspace=workspace,
            actor=request.actor,
            **{"fields": []} | data,
        )
        return versioned(request, record, RecordOutput, status.HTTP_201_CREATED)


class OneRecord(KdapView):
    """One record."""

    @extend_schema(operation_id="records_read", parameters=[IF_NONE_MATCH], responses=RecordOutput)
    def get(self, request, record_id):
        """Read a record."""
        return versioned(request, find_record(request.actor, record_id), RecordOutput)

    @extend_schema(
        operation_id="records_change",
        parameters=[IF_MATCH],
        request=RecordChange,
        responses=RecordOutput,
    )
    def patch(self, request, record_id):
        """Change a record's name, description, icon, colour or place.

        With If-Match only if nobody else changed it or its structure.
        """
        record = find_record(request.actor, record_id, "structure")
        data = checked(RecordChange, request)
        demand_version(request, record, RecordOutput)
        changed = services.change_record(record=record, actor=request.actor, **data)
        return versioned(request, changed, RecordOutput)

    @extend_schema(operation_id="records_delete", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request, record_id):
        """Put a record in the trash; nothing in it is lost."""
        record = find_record(request.actor, record_id, "structure")
        demand_version(request, record, RecordOutput)
        services.delete_record(record=record, actor=request.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestoreRecord(KdapView):
    """A record out of the trash."""

    @extend_schema(operation_id="records_restore", request=None, responses=RecordOutput)
    def post(self, request, record_id):
        """Take a record out of the trash."""
        record = find_record(request.actor, record_id, "structure", trashed=True)
        services.restore_record(record=record, actor=request.actor)
        return versioned(request, record, RecordOutput)
