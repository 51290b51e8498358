"""Files in and out over the API: imports as jobs, exports as streams."""

from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from records.api_query import query_of
from records.export_views import TYPES, from_thread
from records.exports import Export
from records.imports import services
from records.jobs import ImportJob
from records.lookup import find_record
from workspaces import access
from workspaces.api import find_workspace
from workspaces.errors import KdapError, Missing
from workspaces.rest import KdapView, Strict, checked, page


class ImportUpload(Strict):
    """A file: CSV, TSV, JSON, NDJSON, XLSX, XLS or ODS."""

    file = serializers.FileField(allow_empty_file=True)


class ImportChange(Strict):
    """How the file is read and where it goes; `mapping` as the job shows it."""

    settings = serializers.DictField(required=False)
    mapping = serializers.ListField(child=serializers.DictField(), required=False, max_length=2000)
    mode = serializers.ChoiceField(choices=ImportJob.Mode, required=False)
    keys = serializers.ListField(child=serializers.CharField(), required=False, max_length=100)
    on_error = serializers.ChoiceField(choices=ImportJob.OnError, required=False)
    record_name = serializers.CharField(required=False, max_length=500)


class ImportStart(Strict):
    """With `rehearse` the import only finds out what it would do."""

    rehearse = serializers.BooleanField(required=False, default=False)


class ImportOutput(serializers.ModelSerializer):
    """An import and how far it is."""

    workspace_id = serializers.UUIDField(read_only=True)
    record_id = serializers.UUIDField(read_only=True, allow_null=True)
    percent = serializers.IntegerField(read_only=True)
    settings = serializers.DictField(read_only=True)
    mapping = serializers.ListField(child=serializers.DictField(), read_only=True)
    keys = serializers.ListField(child=serializers.CharField(), read_only=True)
    preview = serializers.DictField(read_only=True, allow_null=True)

    class Meta:
        model = ImportJob
        fields = [
            *("id", "workspace_id", "record_id", "state", "percent", "name", "format", "size"),
            *("settings", "mapping", "record_name", "mode", "keys", "on_error", "preview"),
            *("total", "done", "created", "updated", "unchanged", "refused", "error"),
            *("created_at", "started_at", "finished_at"),
        ]
        read_only_fields = fields


class ImportPage(serializers.Serializer):
    """One page of imports."""

    results = ImportOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


UPLOAD = {"multipart/form-data": ImportUpload}


def receive(request, workspace, record=None):
    """Keep the file of a multipart body and answer the ImportJob."""
    form = ImportUpload(data=request.data)
    form.is_valid(raise_exception=True)
    file = form.validated_data["file"]
    job = services.receive(
        workspace=workspace,
        record=record,
        name=file.name,
        chunks=file.chunks(),
        actor=request.actor,
    )
    return Response(ImportOutput(job).data, status.HTTP_201_CREATED)


class WorkspaceImports(KdapView):
    """Imports that make a new record."""

    parser_classes = (MultiPartParser,)

    @extend_schema(operation_id="imports_list", responses=ImportPage)
    def get(self, request, workspace_id):
        """List the imports of a workspace."""
        workspace = find_workspace(request.actor, workspace_id)
        return page(request, ImportJob.objects.filter(workspace=workspace), ImportOutput)

    @extend_schema(operation_id="imports_create", request=UPLOAD, responses={201: ImportOutput})
    def post(self, request, workspace_id):
        """Upload a file for a new record; look at the answer, change it, then start it."""
        return receive(request, find_workspace(request.actor, workspace_id, "structure"))


class RecordImports(KdapView):
    """Imports into a record that is there."""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="imports_create_into", request=UPLOAD, responses={201: ImportOutput}
    )
    def post(self, request, record_id):
        """Upload a file whose rows go into a record."""
        record = find_record(request.actor, record_id, "write")
        return receive(request, record.workspace, record)


class OneImport(KdapView):
    """One import."""

    @extend_schema(operation_id="imports_read", responses=ImportOutput)
    def get(self, request, import_id):
        """Read how far an import is."""
        return Response(ImportOutput(find_import(request.actor, import_id)).data)

    @extend_schema(operation_id="imports_change", request=ImportChange, responses=ImportOutput)
    def patch(self, request, import_id):
        """Change how the file is read and where it goes, before the start."""
        job = find_import(request.actor, import_id, "write")
        data = checked(ImportChange, request)
        columns = data.pop("mapping", None)
        job = services.change(job=job, actor=request.actor, columns=columns, **data)
        return Response(ImportOutput(job).data)


class StartImport(KdapView):
    """An import that is ready, set going."""

    @extend_schema(operation_id="imports_start", request=ImportStart, responses={202: ImportOutput})
    def post(self, request, import_id):
        """Start the import, or rehearse it."""
        job = find_import(request.actor, import_id, "write")
        data = checked(ImportStart, request)
        job = services.start(job=job, actor=request.actor, rehearse=data["rehearse"])
        return Response(ImportOutput(job).data, status.HTTP_202_ACCEPTED)


class CancelImport(KdapView):
    """An import that shall stop."""

    @extend_schema(operation_id="imports_cancel", request=None, responses=ImportOutput)
    def post(self, request, import_id):
        """Stop an import; nothing of it stays."""
        job = find_import(request.actor, import_id, "write")
        return Response(ImportOutput(services.cancel(job=job, actor=request.actor)).data)


class ReopenImport(KdapView):
    """An import that came to nothing, once more."""

    @extend_schema(operation_id="imports_reopen", request=None, responses=ImportOutput)
    def post(self, request, import_id):
        """Make an import that failed or was cancelled ready again, with its file and mapping."""
        job = find_import(request.actor, import_id, "write")
        return Response(ImportOutput(services.reopen(job=job, actor=request.actor)).data)


def find_import(actor, import_id, action="read"):
    """Return the ImportJob of that id if `actor` may do `action` in its workspace."""
    job = services.find(import_id)
    if job is None:
        raise Missing("There is no such import here, or it is not shared with you.")
    access.require(actor, action, job.workspace_id)
    return job


class Exports(KdapView):
    """A record's entries as a file."""

    @extend_schema(
        operation_id="exports_read",
        parameters=[
            OpenApiParameter("format", enum=list(TYPES), default="csv"),
            *(OpenApiParameter(name) for name in ("where", "search", "sort", "fields", "as_of")),
        ],
        responses={(200, "application/octet-stream"): bytes},
    )
    def get(self, request, record_id):
        """Stream the entries that the filters leave, as CSV, XLSX, JSON or NDJSON."""
        record = find_record(request.actor, record_id)
        form = request.query_params.get("format", "csv")
        if form not in TYPES:
            raise KdapError(f"format is one of {', '.join(TYPES)}.")
        made = Export(query_of(record, request.query_params, also=("format",)), request.actor)
        made.check(form)
        chunks = getattr(made, form)()
        # A server that works asynchronously reads a plain iterator whole before it sends a byte.
        asynchronous = isinstance(request._request, ASGIRequest)
        response = StreamingHttpResponse(
            from_thread(chunks) if asynchronous else chunks, content_type=TYPES[form]
        )
        name = content_disposition_header(True, f"{record.name}.{form}")
        response["Content-Disposition"] = name
        return response
