"""Filling in fields by agents, in the API: ask, read what is proposed, apply it."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from automations.agents import fillings, services
from automations.agents.models import AgentFilling
from automations.agents.proposals import STATES, field_of, figures_of, proposals_of, status_of
from records.lookup import find_record
from workspaces.rest import KdapView, Strict, checked, known_parameters, page

MOST = fillings.MOST_ENTRIES
PROPOSAL_STATES = list(STATES)
STATUSES = ("running", "ready", "applied", "cancelled")


class FillingInput(Strict):
    """Which agent shall fill in which field of which entries."""

    agent = serializers.UUIDField()
    field = serializers.CharField(max_length=63, help_text="The field's key or id.")
    entries = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        min_length=1,
        max_length=MOST,
    )
    inputs = serializers.ListField(
        child=serializers.CharField(max_length=63),
        required=False,
        max_length=1000,
        help_text="Keys or ids of the fields that it gets; else all others that are not personal.",
    )
    instruction = serializers.CharField(
        required=False, allow_blank=True, max_length=fillings.LONGEST_INSTRUCTION
    )


class FillingChoice(Strict):
    """The entries whose values are applied; without any, all that can be."""

    entries = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=MOST,
    )


class ProposalOutput(serializers.Serializer):
    """What is proposed for one entry."""

    entry_id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=PROPOSAL_STATES)
    value = serializers.JSONField(allow_null=True, help_text="As the agent gave it.")
    was = serializers.JSONField(source="task.entry.was", allow_null=True)
    problem = serializers.CharField(allow_blank=True)
    task_id = serializers.UUIDField(source="task.pk")


class FillingSummary(serializers.ModelSerializer):
    """A field that an agent fills in."""

    workspace_id = serializers.UUIDField(read_only=True)
    agent_id = serializers.UUIDField(read_only=True)
    record_id = serializers.UUIDField(read_only=True)
    user_id = serializers.UUIDField(read_only=True)
    inputs = serializers.ListField(child=serializers.CharField(), read_only=True)
    closed = serializers.CharField(read_only=True, help_text="applied, cancelled, or empty.")

    class Meta:
        model = AgentFilling
        fields = [
            *("id", "workspace_id", "agent_id", "record_id", "user_id", "field_id", "inputs"),
            *("instruction", "closed", "operation_id", "created_at", "closed_at"),
        ]
        read_only_fields = fields


class FillingOutput(FillingSummary):
    """A field that an agent fills in, with what it proposes."""

    status = serializers.ChoiceField(choices=STATUSES, read_only=True)
    tokens = serializers.IntegerField(read_only=True)
    cost = serializers.DecimalField(14, 6, allow_null=True, read_only=True)
    proposals = ProposalOutput(many=True, read_only=True)

    class Meta(FillingSummary.Meta):
        fields = [*FillingSummary.Meta.fields, "status", "tokens", "cost", "proposals"]
        read_only_fields = fields


class FillingPage(serializers.Serializer):
    """One page of fillings, the newest first."""

    results = FillingSummary(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


def told(request, filling_id):
    """Return a filling as JSON, with what is proposed."""
    filling = fillings.find_filling(request.actor, filling_id)
    record = find_record(request.actor, filling.record_id)
    filling.proposals = proposals_of(filling, record) if field_of(filling, record) else []
    figures = figures_of(filling.proposals)
    filling.status = status_of(filling, figures)
    filling.tokens, filling.cost = figures["tokens"], figures["cost"]
    return FillingOutput(filling).data


class Fillings(KdapView):
    """What agents fill in, in a record."""

    @extend_schema(operation_id="agent_fillings_list", responses=FillingPage)
    def get(self, request, record_id):
        """List what agents were asked to fill in, the newest first."""
        record = find_record(request.actor, record_id)
        return page(request, record.fillings.all(), FillingSummary, newest=True)

    @extend_schema(
        operation_id="agent_fillings_start", request=FillingInput, responses={202: FillingOutput}
    )
    def post(self, request, record_id):
        """Ask an agent for a value of a field for each entry. Nothing is written before it is applied."""
        record = find_record(request.actor, record_id, "write")
        data = checked(FillingInput, request)
        agent = services.find_agent(request.actor, data.pop("agent"), "write")
        made = fillings.start_filling(record=record, actor=request.actor, agent=agent, **data)
        return Response(told(request, made.pk), status.HTTP_202_ACCEPTED)


class OneFilling(KdapView):
    """A field that an agent fills in."""

    @extend_schema(operation_id="agent_fillings_read", responses=FillingOutput)
    def get(self, request, filling_id):
        """Read what an agent proposes, and what became of it."""
        known_parameters(request)
        return Response(told(request, filling_id))


class ApplyFilling(KdapView):
    """Proposed values that shall be written."""

    @extend_schema(
        operation_id="agent_fillings_apply", request=FillingChoice, responses=FillingOutput
    )
    def post(self, request, filling_id):
        """Write proposed values as one operation; a cell that changed since keeps its value."""
        found = fillings.find_filling(request.actor, filling_id, "write")
        data = checked(FillingChoice, request)
        fillings.apply(filling=found, actor=request.actor, entries=data.get("entries"))
        return Response(told(request, filling_id))


class StopFilling(KdapView):
    """A filling for which no more is asked."""

    @extend_schema(operation_id="agent_fillings_stop", request=None, responses=FillingOutput)
    def post(self, request, filling_id):
        """Ask for no more values; those that are there can be applied."""
        found = fillings.find_filling(request.actor, filling_id, "write")
        fillings.stop(filling=found, actor=request.actor)
        return Response(told(request, filling_id))


class CancelFilling(KdapView):
    """A filling that is dropped."""

    @extend_schema(operation_id="agent_fillings_cancel", request=None, responses=FillingOutput)
    def post(self, request, filling_id):
        """Drop a filling; nothing of it is written."""
        found = fillings.find_filling(request.actor, filling_id, "write")
        fillings.cancel(filling=found, actor=request.actor)
        return Response(told(request, filling_id))
