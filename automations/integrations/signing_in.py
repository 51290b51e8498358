"""Connections that a person signs in for: OAuth 2 by authorization code (RFC 6749, 4.1; RFC 7636).

The tokens are sealed beside the secret, with whom they came from and whom they are for; they are in
no event, page or answer. Whoever needs one holds the row's lock, so that of several workers one
gets a new one and the others read what it got: a refresh token may be taken once only.
"""

import base64
import hashlib
import secrets
import time
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.db import OperationalError, connection
from django.urls import reverse
from django.utils import timezone

from automations.integrations import auth
from automations.integrations.kinds import config_of, host_of
from automations.integrations.models import Integration
from automations.integrations.services import append_about, secret_of
from automations.secrets import seal, unseal
from automations.walls import Unreachable
from workspaces import access
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Invalid

PATIENCE = timedelta(minutes=15)  # with a person at the other server
LONGEST = 8000


def redirect_address(integration):
    """Return the address to register at the other server: where people come back to.

    Each connection has its own: so a code that one server gave can't be had by another one, which
    a colleague's connection names as the one that gives tokens (RFC 9700, 4.4).
    """
    return settings.SITE_URL + reverse("integration_signed_in", args=[integration.pk])


def begin(*, integration, actor):
    """Return (the address at which the person signs in, what their session keeps until they are back).

    Raises Forbidden, or Conflict for a connection that nobody signs in for.
    """
    access.require(actor, "write", integration.workspace_id)
    config = config_of(integration.kind, integration.config)
    if getattr(config, "auth", "") != "oauth2_code":
        raise Conflict("Nobody signs in for this connection.")
    secret_of(integration, config)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    asked = {
        "response_type": "code",
        "client_id": config.client_id,
        "redirect_uri": redirect_address(integration),
        "state": state,
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
    }
    asked |= {"scope": config.scope} if config.scope else {}
    joint = "&" if "?" in config.authorize_url else "?"
    kept = {
        "state": state,
        "verifier": verifier,
        "integration": str(integration.pk),
        "bound": _bound(config),
        "until": (timezone.now() + PATIENCE).timestamp(),
    }
    return f"{config.authorize_url}{joint}{urlencode(asked)}", kept


def finish(*, integration, actor, kept, code):
    """Keep the tokens that a person's `code` gets; return the connection.

    Raises Forbidden, Invalid when the configuration is not the one they signed in for, CallFailed.
    """
    access.require(actor, "write", integration.workspace_id)
    config = config_of(integration.kind, integration.config)
    if kept["bound"] != _bound(config) or kept["integration"] != str(integration.pk):
        raise Invalid("The connection was changed meanwhile; sign in again.")
    asked = {
        "grant_type": "authorization_code",
        "code": code[:LONGEST],
        "redirect_uri": redirect_address(integration),
        "code_verifier": kept["verifier"],
    }
    got = auth.ask(config, secret_of(integration, config), asked, auth.SECONDS)
    append_about(integration, "integration.signed_in", {})
    _keep(integration.pk, config, got)
    integration.refresh_from_db()
    return integration


def sign_out(*, integration, actor):
    """Forget the tokens. What the other server knows of them is ended there."""
    access.require(actor, "write", integration.workspace_id)
    if integration.sealed_tokens is None:
        raise Conflict("Nobody is signed in for this connection.")
    append_about(integration, "integration.signed_out", {})
    Integration.objects.filter(pk=integration.pk).update(sealed_tokens=None)
    integration.refresh_from_db()
    return integration


def is_signed_in(integration, config):
    """Return whether a token for this configuration holds or can be got; True where none is needed.

    Raises Conflict when the tokens can't be opened.
    """
    if getattr(config, "auth", "") != "oauth2_code":
        return True
    known = _opened(integration, config)
    return known is not None and (bool(known["refresh"]) or _holds(known))


def is_renewed(integration, config):
    """Return whether KDAP gets a new token by itself when the one it has ends; raise Conflict."""
    known = _opened(integration, config)
    return known is not None and bool(known["refresh"])


def nobody(integration):
    """Return the error for a connection that somebody has to sign in for."""
    return Conflict(f"Sign in on the page of “{integration.server_name}”: nobody is signed in.")


def token_for(integration, config, secret, seconds):
    """Return an access token, a new one when the last has ended; raise Conflict, CallFailed.

    `seconds` is how long it may take to wait for others who need one, and to get a new one.
    """
    end = time.monotonic() + seconds
    with _locked(integration, seconds) as row:
        known = _opened(row, config)
        if known and _holds(known):
            return known["access"]
        if not known or not known["refresh"]:
            raise nobody(integration)
        left = end - time.monotonic()
        if left <= 0:
            raise _late(integration)
        asked = {"grant_type": "refresh_token", "refresh_token": known["refresh"]}
        try:
            got = auth.ask(config, secret, asked, min(auth.SECONDS, left))
        except auth.NotGranted as error:
            said = error.detail
            _store(row.pk, known | {"until": 0, "refresh": ""})
        else:
            _keep(row.pk, config, got, before=known["refresh"])
            return got.access
    # Out of the transaction, which keeps that it has ended.
    raise Conflict(
        f"The sign-in of “{integration.server_name}” has ended; sign in again on its page. {said}"
    )


def forget(integration, config, token, seconds):
    """Note that a token is not taken any more, so that the next one who needs one gets a new one.

    Returns whether another one is there or can be got; without that nothing is noted, for the next
    call may be taken. Raises Unreachable when `seconds` are not enough.
    """
    with _locked(integration, seconds) as row:
        known = _opened(row, config)
        if known is None:
            return False
        if known["access"] != token:
            return True
        if known["refresh"]:
            _store(row.pk, known | {"until": 0})
        return bool(known["refresh"])


@contextmanager
def _locked(integration, seconds):
    """Give the row of a connection, which is ours until the end; raise Unreachable if it is not
    within `seconds`.
    """
    try:
        with acting_as(Actor.system(task="sign_in")):
            with connection.cursor() as cursor:
                longest = f"{max(1, round(seconds * 1000))}ms"
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [longest])
            yield Integration.objects.select_for_update().get(pk=integration.pk)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "55P03":
            raise
        raise _late(integration) from error


def _late(integration):
    return Unreachable(f"The token of “{integration.server_name}” is being renewed; it takes long.")


def _holds(known):
    until = known["until"]
    return until is None or timezone.now().timestamp() < until - auth.MARGIN


def _bound(config):
    return [config.token_url, config.client_id, host_of(config.url)]


def _opened(integration, config):
    if integration.sealed_tokens is None:
        return None
    known = orjson.loads(unseal(integration.sealed_tokens))
    return known if known["bound"] == _bound(config) else None


def _keep(id, config, got, before=""):
    until = got.seconds and timezone.now().timestamp() + got.seconds
    known = {"access": got.access, "refresh": got.refresh or before, "until": until}
    _store(id, known | {"bound": _bound(config)})


def _store(id, known):
    sealed = seal(orjson.dumps(known).decode())
    Integration.objects.filter(pk=id).update(sealed_tokens=sealed)
