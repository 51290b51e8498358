"""Views in the API: questions and looks under a name."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from records import saved_views
from records.api import AnyJson
from records.lookup import find_record
from records.models import RecordView
from workspaces.rest import (
    IF_MATCH,
    IF_NONE_MATCH,
    KdapView,
    Strict,
    checked,
    demand_version,
    versioned,
)


class QuestionInput(Strict):
    """What a view asks for."""

    where = AnyJson(required=False, allow_null=True, help_text="A condition, null for none.")
    sort = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=saved_views.MOST_SORTS,
        help_text="Field keys, with - in front for descending.",
    )
    search = serializers.CharField(required=False, allow_blank=True, max_length=500)


class LayoutInput(Strict):
    """How columns look: lists and maps of field ids."""

    hidden = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, max_length=2000
    )
    order = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, max_length=2000
    )
    widths = serializers.DictField(
        child=serializers.IntegerField(min_value=1, max_value=5000), required=False
    )
    height = serializers.ChoiceField(choices=["short", "normal", "tall", "extra"], required=False)
    sums = serializers.DictField(child=serializers.CharField(max_length=40), required=False)


class ViewInput(Strict):
    """A new view."""

    name = serializers.CharField(max_length=500)
    personal = serializers.BooleanField(required=False)
    question = QuestionInput(required=False)
    layout = LayoutInput(required=False)


class ViewChange(ViewInput):
    """What may be changed of a view."""

    name = serializers.CharField(required=False, max_length=500)


class ViewOutput(serializers.ModelSerializer):
    """A view as the API shows it; `_version` is its ETag."""

    workspace_id = serializers.UUIDField(read_only=True)
    record_id = serializers.UUIDField(read_only=True)
    owner_id = serializers.UUIDField(read_only=True)
    question = QuestionInput(read_only=True)
    layout = LayoutInput(read_only=True)
    _version = serializers.IntegerField(source="last_event_version", read_only=True)

    class Meta:
        model = RecordView
        fields = [
            *("id", "_version", "workspace_id", "record_id", "owner_id", "name", "personal"),
            *("question", "layout", "created_at", "updated_at", "deleted_at"),
        ]
        read_only_fields = fields


class ViewList(serializers.Serializer):
    """The views of a record."""

    results = ViewOutput(many=True)


class RecordViews(KdapView):
    """The views of a record."""

    @extend_schema(operation_id="views_list", responses=ViewList)
    def get(self, request, record_id):
        """List the views of a record that you see, by name."""
        record = find_record(request.actor, record_id)
        found = saved_views.views_of(record, request.actor)
        return Response({"results": ViewOutput(found, many=True).data})

    @extend_schema(operation_id="views_create", request=ViewInput, responses={201: ViewOutput})
    def post(self, request, record_id):
        """Make a view. What it asks for is tried first."""
        record = find_record(request.actor, record_id, "write")
        data = checked(ViewInput, request)
        view = saved_views.create_view(record=record, actor=request.actor, **data)
        return versioned(request, view, ViewOutput, status.HTTP_201_CREATED)


class OneView(KdapView):
    """One view."""

    @extend_schema(operation_id="views_read", parameters=[IF_NONE_MATCH], responses=ViewOutput)
    def get(self, request, view_id):
        """Read a view."""
        return versioned(request, saved_views.find_view(request.actor, view_id), ViewOutput)

    @extend_schema(
        operation_id="views_change",
        parameters=[IF_MATCH],
        request=ViewChange,
        responses=ViewOutput,
    )
    def patch(self, request, view_id):
        """Change a view's name, whose it is, what it asks for or how it looks."""
        view = saved_views.find_view(request.actor, view_id, "write")
        data = checked(ViewChange, request)
        demand_version(request, view, ViewOutput)
        changed = saved_views.change_view(view=view, actor=request.actor, **data)
        return versioned(request, changed, ViewOutput)

    @extend_schema(operation_id="views_delete", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request, view_id):
        """Put a view in the trash; its entries stay where they are."""
        view = saved_views.find_view(request.actor, view_id, "write")
        demand_version(request, view, ViewOutput)
        saved_views.delete_view(view=view, actor=request.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestoreView(KdapView):
    """A view out of the trash."""

    @extend_schema(operation_id="views_restore", request=None, responses=ViewOutput)
    def post(self, request, view_id):
        """Take a view out of the trash."""
        view = saved_views.find_view(request.actor, view_id, "write", trashed=True)
        restored = saved_views.restore_view(view=view, actor=request.actor)
        return versioned(request, restored, ViewOutput)
