"""Connections in the API; a secret goes in and never comes out."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from automations.integrations import services
from automations.integrations.kinds import KINDS, config_of
from automations.integrations.signing_in import is_signed_in
from automations.models import Integration
from workspaces.api import find_workspace
from workspaces.errors import KdapError
from workspaces.rest import (
    IF_MATCH,
    KdapView,
    Strict,
    checked,
    demand_version,
    etag,
    page,
    versioned,
)

CONFIG = "What its kind needs: docs/mcp.md lists it."


class IntegrationInput(Strict):
    """A new connection."""

    server_name = serializers.CharField(max_length=500)
    kind = serializers.ChoiceField(choices=list(KINDS))
    config = serializers.DictField(help_text=CONFIG)
    secret = serializers.CharField(
        required=False, allow_blank=True, write_only=True, max_length=10_000
    )


class IntegrationChange(Strict):
    """What may be changed of a connection."""

    server_name = serializers.CharField(required=False, max_length=500)
    config = serializers.DictField(required=False, help_text=CONFIG)


class IntegrationSecret(Strict):
    """A secret; empty to take it away."""

    secret = serializers.CharField(allow_blank=True, write_only=True, max_length=10_000)


class ToolOutput(serializers.Serializer):
    """A tool as its MCP server describes it: text by others."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    schema = serializers.DictField()
    hints = serializers.DictField(
        child=serializers.BooleanField(),
        required=False,
        help_text="What its server promises: read_only, idempotent.",
    )


class IntegrationOutput(serializers.ModelSerializer):
    """A connection. `works` is null until a worker looked; `said` is what it found in words."""

    workspace_id = serializers.UUIDField(read_only=True)
    owner_id = serializers.UUIDField(read_only=True)
    config = serializers.DictField(read_only=True, help_text=CONFIG)
    has_secret = serializers.BooleanField(read_only=True)
    signed_in = serializers.SerializerMethodField(
        help_text="Whether somebody signed in on its page; null where nobody needs to."
    )
    tools = ToolOutput(many=True, read_only=True)
    _version = serializers.IntegerField(source="last_event_version", read_only=True)

    class Meta:
        model = Integration
        fields = [
            *("id", "_version", "workspace_id", "owner_id", "server_name", "kind", "config"),
            *("has_secret", "signed_in", "works", "said", "asked_at", "looked_at", "tools"),
            *("created_at", "updated_at", "deleted_at"),
        ]
        read_only_fields = fields

    def get_signed_in(self, found) -> bool | None:
        try:
            config = config_of(found.kind, found.config)
        except KdapError:  # its server is not allowed any more
            return None
        if getattr(config, "auth", "") != "oauth2_code":
            return None
        try:
            return is_signed_in(found, config)
        except KdapError:  # its tokens can't be opened
            return False


class IntegrationRow(IntegrationOutput):
    """A connection in a list: its tools are only counted there."""

    tools = None
    tool_count = serializers.IntegerField(read_only=True)

    class Meta(IntegrationOutput.Meta):
        fields = [{"tools": "tool_count"}.get(name, name) for name in IntegrationOutput.Meta.fields]
        read_only_fields = fields


class IntegrationPage(serializers.Serializer):
    """One page of connections."""

    results = IntegrationRow(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class Integrations(KdapView):
    """The connections of a workspace."""

    @extend_schema(operation_id="integrations_list", responses=IntegrationPage)
    def get(self, request, workspace_id):
        """List the connections of a workspace."""
        workspace = find_workspace(request.actor, workspace_id)
        return page(request, services.listed(workspace.pk), IntegrationRow)

    @extend_schema(
        operation_id="integrations_create",
        request=IntegrationInput,
        responses={201: IntegrationOutput},
    )
    def post(self, request, workspace_id):
        """Make a connection."""
        workspace = find_workspace(request.actor, workspace_id, "write")
        data = checked(IntegrationInput, request)
        made = services.create_integration(workspace=workspace, actor=request.actor, **data)
        return versioned(request, made, IntegrationOutput, status.HTTP_201_CREATED)


class OneIntegration(KdapView):
    """One connection."""

    @extend_schema(operation_id="integrations_read", responses=IntegrationOutput)
    def get(self, request, integration_id):
        """Read a connection, without its secret."""
        found = services.find_integration(request.actor, integration_id)
        # Never a 304: what a worker found changes without a new version.
        return Response(
            IntegrationOutput(found).data, headers={"ETag": etag(found.last_event_version)}
        )

    @extend_schema(
        operation_id="integrations_change",
        parameters=[IF_MATCH],
        request=IntegrationChange,
        responses=IntegrationOutput,
    )
    def patch(self, request, integration_id):
        """Change its name or configuration. With another host the secret has to be given again."""
        found = services.find_integration(request.actor, integration_id, "write")
        data = checked(IntegrationChange, request)
        demand_version(request, found, IntegrationOutput)
        changed = services.change_integration(integration=found, actor=request.actor, **data)
        return versioned(request, changed, IntegrationOutput)

    @extend_schema(operation_id="integrations_delete", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request, integration_id):
        """Delete a connection; undo brings it back."""
        found = services.find_integration(request.actor, integration_id, "write")
        demand_version(request, found, IntegrationOutput)
        services.delete_integration(integration=found, actor=request.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestoreIntegration(KdapView):
    """A connection that was deleted."""

    @extend_schema(operation_id="integrations_restore", request=None, responses=IntegrationOutput)
    def post(self, request, integration_id):
        """Take back that a connection was deleted."""
        found = services.find_integration(request.actor, integration_id, "write", trashed=True)
        restored = services.restore_integration(integration=found, actor=request.actor)
        return versioned(request, restored, IntegrationOutput)


class SecretOfIntegration(KdapView):
    """The secret of a connection, to be written only."""

    @extend_schema(
        operation_id="integrations_set_secret",
        request=IntegrationSecret,
        responses=IntegrationOutput,
    )
    def put(self, request, integration_id):
        """Give it a secret for the hosts it has now; the one before is gone."""
        found = services.find_integration(request.actor, integration_id, "write")
        secret = checked(IntegrationSecret, request)["secret"]
        changed = services.set_secret(integration=found, secret=secret, actor=request.actor)
        return versioned(request, changed, IntegrationOutput)


class TestIntegration(KdapView):
    """A look whether a connection works."""

    @extend_schema(
        operation_id="integrations_test", request=None, responses={202: IntegrationOutput}
    )
    def post(self, request, integration_id):
        """Have a worker look; `looked_at`, `works`, `said` and `tools` tell what it found."""
        found = services.find_integration(request.actor, integration_id, "write")
        asked = services.ask_to_look(integration=found, actor=request.actor)
        return Response(IntegrationOutput(asked).data, status.HTTP_202_ACCEPTED)
