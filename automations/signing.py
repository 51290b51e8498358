"""Signatures of webhooks: HMAC-SHA256 over id, time and content.

The headers are those of standardwebhooks.com, so that ready-made libraries of receivers work:
webhook-id, webhook-timestamp, webhook-signature (“v1,” and base64, several apart by spaces).
"""

import base64
import binascii
import hmac
import re
import secrets
import time

from workspaces.errors import KdapError

PREFIX = "whsec_"
WINDOW = 300  # seconds that clocks and networks may be apart
MESSAGE_ID = re.compile(r"[\w.:-]{1,200}", re.ASCII)
MAX_SIGNATURES = 20


class BadSignature(KdapError):
    """A message that was not signed with the secret, or not now."""

    status = 401
    title = "The signature does not hold"


def new_secret():
    """Return a secret for signing, 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret):
    """Return the bytes of a secret: base64 after “whsec_”, else the text itself."""
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signature(secret, body, message_id, timestamp):
    if not secret:
        raise ValueError("There is no secret to sign with.")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()


def sign(secret, body, timestamp=None, message_id=None):
    """Return the three headers for `body` (bytes).

    Give the same `message_id` when a message is sent again, so that its receiver can tell.
    """
    timestamp = int(time.time() if timestamp is None else timestamp)
    message_id = message_id or f"msg_{secrets.token_hex(16)}"
    if not MESSAGE_ID.fullmatch(message_id):
        raise ValueError("The id of a message has letters, digits and . : - _ only.")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, body, message_id, timestamp),
    }


def verify(secret, body, headers, now=None, window=WINDOW):
    """Return the id of a message that was signed with `secret` within `window` seconds of now.

    Raises BadSignature. Within the window the same message can be sent again by anybody who saw
    it: keep ids for two windows and take each once.
    """
    found = {str(name).lower(): str(value) for name, value in headers.items()}
    message_id = found.get("webhook-id", "")
    timestamp = found.get("webhook-timestamp", "")
    given = found.get("webhook-signature", "").split(" ", MAX_SIGNATURES)[:MAX_SIGNATURES]
    if not MESSAGE_ID.fullmatch(message_id) or not any(given):
        raise BadSignature("webhook-id, webhook-timestamp and webhook-signature are needed.")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise BadSignature("webhook-timestamp is not a number of seconds since 1970.")
    if abs((time.time() if now is None else now) - int(timestamp)) > window:
        raise BadSignature(f"The message was signed more than {window} seconds from now.")
    expected = signature(secret, body, message_id, timestamp).encode()
    # All are compared, so that the time it takes tells nothing.
    if not sum(hmac.compare_digest(expected, one.encode(errors="replace")) for one in given):
        raise BadSignature("The signature was not made with this secret, or of other content.")
    return message_id
