"""What people say between a field and its value: “is below”, “contains”, “has no value”."""

from functools import cache

from automations import comparing

NUMERIC = ("decimal", "integer", "currency", "percent", "rating", "autonumber")
DATED = ("date", "datetime", "created_at", "updated_at")
# What people say beside the sentences that the operators have themselves (records/operators.py).
ALSO = {
    "is": ("=", "==", "equals", "is equal to", "are", "is exactly"),
    "is_not": ("!=", "≠", "<>", "isn't", "does not equal", "doesn't equal", "is different from"),
    "lt": ("<", "is below", "is under", "is lower than", "is smaller than", "is fewer than"),
    "lte": ("<=", "≤", "=<", "is not more than", "is no more than", "is up to", "is not above"),
    "gt": (">", "is above", "is over", "is greater than", "is larger than", "is higher than"),
    "gte": (">=", "≥", "is not less than", "is no less than", "is not below"),
    "contains": ("includes", "is containing"),
    "not_contains": ("doesn't contain", "does not include", "doesn't include"),
    "starts": ("begins with",),
    "in": ("is any of", "is in", "is either"),
    "not_in": ("is not one of", "is not in", "is neither", "isn't one of"),
    "filled": ("is not empty", "isn't empty", "is given", "has a value", "is filled in"),
    "empty": ("is not filled", "is blank", "has no value", "is missing"),
    "has": ("is", "contains", "includes", "="),
    "yes": ("is ticked", "is set"),
    "no": ("is unchecked", "is not ticked", "isn't checked", "is not set"),
    "last_days": ("is within the last",),
    "next_days": ("is within the next",),
}
NUMBERS_ALSO = {
    "lt": ("is less than or more than",),
    "lte": ("is less than or equal to",),
    "gt": ("exceeds",),
    "gte": ("is more than or equal to", "is greater than or equal to"),
}
DATES_ALSO = {"lt": ("is earlier than",), "gt": ("is later than",), "gte": ("is from",)}
# After “with”: “with Stock below 10”.
SHORT = {
    "lt": ("below", "under", "less than", "<", "before"),
    "lte": ("at most", "up to", "<=", "≤"),
    "gt": ("above", "over", "more than", ">", "after"),
    "gte": ("at least", ">=", "≥"),
    "between": ("between",),
    "in": ("one of", "in"),
    "is": ("=", "of"),
    "contains": ("containing",),
    "starts": ("starting with", "beginning with"),
    "ends": ("ending with",),
}
VALUE_ALSO = {key: ALSO.get(key, ()) for key in comparing.OPERATORS}
VALUE_ALSO |= {"yes": ("is checked",), "no": ("is not checked", "is not yes")}
OPPOSITE = {"is": "is_not", "contains": "not_contains", "in": "not_in", "filled": "empty"}
OPPOSITE |= {"yes": "no"} | {value: key for key, value in OPPOSITE.items()} | {"no": "yes"}


def phrases(field, short=False):
    """Return {phrase: operator} of what can follow a field's label."""
    return _phrases(field.kind, short)


@cache
def _phrases(kind, short):
    made = {}
    for operator in kind.operators:
        _, _, rest = operator.sentence.partition("{f} ")
        made[rest.partition(" {v}")[0]] = operator
        more = ALSO.get(operator.key, ())
        if kind.key in (*NUMERIC, "duration"):
            more += NUMBERS_ALSO.get(operator.key, ())
        if kind.key in DATED:
            more += DATES_ALSO.get(operator.key, ())
        more += SHORT.get(operator.key, ()) if short else ()
        for phrase in more:
            made.setdefault(phrase, operator)
    return made
