"""Saying who calls, over HTTP: the headers of a connection.

Tokens of OAuth 2 (client credentials) are kept in this process for as long as they hold, by the
secret they were got with, so that a new secret gets a new one.
"""

import base64
import hashlib
import time
from urllib.parse import quote, urlencode

from automations import outbound
from automations.integrations.hiding import unreadable
from automations.walls import Refused, Unreachable

SECONDS = 15.0
MARGIN = 30.0
MOST_KEPT = 1000
_tokens = {}


def headers_for(config, secret, seconds=SECONDS):
    """Return the headers by which a ByHttp config says who calls; raise CallFailed.

    `seconds` is how long getting a token may take.
    """
    if config.auth == "bearer":
        return {"Authorization": f"Bearer {secret}"}
    if config.auth == "api_key":
        return {config.header: secret}
    if config.auth == "oauth2":
        return {"Authorization": f"Bearer {token_for(config, secret, seconds)}"}
    return {}


def token_for(config, secret, seconds=SECONDS):
    """Return an access token by client credentials (RFC 6749, 4.4)."""
    place = _place(config, secret)
    token, until = _tokens.get(place, ("", 0))
    if time.monotonic() < until:
        return token
    token, holds = _fetched(config, secret, min(SECONDS, seconds))
    if len(_tokens) >= MOST_KEPT:
        _tokens.clear()
    _tokens[place] = (token, time.monotonic() + max(0, holds - MARGIN))
    return token


def forget(config, secret):
    """Keep the token no longer: the server does not take it any more."""
    _tokens.pop(_place(config, secret), None)


def _place(config, secret):
    told = "\n".join([config.token_url, config.client_id, config.scope, secret])
    return hashlib.sha256(told.encode()).digest()


def _fetched(config, secret, timeout):
    both = f"{quote(config.client_id, safe='')}:{quote(secret, safe='')}"
    basic = base64.b64encode(both.encode()).decode()
    headers = {
        "Authorization": f"Basic {basic}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    asked = {"grant_type": "client_credentials"} | ({"scope": config.scope} if config.scope else {})
    try:
        answer = outbound.send(
            "POST", config.token_url, headers=headers, body=urlencode(asked), timeout=timeout
        )
    except (Refused, Unreachable) as error:
        error.perhaps_arrived = False  # nothing was asked of the server itself
        error.detail = f"No token: {error.detail}"
        raise
    found = answer.json if isinstance(answer.json, dict) else {}
    token, seconds = found.get("access_token"), found.get("expires_in", 300)
    if not answer.ok or not isinstance(token, str) or not token.isascii() or len(token) > 8000:
        said = unreadable(str(found.get("error", "")), {secret, basic})[:100]
        told = f": {said}" if said else ""
        raise Refused(f"{config.token_url[:200]} gave no token (HTTP {answer.status}{told}).")
    return token, seconds if isinstance(seconds, int | float) and 0 < seconds < 10**7 else 300
