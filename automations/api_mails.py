"""The e-mails of workflows in the API."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from automations.mails import STATES, Mail, mails_of
from workspaces.api import find_workspace
from workspaces.errors import KdapError
from workspaces.rest import KdapView, page


class MailFile(serializers.Serializer):
    """A file that was attached; what stood in it is not kept."""

    name = serializers.CharField()
    bytes = serializers.IntegerField()


class MailOutput(serializers.Serializer):
    """An e-mail of a workflow; with `template` it is what the mail was to be made of."""

    id = serializers.IntegerField()
    run_id = serializers.UUIDField(source="row.run_id")
    workflow_id = serializers.UUIDField(source="row.run.workflow_id")
    workflow = serializers.CharField(source="row.run.workflow.name")
    state = serializers.ChoiceField(choices=list(STATES))
    kept_here = serializers.CharField(
        help_text="What became of a mail that never left this machine, empty for any other."
    )
    template = serializers.BooleanField()
    to = serializers.ListField(child=serializers.CharField())
    cc = serializers.ListField(child=serializers.CharField())
    subject = serializers.CharField()
    body = serializers.CharField()
    attachments = MailFile(many=True)
    error = serializers.CharField(source="row.error")
    at = serializers.DateTimeField()

    def to_representation(self, row):
        return super().to_representation(Mail(row))


class MailPage(serializers.Serializer):
    """One page of mails, the newest first."""

    results = MailOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class Mails(KdapView):
    """The e-mails of a workspace's workflows."""

    @extend_schema(
        operation_id="mails_list",
        parameters=[
            OpenApiParameter("state", enum=list(STATES)),
            OpenApiParameter("text", description="In addresses, subject or body."),
        ],
        responses=MailPage,
    )
    def get(self, request, workspace_id):
        """List what workflows sent by e-mail, or would have sent, the newest first."""
        workspace = find_workspace(request.actor, workspace_id)
        text, state = (request.query_params.get(name, "") for name in ("text", "state"))
        if state and state not in STATES:
            raise KdapError(f"state is one of {', '.join(STATES)}.")
        if len(text) > 200 or "\0" in text:
            raise KdapError("text is at most 200 characters.")
        found = mails_of(workspace=workspace, actor=request.actor, text=text, state=state)
        return page(request, found, MailOutput, also=("state", "text"), newest=True)
