"""Operators of conditions: each states its key, label, sentence and SQL.

A template has {c} for the quoted column and %s for each parameter; `takes` says what a value
must be: nothing, one, two or many values of the field's type, or plain text.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Operator:
    """One way to compare a field with a value."""

    key: str
    label: str
    sql: str
    sentence: str
    takes: Literal["nothing", "one", "two", "many", "text", "number"] = "one"
    like: str = ""  # how a text becomes a LIKE pattern, with {} for the escaped text


FILLED = (
    Operator("filled", "is filled", "{c} IS NOT NULL", "{f} is filled", "nothing"),
    Operator("empty", "is empty", "{c} IS NULL", "{f} is empty", "nothing"),
)
EQUAL = (
    Operator("is", "is", "{c} = %s", "{f} is {v}"),
    Operator("is_not", "is not", "{c} IS DISTINCT FROM %s", "{f} is not {v}"),
)
AMONG = (
    Operator("in", "is one of", "{c} = ANY(%s)", "{f} is one of {v}", "many"),
    Operator(
        "not_in", "is none of", "({c} <> ALL(%s) OR {c} IS NULL)", "{f} is none of {v}", "many"
    ),
)
ORDERED = (
    Operator("lt", "<", "{c} < %s", "{f} is less than {v}"),
    Operator("lte", "≤", "{c} <= %s", "{f} is at most {v}"),
    Operator("gt", ">", "{c} > %s", "{f} is more than {v}"),
    Operator("gte", "≥", "{c} >= %s", "{f} is at least {v}"),
    Operator("between", "is between", "{c} BETWEEN %s AND %s", "{f} is between {v}", "two"),
)
DATED = (
    Operator("lt", "is before", "{c} < %s", "{f} is before {v}"),
    Operator("lte", "is on or before", "{c} <= %s", "{f} is on or before {v}"),
    Operator("gt", "is after", "{c} > %s", "{f} is after {v}"),
    Operator("gte", "is on or after", "{c} >= %s", "{f} is on or after {v}"),
    Operator("between", "is between", "{c} BETWEEN %s AND %s", "{f} is between {v}", "two"),
    Operator(
        "last_days",
        "is in the last … days",
        "({c} >= now() - make_interval(days => %s) AND {c} <= now())",
        "{f} is in the last {v} days",
        "number",
    ),
    Operator(
        "next_days",
        "is in the next … days",
        "({c} >= now() AND {c} <= now() + make_interval(days => %s))",
        "{f} is in the next {v} days",
        "number",
    ),
)
WORDED = (
    Operator("contains", "contains", "{c} ILIKE %s", "{f} contains {v}", "text", "%{}%"),
    Operator(
        "not_contains",
        "does not contain",
        "({c} NOT ILIKE %s OR {c} IS NULL)",
        "{f} does not contain {v}",
        "text",
        "%{}%",
    ),
    Operator("starts", "starts with", "{c} ILIKE %s", "{f} starts with {v}", "text", "{}%"),
    Operator("ends", "ends with", "{c} ILIKE %s", "{f} ends with {v}", "text", "%{}"),
)
MEMBERS = (
    Operator("has", "has", "{c} @> ARRAY[%s]", "{f} has {v}"),
    Operator("has_any", "has any of", "{c} && %s", "{f} has any of {v}", "many"),
    Operator("has_all", "has all of", "{c} @> %s", "{f} has all of {v}", "many"),
    Operator(
        "has_none", "has none of", "(NOT {c} && %s OR {c} IS NULL)", "{f} has none of {v}", "many"
    ),
)
YESNO = (
    Operator("yes", "is checked", "{c} IS TRUE", "{f} is checked", "nothing"),
    Operator("no", "is not checked", "{c} IS NOT TRUE", "{f} is not checked", "nothing"),
    EQUAL[0],
)

EXACT = EQUAL + AMONG + FILLED
NUMERIC = EQUAL + ORDERED + AMONG + FILLED
TIMED = EQUAL + DATED + FILLED
TEXTUAL = WORDED + EQUAL + AMONG + FILLED
CHOSEN = EQUAL + AMONG + FILLED
MANY_CHOSEN = MEMBERS + FILLED
MARKED = YESNO + FILLED
PRESENT = FILLED
