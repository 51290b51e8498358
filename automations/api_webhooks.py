"""Webhooks in the API: the secret address of a workflow."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from automations import services, webhooks
from workspaces.rest import KdapView, known_parameters


class WebhookOutput(serializers.Serializer):
    """The address that starts a workflow, and the last call as a sample."""

    url = serializers.CharField()
    made_at = serializers.DateTimeField()
    sample = serializers.JSONField(allow_null=True)
    secret = serializers.CharField(
        allow_null=True, help_text="What calls are signed with; told once, when it is made."
    )


class WorkflowWebhook(KdapView):
    """The webhook of a workflow."""

    @extend_schema(operation_id="workflows_webhook", responses=WebhookOutput)
    def get(self, request, workflow_id):
        """Read the address, and the sample to map fields with; it needs the right to write."""
        known_parameters(request)
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        found = webhooks.webhook_of(workflow=workflow, actor=request.actor)
        return Response(WebhookOutput(found).data)

    @extend_schema(
        operation_id="workflows_make_webhook", request=None, responses={201: WebhookOutput}
    )
    def post(self, request, workflow_id):
        """Make a new address with a new secret; what there was before works no more."""
        workflow = services.find_workflow(request.actor, workflow_id, "write")
        made = webhooks.make_webhook(workflow=workflow, actor=request.actor)
        return told_once(WebhookOutput(made).data)


def told_once(data):
    """Answer 201 with a secret; the same call repeated gets the answer without it."""
    response = Response(data, status.HTTP_201_CREATED)
    response.kept = data | {"secret": None}
    return response
