"""The SQL that turns a staged cell into a field's value.

`safe` gives NULL for what can't be taken. `proven` is several times faster and raises; it is
there only for columns of which the analysis has seen every cell.
"""

from django.utils import timezone

from records.fields.base import literal
from records.fields.choices import ids_by_label


def cell(target):
    """Return SQL for the target's staged text: NULL where it is empty or stands for nothing."""
    text = f"s.c{target.column}"
    if target.typed:
        return f"{text}::text"
    if target.found["neutralised"]:
        text = f"CASE WHEN {text} ~ '^''+[=+@\\t\\r-]' THEN substr({text}, 2) ELSE {text} END"
    for word in target.nulls:
        text = f"NULLIF({text}, {literal(word)})"
    if target.field.type == "choices":
        text = LISTED.format(text)
    return f"NULLIF({text}, '')"


# ["red", "blue"], as JSON has several choices, is read like "red, blue".
LISTED = (
    "CASE WHEN {0} ~ '^\\s*\\[' AND jsonb_typeof(kdap_json({0})) = 'array' THEN "
    "(SELECT string_agg(item, ',') FROM jsonb_array_elements_text(kdap_json({0})) AS item) "
    "ELSE {0} END"
)


def filled(target):
    """Return SQL: whether the staged cell holds anything but white space."""
    return f"btrim({cell(target)}) <> ''"


def safe(target):
    """Return SQL for the value, NULL where the cell can't be taken."""
    return target.field.kind.cast(target.field, cell(target), target.form)


def proven(target):
    """Return SQL for the value that needs no check of its own, or None when there is none."""
    field, found, text = target.field, target.found, cell(target)
    if target.typed:
        return f"s.c{target.column}"
    if set(found["missing"]) - set(target.nulls) and found["proof"] != "text":
        return None
    if field.type == "choice":
        return _choice(field, found, target)
    prove = PROVEN.get(field.type)
    return prove(field, found, text) if prove and not _bounded(field) else None


def column_type(target):
    """Return the SQL type as which COPY can parse the target's cells by itself, or None."""
    if target.field.type not in STAGED or not proven(target):
        return None
    local = target.field.type == "datetime" and target.found["proof"] != "zoned"
    return None if local else target.field.kind.column(target.field)


STAGED = ("integer", "decimal", "currency", "percent", "date", "datetime", "boolean")


def _choice(field, found, target):
    """Return a plain comparison with the labels in the column, when all are choices."""
    known = ids_by_label(field)
    labels = [label for label in found["labels"] if label not in target.nulls]
    counted = found["distinct"] == len(found["labels"]) + len(found["missing"])
    if not labels or not counted or any(label.lower() not in known for label in labels):
        return None
    cases = " ".join(f"WHEN {literal(v)} THEN {known[v.lower()]}" for v in labels)
    return f"CASE {cell(target)} {cases} END"


def _bounded(field):
    return any(field.options.get(name) is not None for name in ("minimum", "maximum", "pattern"))


def _integer(field, found, text):
    return f"{text}::bigint" if found["proof"] == "integer" else None


def _decimal(field, found, text):
    kind, _, digits = found["proof"].partition(":")
    if kind not in ("integer", "decimal"):
        return None
    whole, scale = map(int, digits.split(",")) if digits else (18, 0)
    precision, places = field.kind.digits(field)
    fits = scale <= places and whole <= precision - places
    return f"{text}::{field.kind.column(field)}" if fits else None


def _date(field, found, text):
    return f"{text}::date" if found["proof"] == "date" else None


def _datetime(field, found, text):
    if found["proof"] == "zoned":
        return f"{text}::timestamptz"
    if found["proof"] == "local":
        zone = literal(timezone.get_current_timezone_name())
        return f"{text}::timestamp AT TIME ZONE {zone}"
    return None


def _boolean(field, found, text):
    return f"{text}::boolean" if found["proof"] == "boolean" else None


def _text(field, found, text):
    short = found["longest"] <= field.kind.length(field)
    return text if short and not found["padded"] else None


PROVEN = {
    "integer": _integer,
    "decimal": _decimal,
    "currency": _decimal,
    "percent": _decimal,
    "date": _date,
    "datetime": _datetime,
    "boolean": _boolean,
    "text": _text,
    "long_text": _text,
}
