"""Conditions inside a run: on an entry as it is now, or between two values.

Conditions on entries are the same trees as filters and asked of PostgreSQL, so that both always
mean the same. Values of runs are JSON and compared here: as numbers where both are, else as text
without regard to case; dates in ISO 8601 are in order as they are.
"""

from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from automations import saying
from automations.parts import Condition, Part
from records.query import Query

OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "lt": "is less than",
    "lte": "is at most",
    "gt": "is more than",
    "gte": "is at least",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts": "starts with",
    "ends": "ends with",
    "in": "is one of",
    "not_in": "is none of",
    "filled": "is filled",
    "empty": "is empty",
    "yes": "is true",
    "no": "is not true",
}
ALONE = ("filled", "empty", "yes", "no")


class Comparison(Part):
    """A condition of a step. Give exactly one of these:

    `value`, `op` and `other`: two literals or templates compared;
    `record` and `where`: the entry that `entry` names matches a filter now;
    `all` or `any`: several of them.
    """

    value: Any = None
    op: Literal[tuple(OPERATORS)] | None = None
    other: Any = None
    record: UUID | None = None
    entry: Any = "{{ trigger.entry }}"
    where: Condition | None = None
    all: list["Comparison"] = Field(default=[], max_length=50)
    any: list["Comparison"] = Field(default=[], max_length=50)

    @model_validator(mode="after")
    def _one_kind(self):
        kinds = [self.op is not None, self.where is not None, bool(self.all), bool(self.any)]
        if sum(kinds) != 1:
            raise ValueError("A condition compares two values, or matches an entry, or has parts.")
        if self.where is not None and self.record is None:
            raise ValueError("Name the record whose entry has to match.")
        return self

    def check(self, book, pointer):
        """Note in `book` what can't work."""
        if self.where is not None:
            record = book.check_record(self.record, f"{pointer}/record")
            if record:
                book.check_condition(record, self.where, f"{pointer}/where")
        for name in ("all", "any"):
            for number, part in enumerate(getattr(self, name)):
                part.check(book, f"{pointer}/{name}/{number}")


def holds(condition, go):
    """Return whether a Comparison holds for a Go; raises Invalid for what can't be compared."""
    if condition.all:
        return all(holds(part, go) for part in condition.all)
    if condition.any:
        return any(holds(part, go) for part in condition.any)
    if condition.where is not None:
        return _matches(condition, go)
    value, other = go.render(condition.value), go.render(condition.other)
    held = compare(value, condition.op, other)
    alone = {} if condition.op in ALONE else {"other": other}
    go.compared(value=value, op=condition.op, **alone, held=held)
    return held


def _matches(condition, go):
    from automations.steps.entries import entry_id

    record = go.record(condition.record, "read")
    id = entry_id(go.render(condition.entry))
    query = Query(record, where=condition.where, fields=())
    held = bool(query.rows(limit=1, extra="entry_id = %s", extra_params=[id]))
    go.compared(record=record.name, entry=id, held=held)
    return held


def compare(value, op, other=None):
    """Return whether `value` `op` `other` holds, for JSON values."""
    if op in ALONE:
        empty = value in (None, "", [], {})
        truth = value is True or (isinstance(value, str) and value.lower() in ("true", "yes", "1"))
        return {"filled": not empty, "empty": empty, "yes": truth, "no": not truth}[op]
    if op in ("in", "not_in"):
        items = other if isinstance(other, list) else str(other or "").split(",")
        found = any(
            _equal(value, item.strip() if isinstance(item, str) else item) for item in items
        )
        return found == (op == "in")
    if op in ("is", "is_not"):
        return _equal(value, other) == (op == "is")
    if op in ("contains", "not_contains"):
        if isinstance(value, list):
            found = any(_equal(item, other) for item in value)
        else:
            found = _text(other) in _text(value)
        return found == (op == "contains")
    if op == "starts":
        return _text(value).startswith(_text(other))
    if op == "ends":
        return _text(value).endswith(_text(other))
    return _ordered(value, op, other)


def _ordered(value, op, other):
    if value in (None, "") or other in (None, ""):
        return False
    left, right = _number(value), _number(other)
    if left is None or right is None:
        left, right = _text(value), _text(other)
    return {"lt": left < right, "lte": left <= right, "gt": left > right, "gte": left >= right}[op]


def _equal(left, right):
    if left in (None, "") or right in (None, ""):
        return left in (None, "") and right in (None, "")
    one, two = _number(left), _number(right)
    if one is not None and two is not None:
        return one == two
    if isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
        return left == right
    return _text(left) == _text(right)


def _number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    try:
        made = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return made if made.is_finite() else None


def _text(value):
    return "" if value is None else str(value).casefold()


def said(condition, book):
    """Return a Comparison as part of a sentence."""
    return saying.comparison(book, condition, OPERATORS, ALONE)
