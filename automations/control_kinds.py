"""The kinds of controls on forms of steps: what each needs to be shown, and how it is read back.

A reader takes (what was posted, name, the value before, the form's other values so far, book, keep)
and returns the value; None leaves the option out.
"""

import json
from zoneinfo import available_timezones

from automations.condition_forms import (
    MOST_PARTS,
    as_text,
    choices_of,
    comparison_context,
    condition_context,
    is_id,
    read_comparison,
    read_condition,
    records_of,
    shown,
)
from automations.integrations import arguments, controls
from records.models import PublicForm

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def typed(text, old=None):
    """Return what a text box means: what it showed before, JSON where it is some, else the text."""
    text = text.replace("\r\n", "\n").replace("\x00", "")
    if old is not None and shown(old).replace("\r\n", "\n") == text:
        return old
    if text.strip()[:1] in ("[", "{") and not text.strip().startswith("{{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _workflows(book):
    from automations.models import Workflow

    return Workflow.objects.filter(workspace=book.workspace_id, deleted_at=None).only("id", "name")


def _agents(book):
    from automations.models import Agent

    return Agent.objects.filter(workspace=book.workspace_id, deleted_at=None).only("id", "name")


def _forms(book):
    forms = PublicForm.objects.filter(workspace=book.workspace_id, deleted_at=None)
    found = list(forms.filter(record__deleted_at=None).select_related("record").order_by("name"))
    for form in found:
        form.name = f"{form.name} ({form.record.name})"
    return found


# Options that hold an id, by their name: what there is to pick from, as rows with pk and name.
PICKERS = {"record": records_of, "workflow": _workflows, "agent": _agents, "form": _forms}


def furnish(control, record, book):
    """Give a control what its kind needs to be shown: choices, fields, rows."""
    show = SHOWN.get(control.kind)
    if show:
        show(control, record, book)


def _pick(control, record, book):
    rows = PICKERS.get(control.name.rpartition(".")[2], lambda book: ())(book)
    control.choices = [(str(row.pk), row.name) for row in rows]
    control.value = str(control.value or "")


def _fields(record):
    return list(record.structure.fields) if record else []


def _field(control, record, book):
    control.choices = [(f.key, f.label) for f in _fields(record)]
    control.value = control.value or ""


def _field_list(control, record, book):
    control.choices = [(f.key, f.label) for f in _fields(record) if not f.kind.virtual]
    control.value = control.value or []


def _fields_values(control, record, book):
    given = control.value or {}
    rows = [
        (f, shown(given.get(f.key)), f.key in given, choices_of(f))
        for f in _fields(record)
        if not (f.kind.computed or f.kind.virtual)
    ]
    there = [row for row in rows if row[2]] or rows[:3]
    control.more = {"set": there, "rest": [row for row in rows if row not in there]}


def _sort(control, record, book):
    control.choices = [(f.key, f.label) for f in _fields(record) if f.kind.sortable]
    rows = [(item.removeprefix("-"), item.startswith("-")) for item in control.value or []]
    control.more = {"rows": [*rows, ("", False)]}


def _pairs(control, record, book):
    rows = [(key, shown(item)) for key, item in (control.value or {}).items()]
    control.more = {"rows": [*rows, ("", "")]}


def _list(control, record, book):
    control.value = "\n".join(map(shown, control.value or []))


def _weekdays(control, record, book):
    control.choices, control.value = list(enumerate(DAYS)), control.value or []


def _zones(control, record, book):
    control.choices = sorted(available_timezones())


def _condition(control, record, book):
    control.more = condition_context(control.name, control.value, record)


def _comparison(control, record, book):
    control.more = comparison_context(control.name, control.value, book)


def _json(control, record, book):
    control.value = as_text(control.value, indent=2)


SHOWN = {
    "pick": _pick,
    "field": _field,
    "field_list": _field_list,
    "fields_values": _fields_values,
    "sort": _sort,
    "pairs": _pairs,
    "list": _list,
    "weekdays": _weekdays,
    "timezone": _zones,
    "condition": _condition,
    "comparison": _comparison,
    "json": _json,
}


def _read_number(post, name, old, made, book, keep):
    text = post.get(name, "").strip()
    if not text:
        return None
    small = len(text) < 13 and text.isascii() and text.lstrip("-").isdigit()
    return int(text) if small and text.count("-") <= text.startswith("-") else text


def _read_text(post, name, *_):
    return post.get(name, "").replace("\r\n", "\n").replace("\x00", "")


def _read_any(post, name, old, made, book, keep):
    return typed(post[name], old) if post.get(name) else None


def _read_values(post, name, old, made, book, keep):
    record = book.record(made["record"]) if is_id(made.get("record")) else None
    values, given = {}, old or {}
    for item in _fields(record):
        text = post.get(f"{name}.{item.key}")
        if post.get(f"{name}.{item.key}.empty"):
            values[item.key] = None
        elif text not in (None, ""):
            values[item.key] = typed(text, given.get(item.key))
    return values


def _read_sort(post, name, old, made, book, keep):
    rows = zip(post.getlist(f"{name}.key"), post.getlist(f"{name}.down"), strict=False)
    return [f"{'-' if down else ''}{key}" for key, down in rows if key][:10]


def _read_pairs(post, name, old, made, book, keep):
    rows = zip(post.getlist(f"{name}.key"), post.getlist(f"{name}.value"), strict=False)
    given = old or {}
    return {key.strip(): typed(value, given.get(key.strip())) for key, value in rows if key.strip()}


def _read_arguments(post, name, old, made, book, keep):
    """Read a tool's arguments: its controls, and rows of which those without a value are left out.

    Of a form that was made for another tool, what the one chosen now takes as well is kept.
    """
    pairs = _read_pairs(post, name, old, made, book, keep)
    found = arguments.read(post, name) | {key: v for key, v in pairs.items() if v != ""}
    before = post.get(f"{name}.tool", "")
    tool = controls.tool_of(made, book) if before not in ("", made.get("tool")) else None
    return arguments.kept(found, tool) if tool else found


def _read_list(post, name, old, made, book, keep):
    lines = (line.strip().replace("\x00", "") for line in post.get(name, "").splitlines())
    return [line for line in lines if line]


def _read_json(post, name, old, made, book, keep):
    try:
        return json.loads(post.get(name) or "null")
    except (ValueError, RecursionError):
        return post.get(name)


def _read_condition(post, name, old, made, book, keep):
    record = book.record(made["record"]) if is_id(made.get("record")) else None
    return read_condition(post, name, record, keep)


READERS = {
    "pick": lambda post, name, *_: post.get(name) or None,
    "choice": lambda post, name, *_: post.get(name) or None,
    "check": lambda post, name, *_: name in post,
    "number": _read_number,
    "text": _read_text,
    "timezone": lambda post, name, *_: post.get(name, "").strip(),
    "lines": _read_text,
    "any": _read_any,
    "lines_any": _read_any,
    "field": lambda post, name, *_: post.get(name, ""),
    "field_list": lambda post, name, *_: post.getlist(name),
    "weekdays": lambda post, name, *_: [
        int(d) for d in post.getlist(name) if d in tuple("0123456")
    ],
    "list": _read_list,
    "fields_values": _read_values,
    "sort": _read_sort,
    "pairs": _read_pairs,
    "arguments": _read_arguments,
    "json": _read_json,
    "condition": _read_condition,
    "comparison": lambda post, name, old, made, book, keep: read_comparison(post, name, book, keep),
}

__all__ = ["MOST_PARTS", "PICKERS", "READERS", "furnish", "typed"]
