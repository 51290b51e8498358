"""Versions of workflows in the API: one of them, two side by side; and the figures of their runs."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from automations import differing, services
from automations.api_workflows import WorkflowVersionOutput
from automations.definition import said_of
from automations.figures import DAYS, figures_of
from automations.models import WorkflowRun
from automations.parts import Book
from workspaces.errors import KdapError, Missing
from workspaces.rest import KdapView, known_parameters

DRAFT = "draft"


class WholeVersionOutput(WorkflowVersionOutput):
    """A version with what it says in English, by the names that things have now."""

    sentence = serializers.SerializerMethodField()

    class Meta(WorkflowVersionOutput.Meta):
        fields = [*WorkflowVersionOutput.Meta.fields, "sentence"]
        read_only_fields = fields

    def get_sentence(self, version) -> str:
        return said_of(version.structured_definition, Book(version.workspace_id))


class OptionDifference(serializers.Serializer):
    """An option of a step that differs."""

    name = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class PartDifference(serializers.Serializer):
    """The trigger or a step on both sides, in words."""

    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=["same", "added", "removed", "changed", "moved"])
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField(allow_blank=True)
    depth = serializers.IntegerField(help_text="In how many blocks it stands.")
    options = OptionDifference(many=True)


class VersionDifference(serializers.Serializer):
    """Two definitions side by side, in the order of the newer one."""

    old = serializers.CharField()
    new = serializers.CharField()
    differs = serializers.BooleanField()
    parts = PartDifference(many=True)


class WorkflowFiguresOutput(serializers.Serializer):
    """What the runs of the last days came to; items of loops are counted with their run."""

    days = serializers.IntegerField()
    runs = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())
    failure_rate = serializers.IntegerField(
        allow_null=True, help_text="Per cent of those that succeeded or failed; null for none."
    )


class OneWorkflowVersion(KdapView):
    """One published version."""

    @extend_schema(operation_id="workflows_version", responses=WholeVersionOutput)
    def get(self, request, workflow_id, number):
        """Read a version: its definition, and what that says in English."""
        known_parameters(request)
        workflow = services.find_workflow(request.actor, workflow_id)
        return Response(WholeVersionOutput(_version(workflow, number)).data)


class CompareVersions(KdapView):
    """Two versions of a workflow, or one and the draft."""

    @extend_schema(
        operation_id="workflows_compare",
        parameters=[
            OpenApiParameter("old", description="A version's number; left out, the one that runs."),
            OpenApiParameter("new", description="A version's number, or draft when left out."),
        ],
        responses=VersionDifference,
    )
    def get(self, request, workflow_id):
        """Say what was added, taken away, changed or moved from one version to another."""
        known_parameters(request, "old", "new")
        workflow = services.find_workflow(request.actor, workflow_id)
        if workflow.published is None:
            raise Missing("Nothing of this workflow was published yet.")
        old = request.query_params.get("old", str(workflow.published))
        new = request.query_params.get("new", DRAFT)
        before, after = _side(workflow, old), _side(workflow, new)
        lines = differing.compare(before, after, Book(workflow.workspace_id))
        answer = {
            "old": old,
            "new": new,
            "differs": differing.differs(before, after),
            "parts": [vars(line) | {"options": _options(line)} for line in lines],
        }
        return Response(VersionDifference(answer).data)


class WorkflowFigures(KdapView):
    """How a workflow fares."""

    @extend_schema(operation_id="workflows_figures", responses=WorkflowFiguresOutput)
    def get(self, request, workflow_id):
        """Count the runs of the last days by status, and how many of a hundred failed."""
        known_parameters(request)
        workflow = services.find_workflow(request.actor, workflow_id)
        found = figures_of(workflow.workspace_id, [workflow.pk])[workflow.pk]
        counts = {status: found.counts.get(status, 0) for status in WorkflowRun.Status.values}
        answer = {"days": DAYS, "runs": found.total, "by_status": counts}
        return Response(answer | {"failure_rate": found.rate})


def _version(workflow, number):
    version = workflow.versions.filter(number=number).first()
    if version is None:
        raise Missing("There is no such version.")
    return version


def _side(workflow, name):
    """Return the definition that `name` means: a version's number, or the draft."""
    if name == DRAFT:
        return workflow.structured_definition
    if not (name.isascii() and name.isdigit() and len(name) < 9):
        raise KdapError("old and new are numbers of versions, or draft.")
    return _version(workflow, int(name)).structured_definition


def _options(line):
    return [
        {"name": name, "before": before, "after": after} for name, before, after in line.options
    ]
