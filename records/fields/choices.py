"""One or several out of a list. Cells hold a choice's number, so renaming one touches no entry."""

import orjson
from django import forms
from django.contrib.postgres.fields import ArrayField
from django.db import models
from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from rest_framework import serializers

from records import operators as ops
from records.fields.base import FieldType, Options, Refused, literal
from records.names import clean_label

HUES = [
    "gray",
    "red",
    "orange",
    "amber",
    "yellow",
    "lime",
    "green",
    "teal",
    "cyan",
    "blue",
    "violet",
    "pink",
]
MOST = 1000


class Item(BaseModel):
    """One choice: its number stays, label, colour and place may change."""

    model_config = ConfigDict(extra="forbid")

    id: int
    label: str
    color: str = "gray"

    @field_validator("label")
    @classmethod
    def _label(cls, label):
        return clean_label(label, "choice")

    @field_validator("color")
    @classmethod
    def _color(cls, color):
        if color not in HUES:
            raise ValueError(f"“{color}” is no colour; there are {', '.join(HUES)}.")
        return color


class ChoiceOptions(Options):
    choices: list[Item] = []

    @model_validator(mode="before")
    @classmethod
    def _numbered(cls, data):
        """Let people write choices as plain labels; give new ones the next numbers and colours."""
        if not isinstance(data, dict) or not isinstance(data.get("choices"), list):
            return data
        items = [{"label": c} if isinstance(c, str) else c for c in data["choices"]]
        if not all(isinstance(item, dict) for item in items):
            raise ValueError("A choice is a label, or an object with label and color.")
        used = [item["id"] for item in items if isinstance(item.get("id"), int)]
        following = max(used, default=0)
        numbered = []
        for item in items:
            if item.get("id") is None:
                following += 1
                item = {"color": HUES[1 + (following - 1) % (len(HUES) - 1)]} | item
                item["id"] = following
            numbered.append(item)
        return data | {"choices": numbered}

    @model_validator(mode="after")
    def _distinct(self):
        if len(self.choices) > MOST:
            raise ValueError(f"There can be at most {MOST} choices.")
        labels = [item.label.lower() for item in self.choices]
        double = next((label for label in labels if labels.count(label) > 1), None)
        if double is not None:
            raise ValueError(f"Two choices are called “{double}”.")
        if len({item.id for item in self.choices}) < len(labels):
            raise ValueError("Two choices have the same id.")
        if any(not 0 < item.id < 2**31 for item in self.choices):
            raise ValueError("A choice's id is a positive number.")
        return self


def recognised(items, old):
    """Return choices (labels or dicts) with the ids they had in `old`; new ones get ids never used there.

    Cells hold ids, so a label without one is looked up; else its cells would be another's.
    """
    known = {item["id"]: item for item in old}
    by_label = {item["label"].lower(): item for item in old}
    named = {item.get("id") for item in items if isinstance(item, dict)}
    following = max(
        [*known, *(number for number in named if isinstance(number, int))],
        default=0,
    )
    made = []
    for item in items:
        item = dict(item) if isinstance(item, dict) else {"label": item}
        same = known.get(item.get("id"))
        if same is None and item.get("id") is None:
            same = by_label.get(str(item.get("label", "")).strip().lower())
            # Another item may carry this id: its choice was given the label of a removed one.
            same = None if same is None or same["id"] in named else same
        if same is not None:
            made.append(same | item | {"id": same["id"]})
        elif item.get("id") is None:
            following += 1
            made.append({"color": HUES[1 + following % (len(HUES) - 1)], **item, "id": following})
        else:
            made.append(item)
    return made


def kept(before, after):
    """Return the ids that two fields with choices have in common, as an SQL array."""
    both = labels_by_id(before).keys() & labels_by_id(after).keys()
    return "ARRAY[{}]::integer[]".format(", ".join(map(str, sorted(both))))


def ids_by_label(field):
    """Return {lower-case label: number}."""
    return {item["label"].lower(): item["id"] for item in field.options["choices"]}


def labels_by_id(field):
    """Return {number: label}."""
    return {item["id"]: item["label"] for item in field.options["choices"]}


class Choice(FieldType):
    """One out of a list."""

    key, label, icon, hint = "choice", "Single choice", "circle-check", "One of a list"
    editor = "choice"
    Options = ChoiceOptions
    operators = ops.CHOSEN
    may_be_unique = False

    def column(self, field):
        return "integer"

    def model_field(self, field, **common):
        items = [(item["id"], item["label"]) for item in field.options["choices"]]
        return models.IntegerField(choices=items, **common)

    def checks(self, field, column):
        yield "choices", f"{column} = ANY ({self.numbers(field)})"

    def numbers(self, field):
        """Return the numbers in use as an SQL array."""
        return "ARRAY[{}]::integer[]".format(", ".join(map(str, labels_by_id(field))))

    def parse(self, value, field):
        known = ids_by_label(field)
        if isinstance(value, int) and not isinstance(value, bool) and value in known.values():
            return value
        if isinstance(value, str) and value.strip().lower() in known:
            return known[value.strip().lower()]
        raise Refused(f"“{str(value)[:60]}” is none of the choices of “{field.label}”.")

    def cast(self, field, text, form=None):
        known = literal(orjson.dumps(ids_by_label(field)).decode())
        return f"({known}::jsonb ->> lower(btrim({text})))::integer"

    def text(self, field, column):
        known = {str(number): label for number, label in labels_by_id(field).items()}
        return f"({literal(orjson.dumps(known).decode())}::jsonb ->> {column}::text)"

    def convert(self, before, after, column, form=None):
        """By the choices' ids: one that is renamed in the same change keeps its cells."""
        if isinstance(before.kind, Choices):
            one = f"cardinality({column}) = 1 AND {column}[1] = ANY ({kept(before, after)})"
            return f"CASE WHEN {one} THEN {column}[1] END"
        if isinstance(before.kind, Choice):
            return f"CASE WHEN {column} = ANY ({kept(before, after)}) THEN {column} END"
        return super().convert(before, after, column, form)

    def recognised(self, options, before):
        if not isinstance(options.get("choices"), list) or not before.get("choices"):
            return options
        return options | {"choices": recognised(options["choices"], before["choices"])}

    def rejoined(self, old, became, now):
        """The old choices, as they are called now if that was changed since, and those added since."""
        then = {item["id"]: item for item in became.get("choices", ())}
        present = {item["id"]: item for item in now.get("choices", ())}
        changed = {id for id, item in present.items() if id in then and then[id] != item}
        back = [present[i["id"]] if i["id"] in changed else i for i in old["choices"]]
        taken = {item["id"] for item in back} | set(then)
        labels = {item["label"].lower() for item in back}
        back += [
            item
            for id, item in present.items()
            if id not in taken and item["label"].lower() not in labels
        ]
        return old | {"choices": back}

    def order(self, field, column):
        """Return SQL that sorts as the choices stand in the list."""
        return f"array_position({self.numbers(field)}, {column})"

    def dump(self, field):
        return labels_by_id(field).get

    def form_field(self, field, **common):
        items = [("", "")] + [(item["id"], item["label"]) for item in field.options["choices"]]
        return forms.TypedChoiceField(choices=items, coerce=int, empty_value=None, **common)

    def api_field(self, field, **common):
        labels = list(labels_by_id(field).values())
        return serializers.ChoiceField(choices=labels, **common)


class Choices(Choice):
    """Several out of a list."""

    key, label, icon, hint = "choices", "Multiple choice", "list-check", "Several of a list"
    editor = "choices"
    operators = ops.MANY_CHOSEN
    sortable = False
    aggregates = ("filled", "empty")
    schema = {"type": "array", "items": {"type": "string"}}

    def column(self, field):
        return "integer[]"

    def model_field(self, field, **common):
        return ArrayField(models.IntegerField(), **common)

    def checks(self, field, column):
        yield "choices", f"{column} <@ {self.numbers(field)}"

    def parse(self, value, field):
        if isinstance(value, str):
            known = ids_by_label(field)
            whole = value.strip().lower()
            value = [value] if whole in known else value.split(",")
        if not isinstance(value, (list, tuple)):
            value = [value]
        numbers = [super(Choices, self).parse(item, field) for item in value if item != ""]
        return list(dict.fromkeys(numbers)) or None

    def cast(self, field, text, form=None):
        known = literal(orjson.dumps(ids_by_label(field)).decode())
        return f"kdap_choices({known}::jsonb, {text})"

    def convert(self, before, after, column, form=None):
        """By the choices' ids; of several, those that are still there."""
        if isinstance(before.kind, Choices):
            left = f"SELECT n FROM unnest({column}) WITH ORDINALITY AS items(n, place)"
            left += f" WHERE n = ANY ({kept(before, after)}) ORDER BY place"
            return f"NULLIF(ARRAY({left}), '{{}}')"
        if isinstance(before.kind, Choice):
            return f"CASE WHEN {column} = ANY ({kept(before, after)}) THEN ARRAY[{column}] END"
        return FieldType.convert(self, before, after, column, form)

    def loses(self, before, after, column, form=None):
        if isinstance(before.kind, Choices):
            return f"NOT {column} <@ {kept(before, after)}"
        return super().loses(before, after, column, form)

    def text(self, field, column):
        known = {str(number): label for number, label in labels_by_id(field).items()}
        return f"kdap_labels({literal(orjson.dumps(known).decode())}::jsonb, {column})"

    def order(self, field, column):
        return column

    def dump(self, field):
        labels = labels_by_id(field)
        return lambda value: None if value is None else [labels.get(number) for number in value]

    def display(self, value, field):
        return ", ".join(value or [])

    def form_field(self, field, **common):
        items = [(item["id"], item["label"]) for item in field.options["choices"]]
        return forms.TypedMultipleChoiceField(choices=items, coerce=int, empty_value=None, **common)

    def api_field(self, field, **common):
        labels = list(labels_by_id(field).values())
        return serializers.ListField(child=serializers.ChoiceField(choices=labels), **common)
