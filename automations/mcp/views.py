"""The address of the MCP server: streamable HTTP with an API token, one JSON answer a call."""

from urllib.parse import urlsplit

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from accounts.authentication import TokenAuthentication
from automations.mcp import protocol
from automations.mcp.tools import Tools
from workspaces.rest import KdapView, body_of

# Not about a message but about who calls, how, and how often.
OF_HTTP = (401, 403, 405, 429)


class Mcp(KdapView):
    """One message of a client and its answer, in one transaction as one operation.

    Cookies mean nothing here, so no page of another site can call in a visitor's name. There is
    no session and nothing is pushed: GET and DELETE are answered 405, as the protocol has it.
    """

    door = "mcp"
    authentication_classes = [TokenAuthentication]
    schema = None  # docs/mcp.md; it describes itself to its clients
    message = protocol.Message(method="")

    def initial(self, request, *args, **kwargs):
        """Refuse pages of other sites before anything else (DNS rebinding)."""
        origin = request.headers.get("Origin")
        if origin and host_of(origin) not in our_hosts(request):
            self.permission_denied(request, "Pages of other sites can't call this.")
        super().initial(request, *args, **kwargs)

    def post(self, request):
        """Answer one message; a notification is only taken notice of."""
        try:
            self.message = protocol.read(body_of(request))
            protocol.check_headers(self.message, request.headers)
            if self.message.id is None:
                return Response(status=status.HTTP_202_ACCEPTED)
            result = protocol.result_of(self.message, Tools(request.actor))
        except protocol.Refused as error:
            return Response(protocol.failure(self.message.id, error), self.status_of(error))
        return Response(protocol.answer(self.message.id, result))

    def handle_exception(self, exc):
        """Answer what went wrong inside a message as the protocol has it, in the same words."""
        response = super().handle_exception(exc)
        if response.status_code in OF_HTTP:
            return response
        unread = isinstance(exc, ParseError)
        code = protocol.PARSE_ERROR if unread else protocol.INTERNAL_ERROR
        told = protocol.failure(self.message.id, protocol.Refused(code, response.data["detail"]))
        return Response(told, response.status_code, content_type="application/json")

    def status_of(self, error):
        """Return the HTTP status of an error; those who greet expect 200 once a message was read."""
        greeted = self.message.method and not self.message.named
        if greeted and error.code != protocol.UNSUPPORTED_VERSION:
            return 200
        return 404 if error.code == protocol.METHOD_NOT_FOUND else 400


def host_of(origin):
    """Return the host that an Origin names, None for one that names none."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def our_hosts(request):
    """Return the names under which pages of ours are served."""
    return {
        request.get_host(),
        urlsplit(settings.SITE_URL).netloc,
        *(urlsplit(origin).netloc for origin in settings.CSRF_TRUSTED_ORIGINS),
    }
