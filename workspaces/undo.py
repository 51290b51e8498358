"""Taking back what was done to workspaces and their members."""

from workspaces import services
from workspaces.errors import Conflict, Missing
from workspaces.models import Invitation, Member, Workspace
from workspaces.operations import undoes


def _workspace(event):
    workspace = Workspace.objects.filter(pk=event.stream_id).first()
    if workspace is None:
        raise Missing("This workspace is not there any more.")
    return workspace


def _keep(outcome, detail):
    outcome.add(kept=1, examples=[{"detail": detail}])


@undoes("workspace.created", "workspace.restored")
def to_trash(event, actor, outcome, force):
    """Put the workspace in the trash (again)."""
    workspace = _workspace(event)
    if workspace.deleted_at is None:
        services.delete_workspace(workspace=workspace, actor=actor)
        outcome.add(1)


@undoes("workspace.deleted")
def from_trash(event, actor, outcome, force):
    """Take the workspace out of the trash."""
    workspace = _workspace(event)
    if workspace.deleted_at is not None:
        services.restore_workspace(workspace=workspace, actor=actor)
        outcome.add(1)


@undoes("workspace.renamed")
def renamed(event, actor, outcome, force):
    """Give the workspace its old name, unless it was renamed again."""
    workspace = _workspace(event)
    if workspace.name == event.payload["name"] or force:
        services.rename_workspace(workspace=workspace, name=event.payload["was"], actor=actor)
        outcome.add(1)
    else:
        _keep(outcome, "It was renamed again since.")


def _member(event):
    members = Member.objects.select_related("workspace", "user")
    return members.filter(workspace=event.stream_id, user=event.payload["user_id"]).first()


@undoes("member.changed")
def role_changed(event, actor, outcome, force):
    """Give a member the old role, unless it was changed again."""
    data, member = event.payload, _member(event)
    if member is None:
        raise Conflict("This person is no member any more. Invite them again.")
    if member.role == data["role"] or force:
        services.change_role(member=member, role=data["was"], actor=actor)
        outcome.add(1)
    else:
        _keep(outcome, "The role was changed again since.")


@undoes("member.added")
def added(event, actor, outcome, force):
    """Take a new member out again, unless the role was changed since."""
    member = _member(event)
    if member is None:
        return
    if member.user_id == actor.user_id:
        raise Conflict(
            "This would take you out of the workspace. You can leave it on its members page."
        )
    if member.role == event.payload["role"] or force:
        services.remove_member(member=member, actor=actor)
        outcome.add(1)
    else:
        _keep(outcome, f"The role of {member.user} was changed since.")


@undoes("member.removed")
def removed(event, actor, outcome, force):
    """Make a person a member again, who was taken out by somebody else."""
    data, member = event.payload, _member(event)
    if member is None:
        if str(event.user_id) == data["user_id"]:
            raise Conflict("They left by themselves. Invite them again.")
        services.add_member(
            workspace=_workspace(event), user_id=data["user_id"], role=data["role"], actor=actor
        )
        outcome.add(1)
    elif member.role != data["role"]:
        _keep(outcome, f"{member.user} is a member again, in another role.")


def _invitation(event):
    """Return the Invitation of an event; older events name only the address."""
    found = Invitation.objects.filter(workspace=event.stream_id, email=event.payload["email"])
    if id := event.payload.get("invitation_id"):
        found = found.filter(pk=id)
    return found.select_related("workspace").order_by("created_at").last()


@undoes("member.invited")
def invited(event, actor, outcome, force):
    """Withdraw an invitation, unless it was accepted."""
    invitation = _invitation(event)
    if invitation is not None and invitation.accepted_at:
        _keep(outcome, f"{invitation.email} accepted the invitation. Take them out instead.")
    elif invitation is not None and invitation.is_open:
        services.revoke_invitation(invitation=invitation, actor=actor)
        outcome.add(1)


@undoes("member.uninvited")
def uninvited(event, actor, outcome, force):
    """Let a withdrawn invitation be accepted again."""
    invitation = _invitation(event)
    if invitation is None:
        raise Missing("This invitation is not there any more.")
    if not invitation.is_open:
        services.reopen_invitation(invitation=invitation, actor=actor)
        outcome.add(1)
