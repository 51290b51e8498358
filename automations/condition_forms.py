"""Conditions as rows of a form: field, operator, value; all or any of them must hold.

What rows can't show, such as groups inside groups, is edited as JSON.
"""

import json
import re

from automations.comparing import OPERATORS

MOST_ROWS = 50
NUMBERS = ("integer", "decimal", "currency", "percent", "rating", "autonumber")


def condition_context(name, where, record):
    """Return what the template needs to show a condition on entries of `record`."""
    word, parts = _flat(where)
    fields = list(record.structure.fields) if record else []
    made = {"name": name, "join": word, "fields": [(f.key, f.label) for f in fields]}
    if parts is None:
        return made | {"json": json.dumps(where, indent=2, ensure_ascii=False)}
    known = {f.key: f for f in fields}
    made["rows"] = [_row(known, part) for part in parts] + [_row(known, {})]
    return made


def _flat(where):
    """Return (and or or, the comparisons), or (word, None) for what is no plain list."""
    if not where:
        return "and", []
    for word in ("and", "or"):
        if isinstance(where.get(word), list):
            plain = all(isinstance(part, dict) and "field" in part for part in where[word])
            return word, where[word] if plain else None
    return ("and", [where]) if "field" in where else ("and", None)


def _row(known, part):
    item = known.get(part.get("field"))
    value = part.get("value")
    text = (
        ", ".join(map(str, value))
        if isinstance(value, list)
        else ("" if value is None else str(value))
    )
    operators = [(op.key, op.label) for op in item.kind.operators] if item else []
    choices = [c.get("label") for c in (item.options.get("choices") or [])] if item else []
    return {
        "field": part.get("field", ""),
        "op": part.get("op", ""),
        "value": text,
        "operators": operators,
        "choices": [c for c in choices if c],
    }


def read_condition(post, name, record):
    """Return the condition tree that was posted, or None."""
    if f"{name}-json" in post:
        try:
            return json.loads(post[f"{name}-json"] or "null")
        except (ValueError, RecursionError):
            return {"field": "?", "op": "?"}
    keys = post.getlist(f"{name}-field")[:MOST_ROWS]
    operators, values = post.getlist(f"{name}-op"), post.getlist(f"{name}-value")
    known = {f.key: f for f in record.structure.fields} if record else {}
    parts = []
    for key, op, text in zip(keys, operators, values, strict=False):
        if key:
            parts.append(_comparison(known.get(key), key, op, text))
    if not parts:
        return None
    word = "or" if post.get(f"{name}-join") == "or" else "and"
    return parts[0] if len(parts) == 1 else {word: parts}


def _comparison(item, key, op, text):
    found = None
    if item is not None:
        operators = item.kind.operators
        found = next((o for o in operators if o.key == op), operators[0] if operators else None)
    if found is None:
        return {"field": key, "op": op, "value": text}
    made = {"field": key, "op": found.key}
    if found.takes == "nothing":
        return made
    if found.takes in ("two", "many") and "{{" not in text:
        return made | {"value": [_as(item, part.strip()) for part in text.split(",")]}
    number = found.takes == "number"
    return made | {"value": _number(text) if number else _as(item, text)}


def _as(item, text):
    """Return a text as a value of the field's type, where that is another one in JSON."""
    if item.type in NUMBERS:
        return _number(text)
    if item.type == "boolean" and text.lower() in ("yes", "true", "no", "false"):
        return text.lower() in ("yes", "true")
    return text


def _number(text):
    text = text.strip()
    if re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d{1,15}\.\d{1,10}", text) else text


def comparison_rows(name, value):
    """Return what the template needs to show a Comparison of a step."""
    value = value or {}
    made = {"name": name, "kind": "values", "join": "any" if value.get("any") else "all"}
    made["operators"] = list(OPERATORS.items())
    if value.get("where") is not None or (value.get("record") and not value.get("op")):
        return made | {"kind": "entry", "entry": value.get("entry", "{{ trigger.entry }}")}
    parts = value.get("all") or value.get("any") or ([value] if value.get("op") else [])
    if not all(isinstance(part, dict) and part.get("op") for part in parts):
        return made | {"kind": "json", "json": json.dumps(value, indent=2, ensure_ascii=False)}
    made["rows"] = [*parts, {"value": "", "op": "is", "other": ""}]
    for number, part in enumerate(made["rows"]):
        made["rows"][number] = {
            "value": _text(part.get("value")),
            "op": part.get("op"),
            "other": _text(part.get("other")),
        }
    return made


def _text(value):
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def read_comparison(post, name, book):
    """Return the Comparison that was posted as JSON, or None."""
    kind = post.get(f"{name}-kind", "values")
    if kind == "json":
        try:
            return json.loads(post.get(f"{name}-json") or "null")
        except (ValueError, RecursionError):
            return {"op": "?"}
    if kind == "entry":
        chosen = post.get(f"{name}-record", "")
        record = book.record(chosen) if re.fullmatch(r"[0-9a-fA-F-]{36}", chosen) else None
        entry = post.get(f"{name}-entry") or "{{ trigger.entry }}"
        where = read_condition(post, f"{name}-where", record)
        return {"record": chosen or None, "entry": entry, "where": where or {}}
    rows = zip(
        post.getlist(f"{name}-value"),
        post.getlist(f"{name}-op"),
        post.getlist(f"{name}-other"),
        strict=False,
    )
    parts = [
        {"value": _number(value), "op": op, "other": _number(other)}
        for value, op, other in rows
        if value.strip()
    ][:MOST_ROWS]
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    return {"any" if post.get(f"{name}-join") == "any" else "all": parts}
