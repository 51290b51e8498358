"""Erasing a person's data over the API."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from records import erasing
from records.lookup import find_record
from workspaces.errors import Invalid
from workspaces.rest import KdapView, Strict, checked


class EraseInput(Strict):
    """Which entries: `entries`, or all whose `field` has the `value`."""

    entries = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=10_000,
    )
    field = serializers.CharField(required=False, max_length=100)
    value = serializers.CharField(required=False, max_length=1000)
    earlier = serializers.BooleanField(
        required=False, default=True, help_text="Also entries that had the value once."
    )
    preview = serializers.BooleanField(
        required=False, default=False, help_text="Only say what would be gone."
    )
    confirm = serializers.CharField(
        required=False,
        max_length=300,
        help_text="The record's name; nothing is erased without it, for it can't be undone.",
    )


class ErasedFileOutput(serializers.Serializer):
    """A kept file of an import that named the erased entries."""

    import_id = serializers.UUIDField()
    rows = serializers.IntegerField(
        allow_null=True, help_text="Rows whose cells were emptied; null when the whole file went."
    )


class EraseOutput(serializers.Serializer):
    """What was erased, or would be."""

    entries = serializers.IntegerField()
    deleted = serializers.IntegerField(help_text="Deleted entries, which history still has.")
    images = serializers.IntegerField(help_text="Images of all of them, past and present.")
    fields = serializers.ListField(child=serializers.CharField())
    stand_ins = serializers.ListField(
        child=serializers.CharField(), help_text="Required fields: they get a neutral stand-in."
    )
    files = ErasedFileOutput(many=True)
    copies = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="What automations copied from the entries, and how many of each lose it. "
        "“copies in use” are being worked with and stay: erase again when that is over.",
    )
    operation = serializers.UUIDField(allow_null=True, help_text="Null for a preview.")


class Erase(KdapView):
    """Erasure of personal data."""

    @extend_schema(operation_id="entries_erase", request=EraseInput, responses=EraseOutput)
    def post(self, request, record_id):
        """Empty the personal fields of entries in the table, in history, in kept files and copies, for good."""
        record = find_record(request.actor, record_id, "structure")
        data = checked(EraseInput, request)
        if ("entries" in data) == ("field" in data):
            raise Invalid("Name entries, or a field and a value; one of the two.")
        choice = erasing.Choice(
            ids=tuple(data.get("entries", ())),
            key=data.get("field", ""),
            value=data.get("value", ""),
            earlier=data["earlier"],
        )
        how = {"record": record, "choice": choice, "actor": request.actor}
        if data["preview"]:
            return Response(erasing.look(**how).as_json() | {"operation": None})
        if data.get("confirm") != record.name:
            raise Invalid("Give the record's name as `confirm`: this can't be undone.")
        return Response(erasing.erase(**how).as_json() | {"operation": request.actor.operation})
