"""Runs of workflows in the API: starting, watching, stopping and repeating them, and answering."""

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from automations import approvals, running, services
from automations.finding import RunFilters, find_runs
from automations.models import WorkflowRun, WorkflowStep
from workspaces.api import find_workspace
from workspaces.errors import KdapError, Missing
from workspaces.rest import KdapView, Strict, checked, known_parameters, page


class RunInput(Strict):
    """What a run by hand starts with."""

    entries = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=running.MOST_PRESSED,
        help_text="Ids of entries of the trigger's record; each makes a run of its own.",
    )
    input = serializers.DictField(required=False, help_text="Templates find it in trigger.input.")


class RetryInput(Strict):
    """How a run that failed is tried again."""

    latest = serializers.BooleanField(
        required=False,
        default=False,
        help_text="By the newest version; a 409 where what was done does not stand there any more.",
    )


class DecideInput(Strict):
    """What became of a step that nobody can tell about."""

    decision = serializers.ChoiceField(choices=["done", "again", "failed"])


class AnswerInput(Strict):
    """What you answer to a question of a run."""

    answer = serializers.ChoiceField(choices=["approved", "rejected"])
    comment = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class StepOutput(serializers.ModelSerializer):
    """One step of a run; `path` counts the rounds of loops: each_order.3.send."""

    input = serializers.JSONField(read_only=True, allow_null=True)
    output = serializers.JSONField(read_only=True, allow_null=True)
    answer = serializers.JSONField(read_only=True, allow_null=True)
    seconds = serializers.FloatField(read_only=True, allow_null=True)

    class Meta:
        model = WorkflowStep
        fields = [
            *("id", "path", "step", "type", "status", "waits_for", "input", "output", "answer"),
            *("error", "attempts", "wake_at", "started_at", "finished_at", "seconds"),
        ]
        read_only_fields = fields


RUN_FIELDS = [
    *("id", "workspace_id", "workflow_id", "workflow", "version", "status", "error_message"),
    *("entry_id", "event_id", "operation_id", "depth", "parent_id", "retry_of_id"),
    *("loop", "position"),
    *("triggered_at", "started_at", "finished_at", "wake_at", "seconds"),
]


class RunOutput(serializers.ModelSerializer):
    """A run: one time that a workflow was executed. Undo what it changed by its operation.

    An item of a loop that does several at once is a run too: its `parent_id` has the `loop` at that
    path, and `position` is the item's place, from 0.
    """

    workspace_id = serializers.UUIDField(read_only=True)
    workflow_id = serializers.UUIDField(read_only=True)
    workflow = serializers.CharField(source="workflow.name", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    parent_id = serializers.UUIDField(read_only=True, allow_null=True)
    retry_of_id = serializers.UUIDField(read_only=True, allow_null=True)
    seconds = serializers.FloatField(read_only=True, allow_null=True)

    class Meta:
        model = WorkflowRun
        fields = RUN_FIELDS
        read_only_fields = fields


class WholeRunOutput(RunOutput):
    """A run with what triggered it, what came out, and its steps."""

    trigger_data = serializers.DictField(read_only=True)
    output_data = serializers.JSONField(read_only=True, allow_null=True)
    steps = StepOutput(many=True, read_only=True)

    class Meta(RunOutput.Meta):
        fields = [*RUN_FIELDS, "trigger_data", "output_data", "steps"]
        read_only_fields = fields


class RunPage(serializers.Serializer):
    """One page of runs, the newest first."""

    results = RunOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class StartedOutput(serializers.Serializer):
    """The runs that were started."""

    results = RunOutput(many=True)


class ApprovalOutput(serializers.Serializer):
    """A question that waits for your answer; its id is that of the step which asks."""

    id = serializers.IntegerField()
    run_id = serializers.UUIDField()
    workflow_id = serializers.UUIDField(source="run.workflow_id")
    workflow = serializers.CharField(source="run.workflow.name")
    question = serializers.CharField(source="input.question")
    asked_at = serializers.DateTimeField(source="started_at")
    until = serializers.DateTimeField(source="wake_at", allow_null=True)


class ApprovalsOutput(serializers.Serializer):
    """Every question that waits for you, the newest first."""

    results = ApprovalOutput(many=True)


def whole(request, run_id, code=200):
    """Answer a run as it is now, with its steps."""
    return Response(WholeRunOutput(running.find_run(request.actor, run_id)).data, code)


class StartWorkflow(KdapView):
    """A workflow to be started by hand."""

    @extend_schema(operation_id="workflows_run", request=RunInput, responses={202: StartedOutput})
    def post(self, request, workflow_id):
        """Start the published version, once or on each of some entries."""
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        data = checked(RunInput, request) if request._request.body else {}
        runs = running.start(workflow=workflow, actor=request.actor, **data)
        return Response({"results": RunOutput(runs, many=True).data}, status.HTTP_202_ACCEPTED)


FILTERS = ("status", "workflow", "entry", "parent", "since", "until", "text")


class Runs(KdapView):
    """The runs of a workspace."""

    @extend_schema(
        operation_id="runs_list",
        parameters=[
            OpenApiParameter("status", description="One or more, apart by commas."),
            OpenApiParameter("workflow", OpenApiTypes.UUID),
            OpenApiParameter("entry", int),
            OpenApiParameter(
                "parent",
                OpenApiTypes.UUID,
                description="What this run caused, items of its loops included, which are left out "
                "otherwise.",
            ),
            OpenApiParameter("since", OpenApiTypes.DATETIME),
            OpenApiParameter("until", OpenApiTypes.DATETIME),
            OpenApiParameter("text", description="In workflow, trigger data or error."),
        ],
        responses=RunPage,
    )
    def get(self, request, workspace_id):
        """List runs, the newest first."""
        workspace = find_workspace(request.actor, workspace_id)
        found = find_runs(workspace.pk, filters_of(request.query_params))
        found = found.defer("trigger_data", "output_data", "variables")
        found = found.defer("workflow__structured_definition", "version__structured_definition")
        return page(request, found, RunOutput, also=FILTERS, newest=True)


class FilterInput(serializers.Serializer):
    """The filters of a list of runs, as parameters."""

    workflow = serializers.UUIDField(required=False)
    parent = serializers.UUIDField(required=False)
    entry = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    text = serializers.CharField(required=False, allow_blank=True, max_length=200)


def filters_of(params):
    """Return the RunFilters in query parameters; raise a 400 that names the wrong one."""
    given = FilterInput(
        data={name: params[name] for name in FilterInput().fields if name in params}
    )
    if not given.is_valid():
        name, details = next(iter(given.errors.items()))
        problems = [{"parameter": name, "detail": str(details[0])}]
        raise KdapError(f"{name}: {details[0]}", problems=problems)
    states = tuple(filter(None, params.get("status", "").split(",")))
    for state in states:
        if state not in WorkflowRun.Status.values:
            raise KdapError(f"status is one of {', '.join(WorkflowRun.Status.values)}.")
    moments = {name: _moment(params, name) for name in ("since", "until")}
    return RunFilters(status=states, **given.validated_data, **moments)


def _moment(params, name):
    text = params.get(name)
    if not text:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or is_naive(moment):
        raise KdapError(f"{name} is a moment with a zone, as 2026-01-31T09:00:00Z.")
    return moment


class OneRun(KdapView):
    """One run."""

    @extend_schema(operation_id="runs_read", responses=WholeRunOutput)
    def get(self, request, run_id):
        """Read a run with its steps."""
        known_parameters(request)
        return whole(request, run_id)


class CancelRun(KdapView):
    """A run that shall end."""

    @extend_schema(operation_id="runs_cancel", request=None, responses=WholeRunOutput)
    def post(self, request, run_id):
        """End a run; what it did stays, and can be undone by its operation."""
        run = running.find_run(request.actor, run_id, "write")
        running.cancel(run=run, actor=request.actor)
        return whole(request, run_id)


class RetryRun(KdapView):
    """A run that failed, to be tried again."""

    @extend_schema(operation_id="runs_retry", request=RetryInput, responses={202: WholeRunOutput})
    def post(self, request, run_id):
        """Go on from the step that failed, by the same version or with `latest` by the newest one."""
        run = running.find_run(request.actor, run_id, "write")
        data = checked(RetryInput, request) if request._request.body else {}
        again = running.retry(run=run, actor=request.actor, **data)
        return whole(request, again.pk, status.HTTP_202_ACCEPTED)


class ReplayRun(KdapView):
    """A run to be made once more."""

    @extend_schema(operation_id="runs_replay", request=None, responses={202: WholeRunOutput})
    def post(self, request, run_id):
        """Start the newest version with the trigger data of an older run."""
        run = running.find_run(request.actor, run_id, "write")
        again = running.replay(run=run, actor=request.actor)
        return whole(request, again.pk, status.HTTP_202_ACCEPTED)


class DecideStep(KdapView):
    """A step of which nobody knows whether it took effect."""

    @extend_schema(operation_id="runs_decide", request=DecideInput, responses=WholeRunOutput)
    def post(self, request, run_id, step_id):
        """Say what became of a step: done, do it again, or failed."""
        run = running.find_run(request.actor, run_id, "write")
        row = run.steps.filter(pk=step_id).first()
        if row is None:
            raise Missing("This run has no such step.")
        data = checked(DecideInput, request)
        running.decide(row=row, decision=data["decision"], actor=request.actor)
        return whole(request, run_id)


class Approvals(KdapView):
    """The questions of runs in a workspace."""

    @extend_schema(operation_id="approvals_read", responses=ApprovalsOutput)
    def get(self, request, workspace_id):
        """List the questions that wait for your answer."""
        known_parameters(request)
        workspace = find_workspace(request.actor, workspace_id)
        waiting = running.waiting_for(request.actor, workspace.pk)
        return Response({"results": ApprovalOutput(waiting, many=True).data})


class OneApproval(KdapView):
    """One question of a run."""

    @extend_schema(operation_id="approvals_answer", request=AnswerInput, responses=WholeRunOutput)
    def post(self, request, step_id):
        """Approve or reject; only who was asked can."""
        row = approvals.find(request.actor, step_id)
        data = checked(AnswerInput, request)
        running.answer(
            row=row,
            given=data["answer"],
            email=request.actor.user.email,
            comment=data.get("comment", ""),
        )
        return whole(request, row.run_id)
