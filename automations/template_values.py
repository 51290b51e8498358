"""What the values in a template are as text, numbers and moments.

Only plain values are known here: nothing, yes and no, numbers, text, moments, ids, lists and
dictionaries. Everything else is refused, so that no object ever shows what it has inside.
"""

import datetime as dt
import decimal
import uuid
from decimal import Decimal

import orjson

from workspaces.errors import Invalid
from workspaces.jsons import json_bytes

MAX_SIZE = 1024 * 1024  # characters that one rendering may give
MAX_DEPTH = 50
MAX_DIGITS = 100

# People's numbers: exact, and never so large that writing one out fills the memory.
EXACT = decimal.Context(
    prec=34,
    rounding=decimal.ROUND_HALF_UP,
    Emax=200,
    Emin=-200,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
MOMENTS = (dt.datetime, dt.date, dt.time)
PLAIN = (str, bool, int, float, Decimal, uuid.UUID, *MOMENTS)


class TemplateError(Invalid):
    """A template that can't be read, or whose values are not what it needs."""

    title = "A value can't be filled in"


def too_large():
    """Return the error for a result above MAX_SIZE."""
    return TemplateError(f"The result is larger than {MAX_SIZE // 1024**2} MB.")


def text_of(value):
    """Return a value as the text that stands in a sentence: nothing is "", a list "a, b"."""
    if isinstance(value, (list, tuple)):
        return joined(value, ", ")
    if isinstance(value, dict):
        return json_of(value)
    return text_of_one(value)


def text_of_one(value):
    """Return a value that is neither list nor dictionary as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return text_of_number(value)
    if isinstance(value, MOMENTS):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TemplateError(f"A value of the kind “{type(value).__name__}” can't be text.")


def text_of_number(value):
    """Return a number without an exponent."""
    try:
        return str(value) if isinstance(value, int) else format(number_of(value), "f")
    except ValueError as error:  # Python refuses to write out integers of thousands of digits
        raise TemplateError("A number is too long to be written out.") from error


def joined(values, separator):
    """Return the texts of a list with `separator` between them."""
    parts, size = [], 0
    for value in values:
        text = json_of(value) if isinstance(value, (list, tuple, dict)) else text_of_one(value)
        size += len(text) + len(separator)
        if size > MAX_SIZE + len(separator):
            raise too_large()
        parts.append(text)
    return separator.join(parts)


def json_of(value):
    """Return a value as JSON text."""
    weigh(value)
    try:
        return json_bytes(value, default=plain, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError as error:
        raise TemplateError("This value can't be written as JSON.") from error


def plain(value):
    """Return what orjson can write in place of a Decimal."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError


def weigh(value, room=MAX_SIZE):
    """Return about how many characters a value is; raise TemplateError above `room`.

    Walks without recursion and stops as soon as it is too much or too deep.
    """
    weight, waiting = 0, [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise TemplateError(f"A value is nested more than {MAX_DEPTH} deep.")
        if isinstance(one, dict):
            weight += sum(len(key) if isinstance(key, str) else 8 for key in one) + 2
            waiting.extend((inner, depth + 1) for inner in one.values())
        elif isinstance(one, (list, tuple)):
            weight += len(one) + 2
            if weight <= room:
                waiting.extend((inner, depth + 1) for inner in one)
        elif one is None or isinstance(one, PLAIN):
            weight += len(one) if isinstance(one, str) else 8
        else:
            raise TemplateError(f"A value of the kind “{type(one).__name__}” can't be used.")
        if weight > room:
            raise too_large()
    return weight


def number_of(value):
    """Return an int or an exact Decimal of a number or of text that is one."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise not_a("number", value)
    if isinstance(value, int):
        if value.bit_length() > MAX_DIGITS * 3:
            raise TemplateError(f"A number has more than {MAX_DIGITS} digits.")
        return value
    text = value.strip() if isinstance(value, str) else str(value)
    if len(text) > MAX_DIGITS:
        raise not_a("number", value)
    try:
        number = EXACT.create_decimal(text)
    except decimal.DecimalException as error:
        raise not_a("number", value) from error
    if not number.is_finite():
        raise not_a("number", value)
    return int(text) if text.lstrip("+-").isascii() and text.lstrip("+-").isdigit() else number


def whole_of(value):
    """Return an int; raise TemplateError for numbers with a fraction."""
    number = number_of(value)
    if number != int(number):
        raise not_a("whole number", value)
    return int(number)


def moment_of(value):
    """Return a date or datetime of one, or of ISO text that is one."""
    if isinstance(value, (dt.datetime, dt.date)):
        return value
    if not isinstance(value, str):
        raise not_a("date", value)
    text = value.strip()
    try:
        return dt.date.fromisoformat(text) if len(text) <= 10 else dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise not_a("date", value) from error


def list_of(value):
    """Return a list; nothing is the empty one."""
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        raise not_a("list", value)
    return list(value)


def not_a(kind, value):
    """Return the error for a value that is not of a kind."""
    if value is None:
        return TemplateError(f"The value is empty where a {kind} is needed.")
    if isinstance(value, (list, tuple, dict)):
        return TemplateError(f"A {kind} is needed, and this is a {names_of_kinds(value)}.")
    shown = str(value) if isinstance(value, PLAIN) and not isinstance(value, int) else repr(value)
    return TemplateError(f"“{shown[:60]}” is not a {kind}.")


def names_of_kinds(value):
    """Return the word for a container."""
    return "group of values" if isinstance(value, dict) else "list"
