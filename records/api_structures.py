"""Structures in the API: the newest, every older one, and changing them by a plan."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from records import fields as field_types
from records import long_changes, services
from records import structure as structures
from records.api_structure_jobs import StructureJobOutput, accepted
from records.lookup import find_record
from records.models import StructureVersion
from records.structure_jobs import StructureJob
from workspaces.errors import Conflict, Missing, PreconditionFailed
from workspaces.rest import KdapView, Strict, checked, etag, if_match, page


class ChangesInput(Strict):
    """Changes of a structure, each an object with `op`; see the documentation of structures."""

    changes = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=1000)


class ChangesToApply(ChangesInput):
    """The same, to be carried out; `confirm` allows cells to be lost."""

    confirm = serializers.BooleanField(required=False, default=False)


class FieldOutput(serializers.Serializer):
    """One field of a structure."""

    id = serializers.CharField()
    key = serializers.CharField()
    label = serializers.CharField()
    type = serializers.CharField()
    required = serializers.BooleanField()
    unique = serializers.BooleanField()
    default = serializers.JSONField(allow_null=True)
    description = serializers.CharField(allow_blank=True)
    personal = serializers.BooleanField(
        help_text="It holds a person's data, which an erasure empties."
    )
    options = serializers.DictField()


class DeletedOutput(serializers.Serializer):
    """A deleted field that can be brought back by restore_field."""

    id = serializers.CharField()
    key = serializers.CharField()
    label = serializers.CharField()
    type = serializers.CharField()


class ConversionOutput(serializers.Serializer):
    """A conversion that revert_field can take back: the `field` and the `version` it made."""

    field = serializers.CharField()
    version = serializers.IntegerField()
    was = serializers.CharField(help_text="The type that the field gets back.")


class StructureOutput(serializers.Serializer):
    """A structure: its fields in order, and what can be brought or taken back."""

    version = serializers.IntegerField()
    fields = FieldOutput(many=True)
    deleted = DeletedOutput(many=True)
    conversions = ConversionOutput(many=True)


class ImpactOutput(serializers.Serializer):
    """What a change costs in cells."""

    sentence = serializers.CharField()
    lost = serializers.IntegerField()
    blocked = serializers.IntegerField()
    examples = serializers.ListField(child=serializers.DictField())


class PreviewOutput(serializers.Serializer):
    """What changes would do, in sentences and numbers."""

    version = serializers.IntegerField()
    sentences = serializers.ListField(child=serializers.CharField())
    impact = ImpactOutput(many=True)
    concerns = serializers.ListField(
        child=serializers.CharField(), help_text="What would stop working: workflows, by name."
    )
    destructive = serializers.BooleanField()
    blocked = serializers.BooleanField()
    long = serializers.BooleanField(help_text="It would go on in the background, as a job.")


class VersionOutput(serializers.ModelSerializer):
    """One version of a structure, without the structure."""

    user_id = serializers.UUIDField(read_only=True, allow_null=True)

    class Meta:
        model = StructureVersion
        fields = ["version", "summary", "user_id", "created_at"]
        read_only_fields = fields


class VersionPage(serializers.Serializer):
    """One page of versions."""

    results = VersionOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


def shown(structure, version):
    """Return a Structure as the API shows it."""
    kept = [item.field for item in structure.shelf if item.reason == "deleted"]
    return {
        "version": version,
        "fields": [field.model_dump(mode="json") for field in structure.fields],
        "deleted": [field.model_dump(include={"id", "key", "label", "type"}) for field in kept],
        "conversions": [
            {"field": item.field.id, "version": item.version, "was": item.field.type}
            for item in structure.revertible
        ],
    }


def answer(record):
    """Answer a record's newest structure, with its version as ETag."""
    return Response(shown(record.structure, record.version), headers={"ETag": etag(record.version)})


class OneStructure(KdapView):
    """A record's newest structure."""

    @extend_schema(operation_id="structures_read", responses=StructureOutput)
    def get(self, request, record_id):
        """Read the newest structure."""
        record = find_record(request.actor, record_id)
        if etag(record.version) in request.headers.get("If-None-Match", ""):
            return Response(status=304, headers={"ETag": etag(record.version)})
        return answer(record)

    @extend_schema(
        operation_id="structures_change",
        request=ChangesToApply,
        responses={200: StructureOutput, 202: StructureJobOutput},
    )
    def patch(self, request, record_id):
        """Change the structure; with If-Match only if nobody else has.

        A conversion of very many entries goes on in the background: 202 with its job.
        """
        record = find_record(request.actor, record_id, "structure")
        data = checked(ChangesToApply, request)
        seen = if_match(request)
        try:
            done = long_changes.change_structure(
                record=record,
                changes=data["changes"],
                actor=request.actor,
                version=seen,
                confirmed=data["confirm"],
            )
        except Conflict as error:
            if seen is None or "version" not in error.extra:
                raise
            current = shown(record.reload(), record.version)
            raise PreconditionFailed(error.detail, current=current) from None
        return accepted(request, done) if isinstance(done, StructureJob) else answer(record)


class Preview(KdapView):
    """What changes of a structure would do."""

    @extend_schema(operation_id="structures_preview", request=ChangesInput, responses=PreviewOutput)
    def post(self, request, record_id):
        """Say in sentences and numbers what changes would do, without doing them."""
        record = find_record(request.actor, record_id, "structure")
        data = checked(ChangesInput, request)
        plan = services.preview_structure(
            record=record, changes=data["changes"], actor=request.actor
        )
        return Response(plan)


class Versions(KdapView):
    """Every version of a record's structure."""

    @extend_schema(operation_id="structures_versions", responses=VersionPage)
    def get(self, request, record_id):
        """List the versions of a structure, the first one first."""
        record = find_record(request.actor, record_id)
        return page(request, record.versions.defer("structure"), VersionOutput)


class OneVersion(KdapView):
    """A structure as it once was."""

    @extend_schema(operation_id="structures_version", responses=StructureOutput)
    def get(self, request, record_id, version):
        """Read one version of a structure."""
        record = find_record(request.actor, record_id)
        found = record.versions.filter(version=version).first() if version < 2**31 else None
        if found is None:
            raise Missing(f"This record has no version {version}.")
        return Response(shown(found.parsed, found.version))


class FieldTypes(KdapView):
    """What fields can be."""

    @extend_schema(operation_id="field_types_list", responses={200: {"type": "object"}})
    def get(self, request):
        """List the field types, each with its operators and the JSON Schema of its options."""
        types = [
            {
                "type": kind.key,
                "label": kind.label,
                "hint": kind.hint,
                "value": kind.schema,
                "options": kind.Options.model_json_schema(),
                "operators": [operator.key for operator in kind.operators],
                "aggregates": list(kind.aggregates),
                "sortable": kind.sortable,
                "may_be_unique": kind.may_be_unique,
                "read_only": kind.computed,
            }
            for kind in field_types.TYPES.values()
        ]
        return Response({"results": types, "structure": structures.Structure.model_json_schema()})
