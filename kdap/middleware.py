"""What every request may be written in, and what every answer tells the browser to refuse."""

from django.http import JsonResponse

from kdap.pages import show_error
from workspaces.errors import KdapError
from workspaces.middleware import Walls

# Ways of writing text that read any bytes; others fail halfway or are no ways of writing text.
CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1", "windows-1252"}

POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


class ContentSecurityPolicy:
    """Send the policy with every answer that doesn't already bring a stricter one of its own."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class UnknownCharset(KdapError):
    """A request that says to be written in a way that isn't read here."""

    status = 400
    title = "This can’t be read"


class Charsets:
    """Refuse a request that names another charset than these, before anything is read of it.

    Django takes the name for a codec of Python, of which there are some for bytes and for nothing.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.content_params.get("charset", "utf-8").lower() in CHARSETS:
            return self.get_response(request)
        error = UnknownCharset("The charset of a request must be UTF-8.")
        if not request.path.startswith(Walls.UNBOUND):
            return show_error(request, error)
        body = {"title": error.title, "status": error.status, "detail": error.detail}
        return JsonResponse(body, status=error.status, content_type="application/problem+json")
