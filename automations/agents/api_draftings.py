"""Workflows drafted by models, in the API: ask, read what was drafted, take it or drop it."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from automations import services as workflows
from automations.agents import draftings, services
from automations.agents.drafting_marks import marks_of
from automations.agents.models import AgentDrafting
from automations.definition import said_of
from automations.english import MOST_CHARACTERS
from automations.parts import Book
from workspaces.api import find_workspace
from workspaces.errors import Invalid, Missing
from workspaces.rest import KdapView, Strict, checked, known_parameters, page

CLOSED = ("open", *AgentDrafting.Closed.values)


class DraftingInput(Strict):
    """What a workflow should do, or what should be different in `workflow`, in any words."""

    agent = serializers.UUIDField()
    text = serializers.CharField(max_length=MOST_CHARACTERS)
    workflow = serializers.UUIDField(required=False)


class DraftingTake(Strict):
    """How a draft is taken."""

    name = serializers.CharField(required=False, allow_blank=True, max_length=500)
    accepted = serializers.BooleanField(
        required=False,
        help_text="That somebody looked at what `marks` names; needed if there are any.",
    )
    seen = serializers.CharField(
        required=False,
        max_length=64,
        help_text="`seen` of the drafting that was read; else the draft must be what it was then.",
    )


class DraftMark(serializers.Serializer):
    """Something a draft does that the person's words do not name."""

    words = serializers.CharField()
    detail = serializers.CharField()


class DraftingSummary(serializers.ModelSerializer):
    """A workflow that a model drafts."""

    workspace_id = serializers.UUIDField(read_only=True)
    agent_id = serializers.UUIDField(read_only=True)
    user_id = serializers.UUIDField(read_only=True)
    workflow_id = serializers.UUIDField(read_only=True, allow_null=True)
    closed = serializers.CharField(read_only=True, help_text="taken, discarded, or empty.")

    class Meta:
        model = AgentDrafting
        fields = [
            *("id", "workspace_id", "agent_id", "user_id", "workflow_id", "text", "closed"),
            *("operation_id", "created_at", "closed_at"),
        ]
        read_only_fields = fields


class DraftingOutput(DraftingSummary):
    """A workflow that a model drafts, with what became of it.

    `said` is the draft in English; `question` is what the model wants to know instead; `error` says
    why there is none. `seen` names the draft that the workflow has now.
    """

    status = serializers.ChoiceField(choices=list(draftings.STATES), read_only=True)
    structured_definition = serializers.DictField(allow_null=True, read_only=True)
    title = serializers.CharField(read_only=True)
    said = serializers.CharField(read_only=True)
    marks = DraftMark(many=True, read_only=True)
    question = serializers.CharField(read_only=True)
    error = serializers.CharField(read_only=True)
    seen = serializers.CharField(read_only=True)
    task_id = serializers.UUIDField(read_only=True)
    rounds = serializers.IntegerField(read_only=True)
    tokens = serializers.IntegerField(read_only=True)
    cost = serializers.DecimalField(14, 6, allow_null=True, read_only=True)

    class Meta(DraftingSummary.Meta):
        fields = [
            *DraftingSummary.Meta.fields,
            *("status", "structured_definition", "title", "said", "marks", "question", "error"),
            *("seen", "task_id", "rounds", "tokens", "cost"),
        ]
        read_only_fields = fields


class DraftingPage(serializers.Serializer):
    """One page of draftings, the newest first."""

    results = DraftingSummary(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class TakenDrafting(serializers.Serializer):
    """What a taken draft became: a draft of this workflow."""

    workflow_id = serializers.UUIDField()
    drafting = DraftingOutput()


def told(request, drafting_id):
    """Return a drafting as JSON, with what was drafted."""
    found = draftings.find_drafting(request.actor, drafting_id)
    task, book = draftings.task_of(found), Book(found.workspace_id)
    output = task.task_output if isinstance(task.task_output, dict) else {}
    found.status = draftings.status_of(found, task)
    found.structured_definition = definition = output.get("definition")
    found.title, found.question = output.get("title", ""), output.get("question", "")
    found.said = said_of(definition, book) if definition else ""
    found.marks = marks_of(definition, found.text, book, found.base) if definition else []
    found.error = task.error_message
    found.seen = draftings.seen_of(found.workflow) if found.workflow else ""
    found.task_id, found.rounds = task.pk, task.steps
    found.tokens, found.cost = task.tokens, task.cost
    return DraftingOutput(found).data


class Draftings(KdapView):
    """What models draft, in a workspace."""

    @extend_schema(
        operation_id="draftings_list",
        parameters=[OpenApiParameter("closed", enum=list(CLOSED))],
        responses=DraftingPage,
    )
    def get(self, request, workspace_id):
        """List what models were asked to draft, the newest first."""
        workspace = find_workspace(request.actor, workspace_id)
        found = AgentDrafting.objects.filter(workspace=workspace)
        wanted = request.query_params.get("closed")
        if wanted is not None:
            if wanted not in CLOSED:
                raise Invalid(f"closed is one of {', '.join(CLOSED)}.")
            found = found.filter(closed="" if wanted == "open" else wanted)
        return page(request, found, DraftingSummary, also=("closed",), newest=True)

    @extend_schema(
        operation_id="draftings_start", request=DraftingInput, responses={202: DraftingOutput}
    )
    def post(self, request, workspace_id):
        """Ask an agent's model for a workflow, or a change of one. Nothing is written before it is taken."""
        workspace = find_workspace(request.actor, workspace_id, "write")
        data = checked(DraftingInput, request)
        agent = services.find_agent(request.actor, data["agent"], "write")
        if agent.workspace_id != workspace.pk:
            raise Missing("There is no such agent, or it is not shared with you.")
        workflow = None
        if "workflow" in data:
            workflow = workflows.find_workflow(request.actor, data["workflow"], "write")
        made = draftings.start_drafting(
            agent=agent, actor=request.actor, text=data["text"], workflow=workflow
        )
        return Response(told(request, made.pk), status.HTTP_202_ACCEPTED)


class OneDrafting(KdapView):
    """A workflow that a model drafts."""

    @extend_schema(operation_id="draftings_read", responses=DraftingOutput)
    def get(self, request, drafting_id):
        """Read what a model drafted: the definition, the same in English, what to look at first."""
        known_parameters(request)
        return Response(told(request, drafting_id))


class TakeDrafting(KdapView):
    """A draft that shall be one of a workflow."""

    @extend_schema(operation_id="draftings_take", request=DraftingTake, responses=TakenDrafting)
    def post(self, request, drafting_id):
        """Make a draft the draft of its workflow, or a new workflow; nothing is published."""
        found = draftings.find_drafting(request.actor, drafting_id, "write")
        data = checked(DraftingTake, request)
        made = draftings.take(drafting=found, actor=request.actor, **data)
        return Response({"workflow_id": str(made.pk), "drafting": told(request, drafting_id)})


class DiscardDrafting(KdapView):
    """A drafting that is dropped."""

    @extend_schema(operation_id="draftings_discard", request=None, responses=DraftingOutput)
    def post(self, request, drafting_id):
        """Drop a drafting; a model that is still being asked is not heard."""
        found = draftings.find_drafting(request.actor, drafting_id, "write")
        draftings.discard(drafting=found, actor=request.actor)
        return Response(told(request, drafting_id))
