"""Agents and their tasks in the API."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from automations.agents import providers, services, tasks
from automations.agents.models import Agent, AgentTask
from automations.agents.tools import TOOLS
from workspaces.api import find_workspace
from workspaces.errors import KdapError
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

CONFIG = (
    "temperature, top_p, seed, stop (texts), max_tokens (one answer), most_tokens, most_steps, seconds, most_cost (a task), "
    "writes (never, ask, allowed), records (ids; empty for all), outside (tools of MCP connections: "
    "connection, tool, asks, and the digest of what was allowed, which is set where it is left out)."
)
FORM = "The values that an answer has: name, type, description, choices, required, max_length."


class AgentInput(Strict):
    """A new agent."""

    name = serializers.CharField(max_length=500)
    description = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    prompt = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    provider = serializers.CharField(required=False, max_length=60)
    model = serializers.CharField(required=False, allow_blank=True, max_length=200)
    tools = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    config = serializers.DictField(required=False, help_text=CONFIG)
    status = serializers.ChoiceField(Agent.Status.choices, required=False)


class AgentChange(AgentInput):
    """What may be changed of an agent."""

    name = serializers.CharField(required=False, max_length=500)


class AgentOutput(serializers.ModelSerializer):
    """An agent."""

    workspace_id = serializers.UUIDField(read_only=True)
    owner_id = serializers.UUIDField(read_only=True)
    tools = serializers.ListField(child=serializers.CharField(), read_only=True)
    config = serializers.DictField(read_only=True, help_text=CONFIG)
    _version = serializers.IntegerField(source="last_event_version", read_only=True)

    class Meta:
        model = Agent
        fields = [
            *("id", "_version", "workspace_id", "owner_id", "name", "description", "prompt"),
            *("provider", "model", "tools", "config", "status"),
            *("created_at", "updated_at", "deleted_at"),
        ]
        read_only_fields = fields


class AgentPage(serializers.Serializer):
    """One page of agents."""

    results = AgentOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class AgentTaskInput(Strict):
    """Something for an agent to do."""

    input = serializers.JSONField(help_text="What it is about: data, never an instruction.")
    name = serializers.CharField(required=False, allow_blank=True, max_length=255)
    form = serializers.ListField(
        child=serializers.DictField(), required=False, max_length=100, help_text=FORM
    )
    priority = serializers.IntegerField(required=False, min_value=1, max_value=3)


class AgentTaskAnswer(Strict):
    """What a person says to what an agent wants to write."""

    answer = serializers.ChoiceField(["approved", "rejected"])
    seen = serializers.CharField(max_length=64, help_text="`seen` of the task that was looked at.")
    comment = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class AgentTaskOutput(serializers.ModelSerializer):
    """A task, and how far it came.

    `calls` are the tools that wait to be allowed; `seen` names them, for the answer.
    """

    agent_id = serializers.UUIDField(read_only=True)
    user_id = serializers.UUIDField(read_only=True)
    run_id = serializers.UUIDField(read_only=True, allow_null=True)
    filling_id = serializers.UUIDField(read_only=True, allow_null=True)
    drafting_id = serializers.UUIDField(read_only=True, allow_null=True)
    task_input = serializers.JSONField(read_only=True)
    task_form = serializers.ListField(child=serializers.DictField(), read_only=True)
    task_output = serializers.JSONField(read_only=True, allow_null=True)
    calls = serializers.ListField(child=serializers.DictField(), read_only=True)
    seen = serializers.CharField(read_only=True)

    class Meta:
        model = AgentTask
        fields = [
            *("id", "agent_id", "user_id", "run_id", "filling_id", "drafting_id", "task_name"),
            *("task_input", "task_form", "task_output", "status", "priority", "error_message"),
            *("provider", "model"),
            *("input_tokens", "output_tokens", "cost", "duration", "steps", "writes", "calls"),
            *("seen", "operation_id", "created_at", "started_at", "completed_at"),
        ]
        read_only_fields = fields


class AgentTaskPage(serializers.Serializer):
    """One page of tasks, the newest first."""

    results = AgentTaskOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class ModelProviderOutput(serializers.Serializer):
    """Models that can be asked."""

    name = serializers.CharField(help_text="What an agent has as its `provider`.")
    label = serializers.CharField()
    models = serializers.ListField(child=serializers.CharField())
    note = serializers.CharField(allow_blank=True)


class AgentToolOutput(serializers.Serializer):
    """A tool that agents can be given."""

    name = serializers.CharField()
    label = serializers.CharField()
    writes = serializers.BooleanField()
    schema = serializers.DictField(help_text="JSON Schema of its arguments.")


class AgentParts(serializers.Serializer):
    """All that an agent can be made of."""

    providers = ModelProviderOutput(many=True)
    tools = AgentToolOutput(many=True)


class Parts(KdapView):
    """What agents are made of."""

    @extend_schema(operation_id="agents_catalogue", responses=AgentParts)
    def get(self, request):
        """List the models and tools that this server offers."""
        known_parameters(request)
        return Response(_parts())


class WorkspaceParts(KdapView):
    """What agents of a workspace are made of."""

    @extend_schema(operation_id="workspace_agents_catalogue", responses=AgentParts)
    def get(self, request, workspace_id):
        """List the models and tools for agents of a workspace, those of its connections too."""
        known_parameters(request)
        return Response(_parts(find_workspace(request.actor, workspace_id).pk))


def _parts(workspace_id=None):
    tools = [
        {
            "name": name,
            "label": kind.label,
            "writes": kind.writes,
            "schema": kind.model_json_schema(),
        }
        for name, kind in TOOLS.items()
    ]
    found = providers.offered(workspace_id).values()
    return AgentParts({"providers": list(found), "tools": tools}).data


class Agents(KdapView):
    """The agents of a workspace."""

    @extend_schema(operation_id="agents_list", responses=AgentPage)
    def get(self, request, workspace_id):
        """List the agents of a workspace, without those that were deleted."""
        workspace = find_workspace(request.actor, workspace_id)
        return page(request, workspace.agents.filter(deleted_at=None), AgentOutput)

    @extend_schema(operation_id="agents_create", request=AgentInput, responses={201: AgentOutput})
    def post(self, request, workspace_id):
        """Make an agent."""
        workspace = find_workspace(request.actor, workspace_id, "write")
        data = checked(AgentInput, request)
        made = services.create_agent(workspace=workspace, actor=request.actor, **data)
        return versioned(request, made, AgentOutput, status.HTTP_201_CREATED)


class OneAgent(KdapView):
    """One agent."""

    @extend_schema(operation_id="agents_read", parameters=[IF_NONE_MATCH], responses=AgentOutput)
    def get(self, request, agent_id):
        """Read an agent."""
        return versioned(request, services.find_agent(request.actor, agent_id), AgentOutput)

    @extend_schema(
        operation_id="agents_change",
        parameters=[IF_MATCH],
        request=AgentChange,
        responses=AgentOutput,
    )
    def patch(self, request, agent_id):
        """Change an agent; `config` is replaced as a whole."""
        agent = services.find_agent(request.actor, agent_id, "write")
        data = checked(AgentChange, request)
        demand_version(request, agent, AgentOutput)
        changed = services.change_agent(agent=agent, actor=request.actor, **data)
        return versioned(request, changed, AgentOutput)

    @extend_schema(operation_id="agents_delete", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request, agent_id):
        """Delete an agent; its tasks stay to be read."""
        agent = services.find_agent(request.actor, agent_id, "write")
        demand_version(request, agent, AgentOutput)
        services.delete_agent(agent=agent, actor=request.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestoreAgent(KdapView):
    """An agent that was deleted."""

    @extend_schema(operation_id="agents_restore", request=None, responses=AgentOutput)
    def post(self, request, agent_id):
        """Bring an agent back."""
        agent = services.find_agent(request.actor, agent_id, "write", trashed=True)
        restored = services.restore_agent(agent=agent, actor=request.actor)
        return versioned(request, restored, AgentOutput)


class AgentTasks(KdapView):
    """The tasks of an agent."""

    @extend_schema(
        operation_id="agent_tasks_list",
        parameters=[OpenApiParameter("status", enum=AgentTask.Status.values)],
        responses=AgentTaskPage,
    )
    def get(self, request, agent_id):
        """List what an agent was asked, the newest first."""
        agent = services.find_agent(request.actor, agent_id)
        found = agent.tasks.defer("messages", "results")
        wanted = request.query_params.get("status")
        if wanted is not None:
            if wanted not in AgentTask.Status.values:
                raise KdapError(f"status is one of {', '.join(AgentTask.Status.values)}.")
            found = found.filter(status=wanted)
        return page(request, found, AgentTaskOutput, also=("status",), newest=True)

    @extend_schema(
        operation_id="agent_tasks_give", request=AgentTaskInput, responses={202: AgentTaskOutput}
    )
    def post(self, request, agent_id):
        """Give an agent a task; ask for the task itself to see how far it is."""
        agent = services.find_agent(request.actor, agent_id, "write")
        data = checked(AgentTaskInput, request)
        given = tasks.give_task(agent=agent, actor=request.actor, **data)
        return Response(AgentTaskOutput(given).data, status.HTTP_202_ACCEPTED)


class OneTask(KdapView):
    """One task of an agent."""

    @extend_schema(operation_id="agent_tasks_read", responses=AgentTaskOutput)
    def get(self, request, task_id):
        """Read a task with its answer."""
        known_parameters(request)
        return Response(AgentTaskOutput(tasks.find_task(request.actor, task_id)).data)


class DecideTask(KdapView):
    """A task that waits to be allowed to write."""

    @extend_schema(
        operation_id="agent_tasks_decide", request=AgentTaskAnswer, responses=AgentTaskOutput
    )
    def post(self, request, task_id):
        """Allow or refuse what an agent wants to write."""
        task = tasks.find_task(request.actor, task_id, "write")
        data = checked(AgentTaskAnswer, request)
        tasks.decide(
            task=task,
            actor=request.actor,
            given=data["answer"],
            seen=data["seen"],
            comment=data.get("comment", ""),
        )
        return Response(AgentTaskOutput(tasks.find_task(request.actor, task_id)).data)


class CancelTask(KdapView):
    """A task that shall end."""

    @extend_schema(operation_id="agent_tasks_cancel", request=None, responses=AgentTaskOutput)
    def post(self, request, task_id):
        """End a task; what it wrote stays, and can be undone by its operation."""
        task = tasks.find_task(request.actor, task_id, "write")
        tasks.cancel(task=task, actor=request.actor)
        return Response(AgentTaskOutput(tasks.find_task(request.actor, task_id)).data)
