"""Binds the person behind each request to its transaction."""

from django.db import transaction

from workspaces.access import Actor, acting_as
from workspaces.errors import in_words


class Walls:
    """Run each view in one transaction in which the database knows who asks.

    A view that fails, by exception or with a 5xx, leaves nothing behind. The API and the MCP server
    bind their actor themselves (workspaces/rest.py): a token is known only inside the view, and
    binding twice would cost every call four more trips to the database. So do calls of webhooks,
    which may wait for a result and hold no transaction meanwhile.
    """

    UNBOUND = ("/api/v1/", "/hooks/", "/calls/", "/mcp")

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path.startswith(self.UNBOUND):
            return self.get_response(request)
        user = request.user if request.user.is_authenticated else None
        door = "admin" if request.path.startswith("/admin/") else "browser"
        request.actor = Actor(
            user=user,
            everything=bool(door == "admin" and user and user.is_active and user.is_staff),
            ip=request.META.get("REMOTE_ADDR") or None,
            cause={"door": door},
        )
        with acting_as(request.actor):
            response = self.get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response

    def process_exception(self, request, exception):
        """Undo what the view wrote; show our own errors as a page or a sentence."""
        if transaction.get_connection().in_atomic_block:
            transaction.set_rollback(True)
        if error := in_words(exception):
            from kdap.pages import show_error

            return show_error(request, error)
        return None
