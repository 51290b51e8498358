"""Taking back what was done to workspaces and their members."""

from workspaces import services
from workspaces.errors import Conflict, Missing
from workspaces.models import Member, Workspace
from workspaces.operations import undoes


def _workspace(event):
    workspace = Workspace.objects.filter(pk=event.stream_id).first()
    if workspace is None:
        raise Missing("This workspace is not there any more.")
    return workspace


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
        outcome.add(kept=1, examples=[{"detail": "It was renamed again since."}])


@undoes("member.changed")
def role_changed(event, actor, outcome, force):
    """Give a member the old role, unless it was changed again."""
    data = event.payload
    member = Member.objects.filter(workspace=event.stream_id, user=data["user_id"]).first()
    if member is None:
        raise Conflict("This person is no member any more. Invite them again.")
    if member.role == data["role"] or force:
        services.change_role(member=member, role=data["was"], actor=actor)
        outcome.add(1)
    else:
        outcome.add(kept=1, examples=[{"detail": "The role was changed again since."}])
