"""What every page's frame shows: the workspace, its neighbours and its records."""

from django.utils.functional import SimpleLazyObject

from workspaces.access import allows, role_in
from workspaces.models import Workspace


class Shell:
    """The frame around a page; asks the database only for what the page shows."""

    def __init__(self, request):
        self.request = request
        self.workspace = getattr(request, "workspace", None)

    @property
    def role(self):
        """The visitor's role in the workspace, or None."""
        if self.workspace is None:
            return None
        return getattr(self.request, "role", None) or role_in(self.request.actor, self.workspace)

    @property
    def designs(self):
        """Whether the visitor may make records here."""
        return bool(self.workspace) and allows(self.request.actor, "structure", self.workspace)

    @property
    def workspaces(self):
        """Every workspace that the visitor can switch to."""
        return list(Workspace.objects.visible_to(self.request.user).alphabetical())

    @property
    def records(self):
        """The records of the workspace, in the order people gave them."""
        if self.workspace is None:
            return []
        return list(self.workspace.records.filter(deleted_at=None).order_by("position", "id"))


def shell(request):
    """Template context: `shell` for signed-in visitors."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not hasattr(request, "actor"):
        return {}
    return {"shell": SimpleLazyObject(lambda: Shell(request))}
