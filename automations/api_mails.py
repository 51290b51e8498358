"""The e-mails of workflows in the API."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from automations import mailed_files
from automations.mail_views import as_download
from automations.mails import STATES, Mail, Written, mails_of, notices_of
from workspaces.api import find_workspace
from workspaces.errors import KdapError
from workspaces.rest import KdapView, page

MAIL_STATES = list(STATES)


class MailFile(serializers.Serializer):
    """A file that was attached; it is at `mails/<id>/files/<number>/`, counted from 0."""

    name = serializers.CharField()
    bytes = serializers.IntegerField()


class MailOutput(serializers.Serializer):
    """An e-mail of a workflow; with `template` it is what the mail was to be made of."""

    id = serializers.IntegerField()
    run_id = serializers.UUIDField(source="row.run_id")
    workflow_id = serializers.UUIDField(source="row.run.workflow_id")
    workflow = serializers.CharField(source="row.run.workflow.name")
    state = serializers.ChoiceField(choices=MAIL_STATES)
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


class NoticeOutput(serializers.Serializer):
    """An e-mail by which KDAP asked or told somebody: an approval, a failure, a pause."""

    id = serializers.IntegerField(source="row.pk")
    about = serializers.CharField(source="row.about")
    link = serializers.CharField(source="row.link")
    state = serializers.ChoiceField(choices=MAIL_STATES)
    kept_here = serializers.CharField()
    to = serializers.ListField(child=serializers.CharField())
    subject = serializers.CharField()
    body = serializers.CharField(
        help_text="Without the links to answer by, which decide without a token; see approvals."
    )
    attempts = serializers.IntegerField(source="row.attempts")
    error = serializers.CharField()
    at = serializers.DateTimeField()

    def to_representation(self, row):
        return super().to_representation(Written(row, reader=None))


class NoticePage(serializers.Serializer):
    """One page of notices, the newest first."""

    results = NoticeOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class MailPage(serializers.Serializer):
    """One page of mails, the newest first."""

    results = MailOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


FILTERS = [
    OpenApiParameter("state", enum=MAIL_STATES),
    OpenApiParameter("text", description="In addresses, subject or body."),
]


def filters_of(request, workspace_id):
    """Return what `mails_of` and `notices_of` take; raise KdapError for what is none."""
    workspace = find_workspace(request.actor, workspace_id)
    text, state = (request.query_params.get(name, "") for name in ("text", "state"))
    if state and state not in STATES:
        raise KdapError(f"state is one of {', '.join(STATES)}.")
    if len(text) > 200 or "\0" in text:
        raise KdapError("text is at most 200 characters.")
    return {"workspace": workspace, "actor": request.actor, "text": text, "state": state}


class Mails(KdapView):
    """The e-mails of a workspace's workflows."""

    @extend_schema(operation_id="mails_list", parameters=FILTERS, responses=MailPage)
    def get(self, request, workspace_id):
        """List what workflows sent by e-mail, or would have sent, the newest first."""
        found = mails_of(**filters_of(request, workspace_id))
        return page(request, found, MailOutput, also=("state", "text"), newest=True)


class Notices(KdapView):
    """The e-mails to the people behind a workspace's workflows."""

    @extend_schema(operation_id="notices_list", parameters=FILTERS, responses=NoticePage)
    def get(self, request, workspace_id):
        """List what KDAP asked and told people by e-mail, the newest first."""
        found = notices_of(**filters_of(request, workspace_id))
        return page(request, found, NoticeOutput, also=("state", "text"), newest=True)


class MailedFiles(KdapView):
    """A file that a mail had."""

    @extend_schema(
        operation_id="mails_file",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request, mail_id, number):
        """Read a file that was attached to a mail."""
        return as_download(mailed_files.find(request.actor, mail_id, number))
