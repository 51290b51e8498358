"""Saying who calls, over HTTP: the headers of a connection.

Tokens of OAuth 2 by client credentials are kept in this process for as long as they hold, by the
secret they were got with, so that a new secret gets a new one; those that a person signed in for are
kept with the connection (signing_in.py).
"""

import base64
import hashlib
import time
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from automations import outbound
from automations.integrations.hiding import unreadable
from automations.walls import Refused, Unreachable

SECONDS = 15.0
MARGIN = 30.0
MOST_KEPT = 1000
PASSING = (408, 425, 429)  # statuses that say nothing of what was asked; so do those from 500
_tokens = {}


@dataclass(frozen=True)
class Got:
    """Tokens as a server gave them; `seconds` is how long the access token holds, None if unsaid."""

    access: str
    refresh: str = ""
    seconds: float | None = None


class NotGranted(Refused):
    """The token server does not take the code or refresh token that it was given."""


def headers_for(integration, config, secret, seconds=SECONDS):
    """Return the headers by which a connection over HTTP says who calls; raise CallFailed, Conflict.

    `seconds` is how long getting a token may take.
    """
    if config.auth == "bearer":
        return {"Authorization": f"Bearer {secret}"}
    if config.auth == "api_key":
        return {config.header: secret}
    if config.auth == "oauth2":
        return {"Authorization": f"Bearer {token_for(config, secret, seconds)}"}
    if config.auth == "oauth2_code":
        token = signing_in().token_for(integration, config, secret, seconds)
        return {"Authorization": f"Bearer {token}"}
    return {}


def signing_in():
    """Return the module of what people sign in for, which asks for its tokens here."""
    from automations.integrations import signing_in

    return signing_in


def token_for(config, secret, seconds=SECONDS):
    """Return an access token by client credentials (RFC 6749, 4.4)."""
    place = _place(config, secret)
    token, until = _tokens.get(place, ("", 0))
    if time.monotonic() < until:
        return token
    asked = {"grant_type": "client_credentials"} | ({"scope": config.scope} if config.scope else {})
    got = ask(config, secret, asked, min(SECONDS, seconds))
    if len(_tokens) >= MOST_KEPT:
        _tokens.clear()
    _tokens[place] = (got.access, time.monotonic() + max(0, (got.seconds or 300) - MARGIN))
    return got.access


def renews(integration, config, secret, headers, seconds=SECONDS):
    """Forget the token in `headers`, which the server does not take any more; return whether another
    one can be got for it. Raises Unreachable when that is not known within `seconds`.
    """
    if config.auth == "oauth2":
        _tokens.pop(_place(config, secret), None)
        return True
    if config.auth == "oauth2_code":
        token = headers["Authorization"].removeprefix("Bearer ")
        return signing_in().forget(integration, config, token, seconds)
    return False


def _place(config, secret):
    told = "\n".join([config.token_url, config.client_id, config.scope, secret])
    return hashlib.sha256(told.encode()).digest()


def ask(config, secret, asked, timeout):
    """Return what a token address gives for a grant (a dict of the form's fields), as Got.

    Raises Unreachable when it is worth asking again later, Refused when not, of which NotGranted
    says that the code or token in `asked` is worth nothing any more.
    """
    both = f"{quote(config.client_id, safe='')}:{quote(secret, safe='')}"
    basic = base64.b64encode(both.encode()).decode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if config.client == "public":
        asked = asked | {"client_id": config.client_id}  # RFC 6749, 3.2.1
    else:
        headers["Authorization"] = f"Basic {basic}"
    try:
        answer = outbound.send(
            "POST", config.token_url, headers=headers, body=urlencode(asked), timeout=timeout
        )
    except (Refused, Unreachable) as error:
        error.perhaps_arrived = False  # nothing was asked of the server itself
        error.detail = f"No token: {error.detail}"
        raise
    found = answer.json if isinstance(answer.json, dict) else {}
    token, refresh = found.get("access_token"), found.get("refresh_token") or ""
    if not answer.ok or not (_is_token(token) and _is_token(refresh)) or not token:
        said = unreadable(str(found.get("error", "")), {secret, basic})[:100]
        told = f": {said}" if said else ""
        detail = f"{config.token_url[:200]} gave no token (HTTP {answer.status}{told})."
        if answer.status in PASSING or answer.status >= 500:
            raise Unreachable(detail)
        # A wrong client secret ends no sign-in: with the right one it is good again.
        ended = answer.status in (400, 401) and found.get("error") != "invalid_client"
        raise (NotGranted if ended else Refused)(detail)
    seconds = found.get("expires_in")
    known = isinstance(seconds, int | float) and 0 < seconds < 10**7
    return Got(token, refresh, seconds if known else None)


def _is_token(text):
    return isinstance(text, str) and text.isascii() and len(text) <= 8000
