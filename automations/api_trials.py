"""Trying a draft out in the API: what its steps would do, and what they would send."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from automations import services, testing
from workspaces.rest import KdapView, Strict, checked


class TrialInput(Strict):
    """What a trial starts with; all of it may be left out."""

    entry_id = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        help_text="An entry of the trigger's record; the newest when left out.",
    )
    input = serializers.DictField(required=False, help_text="Templates find it in trigger.input.")
    until = serializers.CharField(
        required=False, max_length=40, help_text="The id of the step to end with."
    )
    answer = serializers.ChoiceField(
        choices=["approved", "rejected"],
        required=False,
        help_text="What people who are asked for approval say; approved when left out.",
    )


class TriedStep(serializers.Serializer):
    """One step of a trial, in the order they ran; `path` counts the rounds of loops.

    `output` of a step that acts outside is `would_send` or `would_call`: the address, headers and body
    of a call, whether it would be signed and through which connection; or a whole mail. Beside it is
    what later steps read, as it was in the newest run or empty; `assumed` says which.
    """

    path = serializers.CharField(source="row.path")
    step = serializers.CharField(source="row.step")
    type = serializers.CharField(source="row.type")
    title = serializers.CharField()
    sentence = serializers.CharField(source="said")
    status = serializers.CharField(source="row.status")
    input = serializers.JSONField(source="row.input", allow_null=True)
    output = serializers.JSONField(source="row.output", allow_null=True)
    error = serializers.CharField(source="row.error")


class TrialOutput(serializers.Serializer):
    """What a run of the draft would come to. Nothing of it happened."""

    status = serializers.ChoiceField(
        choices=["succeeded", "waiting", "failed"], help_text="How the run would end."
    )
    error = serializers.CharField(
        help_text="Why it would fail: a secret or connection that is missing, too."
    )
    trigger = serializers.JSONField()
    steps = TriedStep(many=True)


def flat(nodes):
    """Return all nodes of a tree of steps, in the order they ran."""
    found = []
    for node in nodes:
        found.append(node)
        for _, inside in node.groups:
            found += flat(inside)
    return found


class TryWorkflow(KdapView):
    """A draft to be tried."""

    @extend_schema(operation_id="workflows_try", request=TrialInput, responses=TrialOutput)
    def post(self, request, workflow_id):
        """Run the draft on an entry without effect.

        What it does in the data is taken back; what it would send or call is only told. It ends after
        some seconds.
        """
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        data = checked(TrialInput, request) if request._request.body else {}
        step = data.pop("until", "")
        trial = testing.try_out(workflow=workflow, actor=request.actor, step=step, **data)
        status = trial.status if trial.status in ("succeeded", "waiting") else "failed"
        told = {"status": status, "error": trial.error, "trigger": trial.trigger}
        return Response(TrialOutput(told | {"steps": flat(trial.tree)}).data)
