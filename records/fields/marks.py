"""Yes and no, JSON, UUIDs and numbers that count by themselves."""

import math
from uuid import UUID

import orjson
from django import forms
from django.db import models
from django.forms.fields import InvalidJSONInput, JSONString
from pydantic import Field as Option
from rest_framework import serializers

from records import operators as ops
from records.fields.base import FieldType, Options, Refused, literal
from workspaces.jsons import json_bytes

YES = ("true", "t", "yes", "y", "1", "on", "x", "✓", "checked")
NO = ("false", "f", "no", "n", "0", "off", "unchecked")
DEEPEST = 50


class Checkbox(FieldType):
    """Yes or no."""

    key, label, icon, hint = "boolean", "Checkbox", "checkbox", "Yes or no"
    editor, align = "boolean", "center"
    operators = ops.MARKED
    aggregates = ("checked", "unchecked", "filled", "empty")
    may_be_unique = False
    schema = {"type": "boolean"}

    def column(self, field):
        return "boolean"

    def model_field(self, field, **common):
        return models.BooleanField(**common)

    def parse(self, value, field):
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word in YES:
            return True
        if word in NO:
            return False
        raise Refused(f"“{str(value)[:60]}” is neither yes nor no.")

    def cast(self, field, text, form=None):
        yes, no = (", ".join(literal(word) for word in words) for words in (YES, NO))
        word = f"lower(btrim({text}))"
        return f"CASE WHEN {word} IN ({yes}) THEN true WHEN {word} IN ({no}) THEN false END"

    def display(self, value, field):
        return "" if value is None else ("yes" if value else "no")

    def form_field(self, field, **common):
        return forms.NullBooleanField(**common)

    def api_field(self, field, **common):
        return serializers.BooleanField(**common)


def depth_of(value, level=1):
    """Return how deep lists and objects nest; raise Refused past DEEPEST or for odd values."""
    if level > DEEPEST:
        raise Refused(f"JSON may nest at most {DEEPEST} levels.")
    if isinstance(value, dict):
        return max((depth_of(v, level + 1) for pair in value.items() for v in pair), default=level)
    if isinstance(value, list):
        return max((depth_of(v, level + 1) for v in value), default=level)
    if isinstance(value, float) and not math.isfinite(value):
        raise Refused("JSON has no NaN and no Infinity.")
    if isinstance(value, str) and (
        "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)
    ):
        raise Refused("This text has a character that can't be kept (NUL or half a character).")
    return level


def _as_text(value):
    """Return the JSON of a value that is a text itself, so that it is not read a second time."""
    return orjson.dumps(value).decode() if isinstance(value, str) else value


class JsonField(forms.JSONField):
    """Takes the JSON that the field type takes, and shows what is written as it was written.

    Django's own reads numbers, texts and depths that nothing behind it can keep.
    """

    def __init__(self, kind, **common):
        super().__init__(**common)
        self.kind = kind

    def to_python(self, value):
        if not isinstance(value, str) or isinstance(value, JSONString):
            return value
        try:
            made = self.kind.clean(value, None)
        except Refused as error:
            raise forms.ValidationError(str(error), code="invalid") from None
        return JSONString(made) if isinstance(made, str) else made

    def bound_data(self, data, initial):
        if self.disabled:
            return initial
        return None if data is None else InvalidJSONInput(data)


class Json(FieldType):
    """Any JSON."""

    key, label, icon, hint = "json", "JSON", "braces", '{"a": 1}'
    editor = "json"
    operators = ops.PRESENT
    aggregates = ("filled", "empty")
    sortable = False
    may_be_unique = False
    schema = {}

    def column(self, field):
        return "jsonb"

    def model_field(self, field, **common):
        return models.JSONField(**common)

    def parse(self, value, field):
        """Take JSON: a text is read as such, since forms and files have nothing else."""
        if isinstance(value, str):
            try:
                value = orjson.loads(value)
            except (orjson.JSONDecodeError, RecursionError):
                raise Refused(f"“{value[:60]}” is no JSON.") from None
        depth_of(value)
        return value

    def stored(self, value, field):
        return None if value is None else json_bytes(value).decode()

    def cast(self, field, text, form=None):
        return f"kdap_json({text})"

    def dump(self, field):
        return lambda value: orjson.Fragment(value) if isinstance(value, str) else value

    def load(self, field):
        return _as_text

    def display(self, value, field):
        return "" if value is None else json_bytes(value).decode()

    def form_field(self, field, **common):
        return JsonField(self, **common)

    def api_field(self, field, **common):
        return serializers.JSONField(**common)


class Uuid(FieldType):
    """A universally unique id."""

    key, label, icon, hint = "uuid", "UUID", "fingerprint", "An id from another system"
    schema = {"type": "string", "format": "uuid"}

    def column(self, field):
        return "uuid"

    def model_field(self, field, **common):
        return models.UUIDField(**common)

    def parse(self, value, field):
        try:
            return value if isinstance(value, UUID) else UUID(str(value).strip())
        except ValueError:
            raise Refused(f"“{str(value)[:60]}” is no UUID.") from None

    def cast(self, field, text, form=None):
        pattern = r"^\s*\{?[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?\s*$"
        return f"CASE WHEN {text} ~ {literal(pattern)} THEN btrim({text})::uuid END"

    def form_field(self, field, **common):
        return forms.UUIDField(**common)

    def api_field(self, field, **common):
        return serializers.UUIDField(**common)


class AutonumberOptions(Options):
    start: int = Option(default=1, ge=0, le=10**15)


class Autonumber(FieldType):
    """Counts up by itself; numbers are never used twice."""

    key, label, icon, hint = "autonumber", "Autonumber", "list-numbers", "1, 2, 3, …"
    align = "end"
    Options = AutonumberOptions
    operators = ops.NUMERIC
    aggregates = ("filled", "min", "max")
    computed = True
    schema = {"type": "integer", "format": "int64", "readOnly": True}

    def column(self, field):
        return "bigint"

    def model_field(self, field, **common):
        return models.BigIntegerField(editable=False, **common)

    def parse(self, value, field):
        try:
            return int(value)
        except (TypeError, ValueError):
            raise Refused(f"“{str(value)[:60]}” is no number.") from None

    def cast(self, field, text, form=None):
        return "NULL::bigint"

    def api_field(self, field, **common):
        return serializers.IntegerField(**(common | {"read_only": True, "required": False}))
