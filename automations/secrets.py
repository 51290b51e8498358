"""Secrets at rest: sealed with a key made from SECRET_KEY, and opened only where they are used."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from workspaces.errors import Conflict


def _key(secret):
    made = hashlib.sha256(b"kdap automations:" + secret.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(made))


def _box():
    return MultiFernet([_key(key) for key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]])


def seal(text):
    """Return `text` as bytes that only this installation can open."""
    return _box().encrypt(text.encode())


def unseal(sealed):
    """Return the text that was sealed; raises Conflict when SECRET_KEY is not the one it was."""
    try:
        return _box().decrypt(bytes(sealed)).decode()
    except InvalidToken:
        raise Conflict(
            "This secret was sealed with another SECRET_KEY. Enter it again, or put the old key "
            "among SECRET_KEY_FALLBACKS."
        ) from None
