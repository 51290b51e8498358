"""How every page of a workspace begins: find it, ask whether this person may, remember it."""

from workspaces import access
from workspaces.errors import Missing
from workspaces.models import Workspace

LAST = "workspace"


def enter(request, workspace_id, action="read"):
    """Return the workspace, having set `request.workspace` and `request.role` for the frame.

    `action` is a key of `access.NEEDS`. Raises Missing when it is not there, is in the trash or
    is not shared with this person; Forbidden when the person's role does not reach.
    """
    workspace = Workspace.objects.filter(pk=workspace_id, deleted_at=None).first()
    if workspace is None:
        raise Missing("There is no such workspace, or it is not shared with you.")
    access.require(request.actor, action, workspace)
    request.workspace = workspace
    request.role = access.role_in(request.actor, workspace)
    if request.session.get(LAST) != str(workspace.pk):
        request.session[LAST] = str(workspace.pk)
    return workspace


def last_used(request):
    """Return the workspace this person used last, else their first, else None."""
    mine = Workspace.objects.visible_to(request.user).alphabetical()
    last = request.session.get(LAST)
    return (mine.filter(pk=last).first() if last else None) or mine.first()
