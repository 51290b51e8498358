"""Conditions as forms: groups (all, any or none of these hold) of rules and further groups.

A group's inputs begin with its name, those of its parts with that and their number: where-join,
where-0-field, where-1-join, where-1-0-field … Buttons called `grow` say what changes: “where:rule”
adds a rule, “where:group” a group, “where-1:drop” takes a part away. What no form can show is
edited as JSON. `keep` is for showing a form again: then nothing unfinished is left out.
"""

import json
import re

from automations.comparing import ALONE, OPERATORS

MOST_PARTS = 50
NUMBERS = ("integer", "decimal", "currency", "percent", "rating", "autonumber")
JOINS = {"and": "all of these", "or": "any of these", "not": "none of these"}
WORDS = {"all": "all of these", "any": "any of these"}


# Conditions on entries


def condition_context(name, where, record):
    """Return what the template needs to show a condition on entries of `record`."""
    fields = list(record.structure.fields) if record else []
    top = {"name": name, "fields": [(f.key, f.label) for f in fields], "joins": JOINS.items()}
    if where and not _is_tree(where):
        return top | {"json": as_text(where, indent=2)}
    known = {f.key: f for f in fields}
    top["plain"] = not where or "field" in where
    root = {"and": [where]} if where and "field" in where else where or {"and": []}
    return top | _group(name, root, known)


def _is_tree(node, depth=0):
    """Return whether a condition can be shown as groups and rules."""
    if not isinstance(node, dict) or depth > 12:
        return False
    for word in ("and", "or"):
        if isinstance(node.get(word), list) and len(node) == 1:
            return all(_is_tree(part, depth + 1) for part in node[word])
    if "not" in node:
        return len(node) == 1 and _is_tree(node["not"], depth + 1)
    return isinstance(node.get("field"), str) and set(node) <= {"field", "op", "value"}


def _group(name, node, known):
    join, parts = _parts(node)
    shown = parts or [{"field": ""}]
    return {
        "group": True,
        "join": join,
        "items": [_node(f"{name}-{number}", part, known) for number, part in enumerate(shown)],
    }


def _parts(node):
    """Return (and, or or not; the parts) of a group."""
    if "not" in node:
        inner = node["not"]
        return "not", inner.get("or", [inner])
    word = "or" if "or" in node else "and"
    return word, node[word]


def _node(name, part, known):
    if "field" not in part:
        return {"name": name} | _group(name, part, known)
    item = known.get(part["field"])
    operators = item.kind.operators if item else ()
    found = next((op for op in operators if op.key == part.get("op")), None)
    return {
        "name": name,
        "field": part["field"],
        "op": part.get("op", ""),
        "value": _listed(part.get("value")),
        "was": as_text(part),
        "operators": [(op.key, op.label) for op in operators],
        "alone": found is not None and found.takes == "nothing",
        "choices": choices_of(item) if item else [],
    }


def choices_of(item):
    """Return the labels that a field's value can be picked from, [] for any value."""
    if item.type == "boolean":
        return ["yes", "no"]
    choices = item.options.get("choices") or []
    return [c.get("label") if isinstance(c, dict) else str(c) for c in choices]


def _listed(value):
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return shown(value)


def shown(value):
    """Return a literal or template as it stands in a text box."""
    return _whole(value or "") if value is None or isinstance(value, str) else as_text(value)


def as_text(value, indent=None):
    """Return JSON as it stands in a text box."""
    return _whole(json.dumps(value, ensure_ascii=False, default=str, indent=indent))


def _whole(text):
    # Half a character, which no page can hold, stands there as JSON writes it.
    return text.encode("utf-8", "backslashreplace").decode()


def read_condition(post, name, record, keep=False):
    """Return the condition tree that was posted, or None."""
    if f"{name}-json" in post:
        return read_json(post[f"{name}-json"], {"field": "?", "op": "?"})
    if f"{name}-join" not in post:
        return None
    known = {f.key: f for f in record.structure.fields} if record else {}
    join, parts = _read_parts(post, name, lambda at: _read_node(post, at, known, keep), keep)
    plain = len(parts) == 1 and join != "not" and post.get(f"{name}-plain")
    if plain and "field" in parts[0]:
        return parts[0]
    return _joined(join, parts) if parts else None


def _joined(join, parts):
    if join == "not":
        return {"not": parts[0] if len(parts) == 1 and "field" in parts[0] else {"or": parts}}
    return {join: parts}


def _read_parts(post, name, read, keep):
    """Return (word, parts) of a group; what a button asks for is done."""
    grow, parts = post.get("grow", "") if keep else "", []
    for number in range(MOST_PARTS):
        at = f"{name}-{number}"
        if (f"{at}-join" in post or f"{at}-leaf" in post) and grow != f"{at}:drop":
            part = read(at)
            if part is not None:
                parts.append(part)
    if grow == f"{name}:rule":
        parts.append({"field": ""})
    elif grow == f"{name}:group":
        parts.append({"and": [{"field": ""}]})
    join = post.get(f"{name}-join")
    return join if join in JOINS or join in WORDS else "and", parts[:MOST_PARTS]


def _read_node(post, name, known, keep):
    if f"{name}-join" in post:
        join, parts = _read_parts(post, name, lambda at: _read_node(post, at, known, keep), keep)
        return _joined(join, parts) if parts else None
    key, op, text = (post.get(f"{name}-{part}", "") for part in ("field", "op", "value"))
    was = read_json(post.get(f"{name}-was", ""), {})
    if key and _as_shown(was) == (key, op, text):
        return was
    if not key:
        return {"field": ""} if keep else None
    return _rule(known.get(key), key, op, text)


def _as_shown(rule):
    """Return the three texts that a rule's boxes show."""
    if not isinstance(rule, dict):
        return None
    return rule.get("field"), rule.get("op", ""), _listed(rule.get("value"))


def _rule(item, key, op, text):
    operators = item.kind.operators if item is not None else ()
    found = next((o for o in operators if o.key == op), operators[0] if operators else None)
    if found is None:
        return {"field": key, "op": op, "value": text}
    made = {"field": key, "op": found.key}
    if found.takes == "nothing":
        return made
    if found.takes in ("two", "many") and "{{" not in text:
        return made | {"value": [_as(item, part.strip()) for part in text.split(",")]}
    number = found.takes == "number"
    return made | {"value": number_or_text(text) if number else _as(item, text)}


def _as(item, text):
    """Return a text as a value of the field's type, where that is another one in JSON."""
    if item.type in NUMBERS:
        return number_or_text(text)
    if item.type == "boolean" and text.lower() in ("yes", "true", "no", "false"):
        return text.lower() in ("yes", "true")
    return text


def number_or_text(text):
    """Return the number that a text is; texts such as 007 stay as they are."""
    text = text.replace("\x00", "").strip()
    if re.fullmatch(r"-?(0|[1-9]\d{0,14})", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?(0|[1-9]\d{0,9})\.\d{1,10}", text) else text


def read_json(text, otherwise):
    """Return what a box with JSON holds, `otherwise` when it is none."""
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError):
        return otherwise


# Conditions of steps: values compared, or an entry against a filter


def comparison_context(name, value, book):
    """Return what the template needs to show a Comparison."""
    top = {"name": name, "joins": WORDS.items(), "operators": OPERATORS.items()}
    top["records"] = [(str(record.pk), record.name) for record in records_of(book)]
    value = value or {}
    if value and not _is_comparison(value):
        return top | {"json": as_text(value, indent=2)}
    top["plain"] = not (value.get("all") or value.get("any"))
    root = {"all": [value] if value else []} if top["plain"] else value
    return top | _comparisons(name, root, book)


def _is_comparison(value, depth=0):
    if not isinstance(value, dict) or depth > 12:
        return False
    parts = value.get("all") or value.get("any") or []
    return isinstance(parts, list) and all(_is_comparison(part, depth + 1) for part in parts)


def _comparisons(name, node, book):
    word = "any" if node.get("any") else "all"
    parts = node.get(word) or [{}]
    items = [_compared(f"{name}-{number}", part, book) for number, part in enumerate(parts)]
    return {"group": True, "join": word, "items": items}


def _compared(name, part, book):
    if part.get("all") or part.get("any"):
        return {"name": name} | _comparisons(name, part, book)
    known = {key: part[key] for key in ("value", "op", "other") if key in part}
    made = {"name": name, "was": as_text(known), "kind": "values"}
    if part.get("kind") == "entry" or part.get("where") is not None or part.get("record"):
        record = book.record(part["record"]) if is_id(part.get("record")) else None
        made |= {"kind": "entry", "record": str(part.get("record") or "")}
        made["entry"] = shown(part.get("entry", "{{ trigger.entry }}"))
        made["where"] = condition_context(f"{name}-where", part.get("where"), record)
        return made
    op = part.get("op") or "is"
    return made | {
        "value": shown(part.get("value")),
        "op": op,
        "other": shown(part.get("other")),
        "alone": op in ALONE,
    }


def read_comparison(post, name, book, keep=False):
    """Return the Comparison that was posted as JSON, or None."""
    if f"{name}-json" in post:
        return read_json(post[f"{name}-json"], {"op": "?"})
    if f"{name}-join" not in post:
        return None
    made = _read_compared(post, name, book, keep)
    word = "any" if made and "any" in made else "all"
    parts = (made or {}).get(word, [])
    return parts[0] if len(parts) == 1 and post.get(f"{name}-plain") else made


def _read_compared(post, name, book, keep):
    if f"{name}-join" in post:
        read = lambda at: _read_compared(post, at, book, keep)  # noqa: E731
        word, parts = _read_parts(post, name, read, keep)
        parts = [_blank(part) for part in parts]
        return {"any" if word == "any" else "all": parts} if parts else None
    if post.get(f"{name}-kind") == "entry":
        chosen = post.get(f"{name}-record", "")
        record = book.record(chosen) if is_id(chosen) else None
        where = read_condition(post, f"{name}-where", record, keep)
        entry = post.get(f"{name}-entry") or "{{ trigger.entry }}"
        made = {"record": chosen or None, "entry": entry, "where": where or {}}
        return made | ({"kind": "entry"} if keep else {})
    value, op, other = (post.get(f"{name}-{part}", "") for part in ("value", "op", "other"))
    was = read_json(post.get(f"{name}-was", ""), {})
    if not value.strip() and not other.strip() and not keep and not (was or {}).get("op"):
        return None
    return {
        "value": _kept(was, "value", value),
        "op": op or "is",
        "other": None if op in ALONE else _kept(was, "other", other),
    }


def _blank(part):
    """Return a part as comparisons have it: new rules and groups are made for conditions."""
    if "field" in part:
        return {}
    return {"all": [{}]} if "and" in part else part


def _kept(was, name, text):
    """Return the value that stood there before if nobody touched it, else what was written."""
    if isinstance(was, dict) and name in was and shown(was[name]) == text:
        return was[name]
    if text.strip()[:1] in ("[", "{") and not text.strip().startswith("{{"):
        return read_json(text, text)
    return number_or_text(text)


def is_id(value):
    """Return whether a value looks like the id of a record, or of anything else that has a UUID."""
    return bool(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(value or "")))


def records_of(book):
    """Return the records of the book's workspace, in their order."""
    from records.models import Record

    rows = Record.objects.filter(workspace=book.workspace_id, deleted_at=None)
    return rows.order_by("position", "id").only("id", "name")
