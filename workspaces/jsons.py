"""JSON as everything that was kept as JSON is written out again."""

import orjson

# What orjson writes by itself.
LEAST, MOST = -(2**63), 2**64 - 1


def json_bytes(value, *, default=str, option=None):
    """Return `value` as JSON in bytes; `default` and `option` are orjson's.

    orjson writes whole numbers of 64 bits at most, and jsonb gives 1e30 back as one of a hundred.
    Raises TypeError for half characters, for what is nested deeper than 254, and for a number of
    more digits than Python writes out.
    """
    try:
        return orjson.dumps(value, default=default, option=option)
    except TypeError:
        try:
            return orjson.dumps(
                _in_digits(value), default=lambda odd: _in_digits(default(odd)), option=option
            )
        except (RecursionError, ValueError) as error:
            raise TypeError("This can't be written as JSON.") from error


def _in_digits(value):
    """Return `value` with each number that orjson does not write spelled out."""
    if isinstance(value, dict):
        return {key: _in_digits(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_in_digits(item) for item in value]
    if isinstance(value, int) and not LEAST <= value <= MOST:
        return orjson.Fragment(str(value))
    return value
