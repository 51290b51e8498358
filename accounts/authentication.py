"""API tokens as a way to sign in to the API."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import ApiToken


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer kdap_…` gives `request.user` and, as `request.auth`, the token."""

    def authenticate(self, request):
        """Return (user, token); None when the request brings no bearer token."""
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        token = ApiToken.objects.find(secret.strip().decode("latin-1"))
        if token is None:
            raise AuthenticationFailed("This API token is not known. Was it copied completely?")
        if token.refusal:
            raise AuthenticationFailed(token.refusal)
        token.note_use()
        return token.user, token

    def authenticate_header(self, request):
        """Return the WWW-Authenticate header, which turns a refusal into a 401."""
        return 'Bearer realm="KDAP API"'


class TokenScheme(OpenApiAuthenticationExtension):
    """How the published API schema describes the tokens."""

    target_class = TokenAuthentication
    name = "ApiToken"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "bearerFormat": "kdap_…"}
