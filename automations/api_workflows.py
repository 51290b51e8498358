"""Workflows in the API: drafts, versions, and switching them on and off."""

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from automations import definition as definitions
from automations import portable, services
from automations.api_sentences import drafted
from automations.english import MOST_CHARACTERS
from automations.models import Workflow, WorkflowVersion
from automations.parts import Book
from workspaces.api import find_workspace
from workspaces.errors import Invalid, KdapError
from workspaces.rest import (
    IF_MATCH,
    IF_NONE_MATCH,
    KdapView,
    Strict,
    checked,
    demand_version,
    known_parameters,
    page,
    versioned,
)

TWICE = "The sentence says it already; give one of them."
DEFINITION = "The trigger and the steps; its JSON Schema is at workflow-parts/."


class WorkflowInput(Strict):
    """A new workflow: a draft, until it is published. It has a definition, or a sentence."""

    name = serializers.CharField(
        max_length=500, required=False, help_text="Needed where there is no sentence."
    )
    sentence = serializers.CharField(
        required=False, max_length=MOST_CHARACTERS, help_text="What it should do, in plain English."
    )
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    natural_language_description = serializers.CharField(
        required=False, allow_blank=True, max_length=20_000
    )
    structured_definition = serializers.DictField(required=False, help_text=DEFINITION)
    needs_name = True

    def validate(self, data):
        both = {"structured_definition", "natural_language_description"} & data.keys()
        if "sentence" in data and both:
            raise serializers.ValidationError(dict.fromkeys(both, TWICE))
        if self.needs_name and not {"sentence", "name"} & data.keys():
            raise serializers.ValidationError({"name": "Give a name, or a sentence."})
        return data


class WorkflowChange(WorkflowInput):
    """What may be changed of a workflow's draft."""

    needs_name = False


class WorkflowCopy(Strict):
    """Where a copy goes; without a workspace it stays beside the original."""

    name = serializers.CharField(required=False, max_length=500)
    workspace_id = serializers.UUIDField(required=False)


class PauseInput(Strict):
    """Why a workflow is paused, for the people who see that it is."""

    because = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class WorkflowOutput(serializers.ModelSerializer):
    """A workflow with its draft; `published` is the number of the version that runs."""

    workspace_id = serializers.UUIDField(read_only=True)
    owner_id = serializers.UUIDField(read_only=True)
    structured_definition = serializers.DictField(read_only=True, help_text=DEFINITION)
    _version = serializers.IntegerField(source="last_event_version", read_only=True)

    class Meta:
        model = Workflow
        fields = [
            *("id", "_version", "workspace_id", "owner_id", "name", "description"),
            *("natural_language_description", "structured_definition", "state", "paused_because"),
            *("published", "created_at", "updated_at", "deleted_at"),
        ]
        read_only_fields = fields


class WorkflowPage(serializers.Serializer):
    """One page of workflows."""

    results = WorkflowOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class WorkflowVersionOutput(serializers.ModelSerializer):
    """A definition as it was published; it never changes."""

    user_id = serializers.UUIDField(read_only=True, allow_null=True)
    structured_definition = serializers.DictField(read_only=True)

    class Meta:
        model = WorkflowVersion
        fields = [
            *("id", "number", "structured_definition", "natural_language_description"),
            *("user_id", "created_at", "event_id"),
        ]
        read_only_fields = fields


class WorkflowVersionPage(serializers.Serializer):
    """One page of versions, the oldest first."""

    results = WorkflowVersionOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class DraftProblem(serializers.Serializer):
    """What keeps a draft from being published; the pointer begins at the definition."""

    pointer = serializers.CharField()
    detail = serializers.CharField()


class DraftCheck(serializers.Serializer):
    """What a draft says in English, and what keeps it from being published."""

    sentence = serializers.CharField()
    problems = DraftProblem(many=True)


class PartOutput(serializers.Serializer):
    """A kind of trigger or step."""

    kind = serializers.CharField(help_text="trigger or step")
    type = serializers.CharField()
    label = serializers.CharField()
    icon = serializers.CharField()
    group = serializers.CharField()
    help = serializers.CharField()
    schema = serializers.DictField(help_text="JSON Schema of one such part.")


class Catalogue(serializers.Serializer):
    """All that a definition can be made of."""

    schema = serializers.DictField(help_text="JSON Schema of a whole definition.")
    parts = PartOutput(many=True)


class PointedAt:
    """Context manager: problems of a definition point into the body that it came in."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, Invalid):
            error.problems = [
                problem | {"pointer": f"/structured_definition{problem.get('pointer', '')}"}
                for problem in error.problems
            ]


def with_button(workflows, record_id):
    """Return those of a queryset that have a button for entries of a record; raise a 400."""
    try:
        record = UUID(record_id)
    except ValueError:
        raise KdapError("button is the id of a record.") from None
    return workflows.filter(subscription__trigger="button", subscription__record_id=record)


class Workflows(KdapView):
    """The workflows of a workspace."""

    @extend_schema(
        operation_id="workflows_list",
        parameters=[
            OpenApiParameter("state", enum=Workflow.State.values),
            OpenApiParameter(
                "button",
                OpenApiTypes.UUID,
                description="Only those that are on and have a button for entries of this record.",
            ),
        ],
        responses=WorkflowPage,
    )
    def get(self, request, workspace_id):
        """List the workflows of a workspace, without those in its trash."""
        workspace = find_workspace(request.actor, workspace_id)
        found = Workflow.objects.filter(workspace=workspace, deleted_at=None)
        state = request.query_params.get("state")
        if state is not None:
            if state not in Workflow.State.values:
                raise KdapError(f"state is one of {', '.join(Workflow.State.values)}.")
            found = found.filter(state=state)
        button = request.query_params.get("button")
        if button is not None:
            found = with_button(found, button)
        return page(request, found, WorkflowOutput, also=("state", "button"))

    @extend_schema(
        operation_id="workflows_create", request=WorkflowInput, responses={201: WorkflowOutput}
    )
    def post(self, request, workspace_id):
        """Make a workflow as a draft."""
        workspace = find_workspace(request.actor, workspace_id, "write")
        data = checked(WorkflowInput, request)
        if "sentence" in data:
            workflow = drafted(data, request.actor, workspace=workspace)
            return versioned(request, workflow, WorkflowOutput, status.HTTP_201_CREATED)
        with PointedAt():
            workflow = services.create_workflow(
                workspace=workspace,
                actor=request.actor,
                name=data["name"],
                definition=data.get("structured_definition"),
                sentence=data.get("natural_language_description", ""),
                description=data.get("description", ""),
            )
        return versioned(request, workflow, WorkflowOutput, status.HTTP_201_CREATED)


class OneWorkflow(KdapView):
    """One workflow."""

    @extend_schema(
        operation_id="workflows_read", parameters=[IF_NONE_MATCH], responses=WorkflowOutput
    )
    def get(self, request, workflow_id):
        """Read a workflow with its draft."""
        found = services.find_workflow(request.actor, workflow_id)
        return versioned(request, found, WorkflowOutput)

    @extend_schema(
        operation_id="workflows_change",
        parameters=[IF_MATCH],
        request=WorkflowChange,
        responses=WorkflowOutput,
    )
    def patch(self, request, workflow_id):
        """Change the draft; what runs stays as it was published."""
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        data = checked(WorkflowChange, request)
        demand_version(request, workflow, WorkflowOutput)
        if "sentence" in data:
            changed = drafted(data, request.actor, workflow=workflow)
            return versioned(request, changed, WorkflowOutput)
        with PointedAt():
            changed = services.change_workflow(workflow=workflow, actor=request.actor, **data)
        return versioned(request, changed, WorkflowOutput)

    @extend_schema(operation_id="workflows_delete", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request, workflow_id):
        """Put a workflow in the trash; runs that began go on."""
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        demand_version(request, workflow, WorkflowOutput)
        services.delete_workflow(workflow=workflow, actor=request.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestoreWorkflow(KdapView):
    """A workflow in the trash."""

    @extend_schema(operation_id="workflows_restore", request=None, responses=WorkflowOutput)
    def post(self, request, workflow_id):
        """Take a workflow out of the trash; one that was on is paused."""
        workflow = services.find_workflow(request.actor, workflow_id, "write", trashed=True)
        restored = services.restore_workflow(workflow=workflow, actor=request.actor)
        return versioned(request, restored, WorkflowOutput)


class PublishWorkflow(KdapView):
    """A draft that shall run."""

    @extend_schema(
        operation_id="workflows_publish",
        parameters=[IF_MATCH],
        request=None,
        responses=WorkflowOutput,
    )
    def post(self, request, workflow_id):
        """Make the draft the version that runs, in your name; every problem of it is named."""
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        demand_version(request, workflow, WorkflowOutput)
        services.publish(workflow=workflow, actor=request.actor)
        return versioned(request, workflow, WorkflowOutput)


class PauseWorkflow(KdapView):
    """A workflow that shall start no more runs."""

    @extend_schema(operation_id="workflows_pause", request=PauseInput, responses=WorkflowOutput)
    def post(self, request, workflow_id):
        """Pause a workflow; runs that began go on."""
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        data = checked(PauseInput, request) if request._request.body else {}
        paused = services.pause(workflow=workflow, actor=request.actor, **data)
        return versioned(request, paused, WorkflowOutput)


class ResumeWorkflow(KdapView):
    """A paused workflow that shall go on."""

    @extend_schema(operation_id="workflows_resume", request=None, responses=WorkflowOutput)
    def post(self, request, workflow_id):
        """Switch a paused workflow on again; what happened meanwhile starts nothing."""
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        resumed = services.resume(workflow=workflow, actor=request.actor)
        return versioned(request, resumed, WorkflowOutput)


class DuplicateWorkflow(KdapView):
    """A workflow to be copied."""

    @extend_schema(
        operation_id="workflows_duplicate", request=WorkflowCopy, responses={201: WorkflowOutput}
    )
    def post(self, request, workflow_id):
        """Make a draft like a workflow, in its workspace or another."""
        workflow = services.find_workflow(request.actor, workflow_id)
        data = checked(WorkflowCopy, request) if request._request.body else {}
        target = None
        if "workspace_id" in data:
            target = find_workspace(request.actor, data["workspace_id"], "write")
        copy = portable.duplicate(
            workflow=workflow, actor=request.actor, workspace=target, name=data.get("name", "")
        )
        return versioned(request, copy, WorkflowOutput, status.HTTP_201_CREATED)


class WorkflowVersions(KdapView):
    """The published versions of a workflow."""

    @extend_schema(operation_id="workflows_versions", responses=WorkflowVersionPage)
    def get(self, request, workflow_id):
        """List every version that was published, the oldest first."""
        workflow = services.find_workflow(request.actor, workflow_id)
        return page(request, workflow.versions.all(), WorkflowVersionOutput)


class WorkflowProblems(KdapView):
    """What a draft lacks."""

    @extend_schema(operation_id="workflows_problems", responses=DraftCheck)
    def get(self, request, workflow_id):
        """Say the draft in English, and all that keeps it from being published."""
        known_parameters(request)
        workflow = services.find_workflow(request.actor, workflow_id)
        draft = definitions.parse(workflow.structured_definition)
        said = draft.sentence(Book(workflow.workspace_id))
        problems = definitions.problems_of(draft, workflow.workspace_id, about=workflow.pk)
        return Response({"sentence": said, "problems": problems})


class WorkflowParts(KdapView):
    """What definitions are made of."""

    @extend_schema(operation_id="workflows_catalogue", responses=Catalogue)
    def get(self, request):
        """List every trigger and step with its JSON Schema, and that of whole definitions."""
        known_parameters(request)
        return Response({"schema": definitions.schema(), "parts": definitions.catalogue()})
