"""Workspaces, their members and invitations in the API."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from workspaces import access, services
from workspaces.errors import Missing
from workspaces.models import Invitation, Member, Role, Workspace
from workspaces.rest import (
    IF_MATCH,
    IF_NONE_MATCH,
    KdapView,
    Strict,
    checked,
    demand_version,
    page,
    versioned,
)

INVITABLE = Role.choices[1:]


class WorkspaceInput(Strict):
    """What may be said of a workspace."""

    name = serializers.CharField(max_length=500)


class WorkspaceOutput(serializers.ModelSerializer):
    """A workspace as the API shows it; `_version` is its ETag."""

    _version = serializers.IntegerField(source="last_event_version", read_only=True)

    class Meta:
        model = Workspace
        fields = ["id", "_version", "name", "created_at", "updated_at", "deleted_at"]
        read_only_fields = fields


class WorkspacePage(serializers.Serializer):
    """One page of workspaces."""

    results = WorkspaceOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class MemberOutput(serializers.ModelSerializer):
    """A person's place in a workspace; `_version` is its ETag."""

    _version = serializers.IntegerField(source="last_event_version", read_only=True)
    user_id = serializers.UUIDField(read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Member
        fields = ["user_id", "_version", "email", "name", "role", "created_at"]
        read_only_fields = fields


class MemberPage(serializers.Serializer):
    """One page of members."""

    results = MemberOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class RoleInput(Strict):
    """Another role for a member."""

    role = serializers.ChoiceField(choices=Role.choices)


class InvitationInput(Strict):
    """Whom to invite, as what."""

    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=INVITABLE, default=Role.EDITOR)


class InvitationOutput(serializers.ModelSerializer):
    """An invitation that is still open; the link is only in the answer that made it."""

    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "created_at"]
        read_only_fields = fields


class InvitationMade(InvitationOutput):
    """A new invitation with the link that its mail contains."""

    link = serializers.URLField(read_only=True)

    class Meta(InvitationOutput.Meta):
        fields = [*InvitationOutput.Meta.fields, "link"]


class InvitationPage(serializers.Serializer):
    """One page of invitations."""

    results = InvitationOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


def find_workspace(actor, workspace_id, action="read", *, trashed=False):
    """Return the Workspace of that id if `actor` may do `action` there; Missing or Forbidden."""
    access.require(actor, action, workspace_id)
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is None or (workspace.deleted_at and not trashed):
        raise Missing("There is no such workspace here, or it is in the trash.")
    return workspace


def visible(actor):
    """Return the workspaces that `actor` may read, as far as their token reaches."""
    if actor.token is None:
        return Workspace.objects.visible_to(actor.user)
    if "read" not in actor.token.verbs:
        return Workspace.objects.none()
    found = Workspace.objects.visible_to(actor.user)
    only = actor.token.workspaces
    return found if only is None else found.filter(pk__in=only)


class Workspaces(KdapView):
    """All workspaces of the caller."""

    @extend_schema(operation_id="workspaces_list", responses=WorkspacePage)
    def get(self, request):
        """List the workspaces that you are a member of."""
        return page(request, visible(request.actor), WorkspaceOutput)

    @extend_schema(
        operation_id="workspaces_create", request=WorkspaceInput, responses={201: WorkspaceOutput}
    )
    def post(self, request):
        """Make a workspace; you own it."""
        data = checked(WorkspaceInput, request)
        made = services.create_workspace(name=data["name"], actor=request.actor)
        return versioned(request, made, WorkspaceOutput, status.HTTP_201_CREATED)


class OneWorkspace(KdapView):
    """One workspace."""

    @extend_schema(
        operation_id="workspaces_read", parameters=[IF_NONE_MATCH], responses=WorkspaceOutput
    )
    def get(self, request, workspace_id):
        """Read a workspace."""
        return versioned(request, find_workspace(request.actor, workspace_id), WorkspaceOutput)

    @extend_schema(
        operation_id="workspaces_change",
        parameters=[IF_MATCH],
        request=WorkspaceInput,
        responses=WorkspaceOutput,
    )
    def patch(self, request, workspace_id):
        """Rename a workspace; with If-Match only if nobody else changed it or its members."""
        workspace = find_workspace(request.actor, workspace_id, "admin")
        data = checked(WorkspaceInput, request)
        demand_version(request, workspace, WorkspaceOutput)
        changed = services.rename_workspace(
            workspace=workspace, name=data["name"], actor=request.actor
        )
        return versioned(request, changed, WorkspaceOutput)

    @extend_schema(operation_id="workspaces_delete", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request, workspace_id):
        """Put a workspace in the trash; with If-Match only if nobody else changed it."""
        workspace = find_workspace(request.actor, workspace_id, "own")
        demand_version(request, workspace, WorkspaceOutput)
        services.delete_workspace(workspace=workspace, actor=request.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestoreWorkspace(KdapView):
    """A workspace out of the trash."""

    @extend_schema(operation_id="workspaces_restore", request=None, responses=WorkspaceOutput)
    def post(self, request, workspace_id):
        """Take a workspace out of the trash."""
        workspace = find_workspace(request.actor, workspace_id, "own", trashed=True)
        if workspace.deleted_at:
            services.restore_workspace(workspace=workspace, actor=request.actor)
            workspace.refresh_from_db()
        return versioned(request, workspace, WorkspaceOutput)


class Members(KdapView):
    """The members of a workspace."""

    @extend_schema(operation_id="members_list", responses=MemberPage)
    def get(self, request, workspace_id):
        """List the members of a workspace."""
        workspace = find_workspace(request.actor, workspace_id)
        return page(request, workspace.members.select_related("user"), MemberOutput)


class OneMember(KdapView):
    """One member of a workspace, by the id of the user."""

    @extend_schema(operation_id="members_read", parameters=[IF_NONE_MATCH], responses=MemberOutput)
    def get(self, request, workspace_id, user_id):
        """Read a member; with If-None-Match a 304 when it is still the same."""
        return versioned(request, self.find(request, workspace_id, user_id), MemberOutput)

    @extend_schema(
        operation_id="members_change",
        request=RoleInput,
        parameters=[IF_MATCH],
        responses=MemberOutput,
    )
    def patch(self, request, workspace_id, user_id):
        """Give a member another role; with If-Match only if nobody else changed it."""
        member = self.find(request, workspace_id, user_id, "admin")
        data = checked(RoleInput, request)
        demand_version(request, member, MemberOutput, stream_id=member.workspace_id)
        services.change_role(member=member, role=data["role"], actor=request.actor)
        member.refresh_from_db()
        return versioned(request, member, MemberOutput)

    @extend_schema(operation_id="members_remove", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request, workspace_id, user_id):
        """Take a member out of the workspace; everybody may take out themselves."""
        member = self.find(request, workspace_id, user_id)
        token = request.actor.token
        if token and "admin" not in token.verbs:
            access.require(request.actor, "admin", workspace_id)
        demand_version(request, member, MemberOutput, stream_id=member.workspace_id)
        services.remove_member(member=member, actor=request.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def find(self, request, workspace_id, user_id, action="read"):
        """Return the Member, if the caller may do `action` in the workspace."""
        workspace = find_workspace(request.actor, workspace_id, action)
        member = workspace.members.select_related("user", "workspace").filter(user=user_id).first()
        if member is None:
            raise Missing("There is no such member.")
        return member


class Invitations(KdapView):
    """Open invitations to a workspace."""

    @extend_schema(operation_id="invitations_list", responses=InvitationPage)
    def get(self, request, workspace_id):
        """List the invitations that can still be accepted."""
        workspace = find_workspace(request.actor, workspace_id, "admin")
        fresh = workspace.invitations.filter(accepted_at=None, revoked_at=None)
        return page(request, fresh, InvitationOutput)

    @extend_schema(
        operation_id="invitations_create", request=InvitationInput, responses={201: InvitationMade}
    )
    def post(self, request, workspace_id):
        """Invite somebody by e-mail; the answer has the link that the mail has."""
        workspace = find_workspace(request.actor, workspace_id, "admin")
        data = checked(InvitationInput, request)
        invitation, link = services.invite(
            workspace=workspace, email=data["email"], role=data["role"], actor=request.actor
        )
        invitation.link = link
        return Response(InvitationMade(invitation).data, status.HTTP_201_CREATED)


class OneInvitation(KdapView):
    """One open invitation."""

    @extend_schema(operation_id="invitations_revoke", responses={204: None})
    def delete(self, request, workspace_id, invitation_id):
        """Withdraw an invitation."""
        workspace = find_workspace(request.actor, workspace_id, "admin")
        invitation = workspace.invitations.filter(pk=invitation_id).first()
        if invitation is None or not invitation.is_open:
            raise Missing("There is no such open invitation.")
        services.revoke_invitation(invitation=invitation, actor=request.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Anything(KdapView):
    """Every address that is no endpoint."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def http_method_not_allowed(self, request, *args, **kwargs):
        """Whatever the method: there is nothing here."""
        hint = "" if request.path.endswith("/") else " Addresses end with a slash."
        raise Missing(f"There is no such address in the API.{hint}")

    get = post = put = patch = delete = options = http_method_not_allowed
