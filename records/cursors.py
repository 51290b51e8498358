"""Where a reader is: the key of the last entry seen, as text that means nothing to them."""

import base64

import orjson

from records.query import plain
from workspaces.errors import Invalid


def encode_cursor(key):
    """Return an opaque cursor for a key."""
    return base64.urlsafe_b64encode(orjson.dumps(key, default=plain)).decode().rstrip("=")


def decode_cursor(text):
    """Return the key of a cursor; raise Invalid when it is none of ours."""
    try:
        key = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, orjson.JSONDecodeError):
        key = None
    if not isinstance(key, list) or any(isinstance(part, (dict, list)) for part in key):
        raise Invalid("This cursor is not one that KDAP gave.")
    return key
