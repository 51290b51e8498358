"""Forms of triggers and steps, made from their pydantic models.

A form is a list of Controls. Each kind of control shows a value in HTML names of its own and reads
it back from what was posted; which kind an option gets follows from its name and its type alone, so
that a new trigger or step has a form without anybody writing one.
"""

import json
import re
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

from automations.comparing import Comparison
from automations.condition_forms import (
    condition_context,
    read_comparison,
    read_condition,
)

HIDDEN = ("id", "type")
LABELS = {
    "each": "Start", "was": "From", "now": "To", "fields": "Only when one of these changes",
    "where": "Only entries that match", "keys": "The same entry has the same", "entry": "Which entry",
    "on_error": "When it fails", "retries": "Try again so often", "any_status": "Take any answer as good",
    "when_unknown": "When nobody knows whether it happened", "people": "Whom to ask",
    "silence": "When nobody answers", "wait": "Wait until it is over", "items": "The list",
    "amount": "How long", "until": "Or until", "failed": "As failed", "to": "To", "cc": "Copy to",
    "url": "Address", "days": "Days to answer", "pause_after": "Pause after so many failures in a row",
    "policy": "While another one runs", "missed": "Ticks that were missed", "every": "Every",
    "cron": "Or a cron line", "at": "At (hh:mm)", "limit": "At most", "was_": "From",
}  # fmt: skip
CHOICES = {
    "entry": "once for every entry", "operation": "once for all entries of a change",
    "once": "catch up with one run", "skip": "skip", "stop": "the run fails",
    "continue": "go on with the next step", "queue": "wait for it", "cancel_previous": "cancel the older one",
    "at_once": "at once", "result": "with the result", "ask": "ask a person", "again": "do it again",
    "rejected": "count it as rejected", "approved": "count it as approved", "fail": "fail the run",
}  # fmt: skip
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
LINES = ("body", "code", "question", "reason")
FIRST = ("record", "workflow", "agent")
LAST = ("name", "on_error", "retries")


@dataclass
class Control:
    """One option on a form; `kind` names its part of the template."""

    name: str
    kind: str
    value: Any = None
    label: str = ""
    required: bool = False
    choices: list = field(default_factory=list)
    more: dict = field(default_factory=dict)
    errors: list = field(default_factory=list)

    @property
    def text(self):
        return shown(self.value)


def shown(value):
    """Return a literal or template as it stands in a text box."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def typed(text, old=None):
    """Return what a text box means: what it showed before, JSON where it is some, else the text."""
    text = text.replace("\r\n", "\n").replace("\x00", "")
    if shown(old) == text and old is not None:
        return old
    if text.strip()[:1] in ("[", "{") and not text.strip().startswith("{{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def controls(model, data, book, errors=()):
    """Return the Controls of a trigger's or step's model for `data`, its JSON.

    `errors` are (name of the option or "", sentence).
    """
    made = []
    record = (
        data.get("record") and book.record(data["record"]) if _is_id(data.get("record")) else None
    )
    for name in options_of(model):
        info = model.model_fields[name]
        kind = kind_of(name, info, model)
        value = data.get(
            name, None if info.is_required() else info.get_default(call_default_factory=True)
        )
        control = Control(name, kind, value, LABELS.get(name, name.replace("_", " ").capitalize()))
        control.required = info.is_required()
        control.errors = [said for option, said in errors if option == name]
        _furnish(control, info, record, book)
        made.append(control)
    return made


def read(model, post, data, book):
    """Return `data` with what was posted of a form of `model`; it is checked by nobody yet."""
    made = dict(data)
    for name in options_of(model):
        info = model.model_fields[name]
        kind = kind_of(name, info, model)
        if f"has-{name}" in post:
            value = READERS[kind](post, name, data.get(name), made, book)
            if value is None and not info.is_required():
                made.pop(name, None)
            else:
                made[name] = value
    return made


def options_of(model):
    """Return the names of the options that a form of `model` shows, in the order in which it does.

    Steps inside a step are put in on the picture; the cases of a switch have conditions as well.
    """
    inside = set(getattr(model, "blocks", ())) - {"cases"}
    names = [name for name in model.model_fields if name not in HIDDEN and name not in inside]
    return sorted(names, key=lambda name: (name in LAST, name not in FIRST))


def kind_of(name, info, model):
    """Return the kind of control for an option."""
    hint = _plain(info.annotation)
    has_record = "record" in model.model_fields
    if name in FIRST and UUID in (hint, *get_args(hint)):
        return name
    if hint is Comparison:
        return "comparison"
    if name == "where":
        return "condition"
    if name == "values" and has_record:
        return "fields_values"
    if name in ("fields", "keys") and has_record:
        return "field_list"
    if name == "field" and has_record:
        return "field"
    if name == "cases":
        return "cases"
    if name == "timezone":
        return "zone"
    if name == "weekdays":
        return "weekdays"
    return _by_type(name, hint, info)


def _by_type(name, hint, info):
    if name == "on_error" or get_origin(hint) is Literal:
        return "choice"
    simple = {bool: "check", int: "number"}.get(hint)
    if simple:
        return simple
    if hint is str:
        longest = max((getattr(m, "max_length", 0) or 0 for m in info.metadata), default=0)
        return "lines" if name in LINES or (longest >= 2000 and name != "url") else "text"
    if hint is Any:
        return "lines_any" if name == "body" else "any"
    if get_origin(hint) is dict:
        return "pairs"
    if hint == list[str]:
        return "list"
    return "json"


def _plain(hint):
    """Return an annotation without Annotated and without None."""
    if get_origin(hint) is typing.Annotated:
        return _plain(get_args(hint)[0])
    if get_origin(hint) in (typing.Union, types.UnionType):
        rest = [part for part in get_args(hint) if part is not type(None)]
        if len(rest) == 1:
            return _plain(rest[0])
    return hint


def _furnish(control, info, record, book):
    """Give a control what its kind needs to be shown: choices, fields, rows."""
    kind, value = control.kind, control.value
    fields = list(record.structure.fields) if record else []
    if kind == "record":
        control.choices = [(str(r.pk), r.name) for r in _records(book)]
        control.value = str(value or "")
    elif kind in ("workflow", "agent"):
        rows = _workflows(book) if kind == "workflow" else _agents(book)
        control.choices = [(str(row.pk), row.name) for row in rows]
        control.value = str(value or "")
    elif kind == "choice":
        hint = _plain(info.annotation)
        values = get_args(hint) or ("stop", "continue")
        control.choices = [(v, CHOICES.get(v, str(v))) for v in values]
    elif kind in ("field", "field_list"):
        control.choices = [
            (f.key, f.label) for f in fields if not f.kind.virtual or kind == "field"
        ]
        control.value = value or ([] if kind == "field_list" else "")
    elif kind == "fields_values":
        writable = [f for f in fields if not (f.kind.computed or f.kind.virtual)]
        given = value or {}
        rows = [(f, shown(given.get(f.key)), f.key in given) for f in writable]
        control.more = {"set": [r for r in rows if r[2]] or rows[:3]}
        control.more["rest"] = [r for r in rows if r not in control.more["set"]]
    elif kind == "pairs":
        rows = [(key, shown(item)) for key, item in (value or {}).items()]
        control.more = {"rows": [*rows, ("", "")]}
    elif kind == "list":
        control.value = "\n".join(value or [])
    elif kind == "weekdays":
        control.choices = list(enumerate(DAYS))
    elif kind == "condition":
        control.more = condition_context(control.name, value, record)
    elif kind == "comparison":
        control.more = comparison_context(control.name, value, book)
    elif kind == "cases":
        cases = [case.get("condition") for case in value or []]
        control.more = {
            "cases": [
                comparison_context(f"cases-{n}", case, book)
                for n, case in enumerate([*cases, None])
            ]
        }
    elif kind == "json":
        control.value = json.dumps(value, indent=2, ensure_ascii=False, default=str)


def comparison_context(name, value, book):
    """Return what the template needs of a Comparison, that of an entry's filter included."""
    from automations.condition_forms import comparison_rows

    made = comparison_rows(name, value)
    chosen = (value or {}).get("record")
    record = book.record(chosen) if _is_id(chosen) else None
    made["record"] = str(chosen or "")
    made["records"] = [(str(r.pk), r.name) for r in _records(book)]
    made["where"] = condition_context(f"{name}-where", (value or {}).get("where"), record)
    return made


def _records(book):
    from records.models import Record

    rows = Record.objects.filter(workspace=book.workspace_id, deleted_at=None)
    return rows.order_by("position", "id").only("id", "name")


def _workflows(book):
    from automations.models import Workflow

    return Workflow.objects.filter(workspace=book.workspace_id, deleted_at=None).only("id", "name")


def _agents(book):
    from automations.models import Agent

    return Agent.objects.filter(workspace=book.workspace_id, deleted_at=None).only("id", "name")


def _is_id(value):
    return bool(re.fullmatch(r"[0-9a-fA-F-]{32,36}", str(value or "")))


def _number(post, name, old, made, book):
    text = post.get(name, "").strip()
    if not text:
        return None
    return int(text) if re.fullmatch(r"-?\d{1,12}", text) else text


def _values(post, name, old, made, book):
    record = book.record(made["record"]) if _is_id(made.get("record")) else None
    values, given = {}, old or {}
    for item in record.structure.fields if record else ():
        text = post.get(f"{name}.{item.key}")
        if post.get(f"{name}.{item.key}.empty"):
            values[item.key] = None
        elif text not in (None, ""):
            values[item.key] = typed(text, given.get(item.key))
    return values


def _pairs(post, name, old, made, book):
    keys, values = post.getlist(f"{name}.key"), post.getlist(f"{name}.value")
    given = old or {}
    return {
        key.strip()[:100]: typed(value, given.get(key.strip()))
        for key, value in zip(keys, values, strict=False)
        if key.strip()
    }


def _json(post, name, old, made, book):
    try:
        return json.loads(post.get(name) or "null")
    except (ValueError, RecursionError):
        return post.get(name)


def _cases(post, name, old, made, book):
    cases, known = [], old or []
    for number in range(min(51, len(known) + 1)):
        condition = read_comparison(post, f"cases-{number}", book)
        if condition:
            steps = known[number].get("steps", []) if number < len(known) else []
            cases.append({"condition": condition, "steps": steps})
    return cases


def _any(post, name, old, made, book):
    return typed(post[name], old) if post.get(name) else None


READERS = {
    "record": lambda post, name, *_: post.get(name) or None,
    "workflow": lambda post, name, *_: post.get(name) or None,
    "agent": lambda post, name, *_: post.get(name) or None,
    "choice": lambda post, name, *_: post.get(name),
    "check": lambda post, name, *_: name in post,
    "number": _number,
    "text": lambda post, name, *_: post.get(name, "").replace("\x00", ""),
    "zone": lambda post, name, *_: post.get(name, "").strip(),
    "lines": lambda post, name, *_: post.get(name, "").replace("\r\n", "\n").replace("\x00", ""),
    "any": _any,
    "lines_any": _any,
    "field": lambda post, name, *_: post.get(name, ""),
    "field_list": lambda post, name, *_: post.getlist(name),
    "weekdays": lambda post, name, *_: [int(d) for d in post.getlist(name) if d in "0123456"],
    "list": lambda post, name, *_: [
        x.strip() for x in post.get(name, "").splitlines() if x.strip()
    ],
    "fields_values": _values,
    "pairs": _pairs,
    "json": _json,
    "cases": _cases,
    "condition": lambda post, name, old, made, book: read_condition(
        post, name, book.record(made["record"]) if _is_id(made.get("record")) else None
    ),
    "comparison": lambda post, name, old, made, book: read_comparison(post, name, book),
}
