"""Long changes of structure in the API: how far they are, and how to stop them."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.reverse import reverse

from records import long_changes
from records.structure_jobs import StructureJob
from workspaces.rest import KdapView


class StructureJobOutput(serializers.ModelSerializer):
    """A change of structure that rewrites many entries, and how far it is."""

    record_id = serializers.UUIDField(read_only=True)
    percent = serializers.IntegerField(read_only=True)
    sentences = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = StructureJob
        fields = [
            *("id", "record_id", "state", "percent", "done", "total", "sentences", "error"),
            *("created_at", "finished_at"),
        ]
        read_only_fields = fields


def accepted(request, job):
    """Answer that a change goes on in the background, with the address to ask at."""
    address = reverse("structure-job", args=[job.pk], request=request)
    headers = {"Location": address}
    return Response(StructureJobOutput(job).data, status.HTTP_202_ACCEPTED, headers=headers)


class OneStructureJob(KdapView):
    """One long change of structure."""

    @extend_schema(operation_id="structure_jobs_read", responses=StructureJobOutput)
    def get(self, request, job_id):
        """Read how far a long change of structure is."""
        return Response(StructureJobOutput(long_changes.find(request.actor, job_id)).data)


class CancelStructureJob(KdapView):
    """A long change of structure that shall stop."""

    @extend_schema(operation_id="structure_jobs_cancel", request=None, responses=StructureJobOutput)
    def post(self, request, job_id):
        """Stop a change; the structure stays as it was."""
        job = long_changes.find(request.actor, job_id, "structure")
        job = long_changes.cancel(job=job, actor=request.actor)
        return Response(StructureJobOutput(job).data)
