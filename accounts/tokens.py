"""Secrets that are shown once and kept only as a digest."""

import hashlib
import secrets

PREFIX = "kdap_"


def new_secret():
    """Return a fresh API secret: `kdap_` and 43 characters that fit in a URL."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(secret):
    """Return the SHA-256 of `secret` as 64 hex digits.

    A plain hash is enough: the secrets are random and long, so there is nothing to guess.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
