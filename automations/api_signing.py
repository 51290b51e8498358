"""The signing secret of a workflow in the API."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from automations import services, signed_calls
from automations.api_webhooks import told_once
from workspaces.rest import KdapView, Strict, checked, known_parameters


class SigningInput(Strict):
    """A secret that the receiver gave you; left out, a new one is made."""

    secret = serializers.CharField(
        required=False, allow_blank=True, max_length=signed_calls.LONGEST, write_only=True
    )


class SigningOutput(serializers.Serializer):
    """Whether calls can be signed."""

    made_at = serializers.DateTimeField(allow_null=True)
    secret = serializers.CharField(
        allow_null=True, help_text="A secret that was made just now; it is told this once."
    )


class WorkflowSigning(KdapView):
    """What a workflow signs its calls with."""

    @extend_schema(operation_id="workflows_signing", responses=SigningOutput)
    def get(self, request, workflow_id):
        """Read whether there is a secret, and since when; it needs the right to write."""
        known_parameters(request)
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        made_at = signed_calls.made_at(workflow=workflow, actor=request.actor)
        return Response(SigningOutput({"made_at": made_at, "secret": None}).data)

    @extend_schema(
        operation_id="workflows_set_signing",
        request=SigningInput,
        responses={201: SigningOutput},
    )
    def post(self, request, workflow_id):
        """Sign with the secret that is given, or with a new one; the one before holds no more."""
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        data = checked(SigningInput, request) if request._request.body else {}
        secret = signed_calls.set_secret(workflow=workflow, actor=request.actor, **data)
        made_at = signed_calls.made_at(workflow=workflow, actor=request.actor)
        return told_once(SigningOutput({"made_at": made_at, "secret": secret}).data)
