"""Definitions to begin with, made from the records of a workspace.

A starter is a function of the workspace's records that returns a definition, or None where they
have nothing that it could work on.
"""

from dataclasses import dataclass
from typing import Any

STARTERS = {}


@dataclass(frozen=True)
class Starter:
    """A definition to begin with, and what it is called in the list."""

    key: str
    label: str
    icon: str
    hint: str
    definition: dict[str, Any]


def starters_for(records):
    """Return the Starters that the living Records of a workspace allow."""
    made = []
    for key, (build, icon, hint) in STARTERS.items():
        found = build(records)
        if found:
            label, definition = found
            made.append(Starter(key, label, icon, hint, definition))
    return made


def starter(icon):
    """Register the decorated function; its docstring is the hint."""

    def register(function):
        STARTERS[function.__name__] = (function, icon, function.__doc__)
        return function

    return register


def _fields(record, *types):
    return [field for field in record.structure.fields if field.type in types]


def _first(records, *types):
    """Return the first (record, field) of one of `types`, or None."""
    for record in records:
        for field in _fields(record, *types):
            return record, field
    return None


@starter("user-check")
def ask_before_large(records):
    """Somebody approves what is above a limit, on a page or from an e-mail."""
    found = _first(records, "currency", "decimal", "integer", "number")
    if found is None:
        return None
    record, field = found
    where = {"field": field.key, "op": "gt", "value": 1000}
    ask = {
        "id": "ask",
        "type": "approval",
        "question": f"{field.label} is {{{{ trigger.entry.{field.key} }}}}. Is that right?",
        "rejected": [
            {
                "id": "refuse",
                "type": "update_entry",
                "record": str(record.pk),
                "values": {field.key: None},
            }
        ],
    }
    trigger = {"type": "entry_created", "record": str(record.pk), "where": where}
    label = f"Ask before a large {field.label} in {record.name}"
    return label, {"trigger": trigger, "steps": [ask]}


@starter("git-branch")
def follow_up(records):
    """When one field reaches a value, an entry is added somewhere else."""
    found = _first(records, "choice")
    if found is None:
        return None
    record, field = found
    target = next((other for other in records if other != record), record)
    trigger = {"type": "entry_updated", "record": str(record.pk), "fields": [field.key]}
    add = {"id": "add", "type": "create_entry", "record": str(target.pk), "values": {}}
    title = next((f for f in _fields(target, "text", "long_text")), None)
    if title is not None:
        said = f"{field.label} is now {{{{ trigger.entry.{field.key} }}}}"
        add["values"] = {title.key: said}
    label = f"Add to {target.name} when {field.label} of {record.name} changes"
    return label, {"trigger": trigger, "steps": [add]}


@starter("calendar")
def remind(records):
    """Some days before a date of an entry, somebody is asked whether all is ready."""
    found = _first(records, "date", "datetime")
    if found is None:
        return None
    record, field = found
    trigger = {
        "type": "date_reached",
        "record": str(record.pk),
        "field": field.key,
        "offset": -3,
        "unit": "days",
    }
    ask = {
        "id": "ask",
        "type": "approval",
        "question": f"{field.label} is on {{{{ trigger.entry.{field.key} }}}}. Is all ready?",
        "days": 3,
    }
    label = f"Ask three days before {field.label} of {record.name}"
    return label, {"trigger": trigger, "steps": [ask]}


@starter("clock")
def every_morning(records):
    """Every morning entries are found, and something is done with each."""
    if not records:
        return None
    record = records[0]
    trigger = {"type": "schedule", "every": 1, "unit": "days", "at": "08:00"}
    find = {"id": "find", "type": "find_entries", "record": str(record.pk)}
    keep = {"id": "keep", "type": "set", "values": {"last": "{{ item.entry_id }}"}}
    each = {
        "id": "each",
        "type": "for_each",
        "items": "{{ steps.find.entries }}",
        "steps": [keep],
    }
    label = f"Look through {record.name} every morning"
    return label, {"trigger": trigger, "steps": [find, each]}


@starter("hand-click")
def by_hand(records):
    """A button on chosen entries changes one of their fields."""
    found = _first(records, "text", "long_text")
    if found is None:
        return None
    record, field = found
    trigger = {"type": "button", "record": str(record.pk)}
    change = {
        "id": "change",
        "type": "update_entry",
        "record": str(record.pk),
        "values": {field.key: f"{{{{ trigger.entry.{field.key} | upper }}}}"},
    }
    return f"A button for chosen entries of {record.name}", {"trigger": trigger, "steps": [change]}
