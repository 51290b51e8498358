"""Workflows that leave and enter workspaces, in the API."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from automations import portable, services
from automations.api_workflows import WorkflowOutput
from workspaces.api import find_workspace
from workspaces.rest import KdapView, Strict, checked, versioned


class MoveInput(Strict):
    """The workspace that a workflow goes to."""

    workspace_id = serializers.UUIDField()


class WorkflowDocument(Strict):
    """A workflow as a document, with the names by which it is found elsewhere what it is about."""

    kdap = serializers.ChoiceField(choices=[portable.MARK])
    version = serializers.ChoiceField(choices=[portable.VERSION])
    name = serializers.CharField(max_length=500)
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    sentence = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    definition = serializers.DictField()
    names = serializers.DictField(
        required=False,
        help_text="By kind (record, agent, connection, person, …): the name of each id, of a"
        " person the e-mail address.",
    )


class MoveWorkflow(KdapView):
    """A workflow to be moved."""

    @extend_schema(
        operation_id="workflows_move", request=MoveInput, responses={201: WorkflowOutput}
    )
    def post(self, request, workflow_id):
        """Put a workflow into another workspace, as a draft about what has the same names there.

        The original goes to the trash with its runs. Both are one operation, which can be undone.
        """
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        target = checked(MoveInput, request)["workspace_id"]
        workspace = find_workspace(request.actor, target, "write")
        made = portable.move(workflow=workflow, actor=request.actor, workspace=workspace)
        return versioned(request, made, WorkflowOutput, status.HTTP_201_CREATED)


class ExportWorkflow(KdapView):
    """A workflow as a document."""

    @extend_schema(operation_id="workflows_export", responses=WorkflowDocument)
    def get(self, request, workflow_id):
        """Read the draft with the names of what it is about."""
        workflow = services.find_workflow(request.actor, workflow_id)
        return Response(portable.exported(workflow=workflow, actor=request.actor))


class ImportWorkflow(KdapView):
    """A workflow out of a document."""

    @extend_schema(
        operation_id="workflows_import", request=WorkflowDocument, responses={201: WorkflowOutput}
    )
    def post(self, request, workspace_id):
        """Make a draft of a document as the export gives it; `problems/` says what it lacks here."""
        workspace = find_workspace(request.actor, workspace_id, "write")
        if len(request._request.body) > portable.LARGEST_FILE:
            raise portable.TooLarge
        document = dict(checked(WorkflowDocument, request))
        made = portable.imported(document=document, workspace=workspace, actor=request.actor)
        return versioned(request, made, WorkflowOutput, status.HTTP_201_CREATED)
