"""Making secrets unreadable: servers may answer with what they were sent."""

import json
from contextlib import contextmanager
from dataclasses import replace

from automations.walls import CallFailed

HIDDEN = "•••"
SHORTEST = 4  # letters; texts would be full of dots for anything shorter


def carried(secret, headers):
    """Return the secrets of a call: the secret itself, and what its headers carry (a token)."""
    return {secret, *(value.removeprefix("Bearer ") for value in headers.values())}


def unreadable(value, secrets):
    """Return JSON with secrets made unreadable in every text and name of it."""
    return _replaced(value, _forms(secrets))


def hidden(answer, secrets):
    """Return a Response with secrets made unreadable."""
    headers = _replaced(answer.headers, _forms(secrets))
    return replace(answer, body=hidden_in(answer.body, secrets), headers=headers)


def hidden_in(body, secrets):
    """Return the bytes of an answer with secrets made unreadable."""
    for form in _forms(secrets):
        body = body.replace(form.encode(), HIDDEN.encode())
    return body


@contextmanager
def hiding(secrets):
    """Make secrets unreadable in whatever a call that fails in here says."""
    try:
        yield
    except CallFailed as error:
        error.detail = unreadable(error.detail, secrets)
        raise


def _forms(secrets):
    """Return how secrets may stand in a text, also inside JSON; the longest first."""
    found = set()
    for secret in secrets:
        if len(secret) >= SHORTEST:
            escaped = {json.dumps(secret, ensure_ascii=way)[1:-1] for way in (True, False)}
            found |= {secret, *escaped, *(form.replace("/", "\\/") for form in escaped)}
    return sorted(found, key=len, reverse=True)


def _replaced(value, forms):
    if isinstance(value, str):
        for form in forms:
            value = value.replace(form, HIDDEN)
        return value
    if isinstance(value, list):
        return [_replaced(inner, forms) for inner in value]
    if isinstance(value, dict):
        return {_replaced(key, forms): _replaced(inner, forms) for key, inner in value.items()}
    return value
