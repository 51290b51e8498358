"""Forms of triggers and steps, made from their pydantic models.

A form is a list of Controls. Each kind of control shows a value in HTML names of its own and reads
it back from what was posted (automations/control_kinds.py); which kind an option gets follows from
its name and its type alone, so that a new trigger or step has a form without anybody writing one.
"""

import types
import typing
from dataclasses import dataclass, field
from typing import Any, ForwardRef, Literal, get_args, get_origin
from uuid import UUID

from automations import control_kinds
from automations.comparing import Comparison
from automations.condition_forms import is_id, shown
from automations.integrations import controls as connections
from automations.parts import Part
from automations.steps.base import Step

HIDDEN = ("id", "type")
LABELS = {
    "each": "Start", "was": "From", "now": "To", "fields": "Only when one of these changes",
    "where": "Only entries that match", "keys": "The same entry has the same", "entry": "Which entry",
    "on_error": "When it fails", "retries": "Try again so often", "any_status": "Take any answer as good",
    "accept_cut": "Take an answer that is cut",
    "when_unknown": "When nobody knows whether it happened", "people": "Whom to ask",
    "silence": "When nobody answers", "wait": "Wait until it is over", "items": "The list",
    "amount": "How long", "until": "Or until", "failed": "As failed", "to": "To", "cc": "Copy to",
    "url": "Address", "days": "Days to answer", "pause_after": "Pause after so many failures in a row",
    "missed": "Ticks that were missed", "every": "Every", "sort": "In which order",
    "cron": "Or a cron line", "at": "At (hh:mm)", "limit": "At most", "at_once": "Items at once", "timezone": "Time zone",
    "code": "Python", "timeout": "Wait for the answer (seconds)", "reply_to": "Answers go to",
}  # fmt: skip
CHOICES = {
    "entry": "once for every entry", "operation": "once for all entries of a change",
    "once": "catch up with one run", "skip": "skip", "stop": "the run fails",
    "continue": "go on with the next step", "queue": "wait for it", "cancel_previous": "cancel the older one",
    "at_once": "at once", "result": "with the result", "ask": "ask a person", "again": "do it again",
    "rejected": "count it as rejected", "approved": "count it as approved", "fail": "fail the run",
    "csv": "CSV", "xlsx": "Excel", "json": "JSON",
}  # fmt: skip
LINES = ("body", "code", "question", "reason", "prompt")
FIRST = ("record", "workflow", "agent", "form")
# What is the same for all steps stands apart, below the rest.
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
    last: bool = False

    @property
    def text(self):
        return shown(self.value)


def label_of(name):
    """Return what people call an option."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def controls(model, data, book, errors=(), prefix=""):
    """Return the Controls of a model's form for `data`, its JSON.

    `errors` are (path of the option or "", sentence); `prefix` begins the names of inputs.
    """
    made = []
    record = book.record(data["record"]) if is_id(data.get("record")) else None
    for name in options_of(model):
        info = model.model_fields[name]
        first = None if info.is_required() else info.get_default(call_default_factory=True)
        label = info.title or label_of(name)
        control = Control(prefix + name, kind_of(name, info, model), data.get(name, first), label)
        control.required, control.last = info.is_required(), name in LAST and not prefix
        control.errors = [said for path, said in errors if path.partition("/")[0] == name]
        if control.kind == "choice":
            values = get_args(_plain(info.annotation)) or ("stop", "continue")
            control.choices = [(value, CHOICES.get(value, str(value))) for value in values]
        elif control.kind == "parts":
            _furnish_parts(control, part_of(info), book)
        else:
            control_kinds.furnish(control, record, book)
        made.append(control)
    return connections.refine(made, model, data, book, errors)


def _furnish_parts(control, model, book):
    """Give a list of parts a form for each of them, and for one more where there has to be one."""
    items = control.value or ([{}] if control.required else [])
    control.more = {"parts": []}
    for number, item in enumerate(items):
        name = f"{control.name}.{number}"
        inner = controls(model, item, book, prefix=f"{name}.")
        was = item.get("_was", number if control.value else "")
        control.more["parts"].append((name, was, inner))


def read(model, post, data, book, prefix="", keep=False):
    """Return `data` with what was posted of a form of `model`; it is checked by nobody yet.

    With `keep` it is for showing the form again: unfinished parts stay.
    """
    made = dict(data)
    for name in options_of(model):
        info, at = model.model_fields[name], prefix + name
        if f"has-{at}" not in post:
            continue
        kind, old = kind_of(name, info, model), data.get(name)
        if kind == "parts":
            value = _read_parts(part_of(info), post, old or [], book, at, keep)
        else:
            value = control_kinds.READERS[kind](post, at, old, made, book, keep)
        if value is None and not info.is_required():
            made.pop(name, None)
        else:
            made[name] = value
    return made


def _read_parts(model, post, old, book, name, keep):
    """Return a list of parts; each keeps what its form does not show, such as steps inside."""
    made, grow = [], post.get("grow", "") if keep else ""
    for number in range(control_kinds.MOST_PARTS):
        at = f"{name}.{number}"
        if f"{at}.was" not in post or grow == f"{at}:drop":
            continue
        was = post[f"{at}.was"]
        known = was.isascii() and was.isdigit() and int(was) < len(old)
        part = read(model, post, old[int(was)] if known else {}, book, f"{at}.", keep)
        made.append(part | ({"_was": was} if keep else {}))
    if grow == f"{name}:part":
        made.append({"_was": ""})
    return made


def options_of(model):
    """Return the names of the options that a form of `model` shows, in the order in which it does.

    Steps inside a step are put in on the picture.
    """
    hidden = (*HIDDEN, *getattr(model, "implied", ()))
    names = [name for name in model.model_fields if name not in hidden]
    names = [name for name in names if not _holds_steps(model.model_fields[name])]
    return sorted(names, key=lambda name: (name in LAST, name not in FIRST))


def _holds_steps(info):
    inner = get_args(_plain(info.annotation))[:1]
    if not inner or isinstance(inner[0], ForwardRef):
        return bool(inner)
    kinds = get_args(_plain(inner[0])) or inner
    return any(isinstance(kind, type) and issubclass(kind, Step) for kind in kinds)


def part_of(info):
    """Return the model of the parts in a list of them, None for anything else."""
    hint = _plain(info.annotation)
    inner = get_args(hint)[:1] if get_origin(hint) is list else ()
    found = isinstance(inner[0], type) and issubclass(inner[0], Part) if inner else False
    return inner[0] if found else None


def kind_of(name, info, model):
    """Return the kind of control for an option."""
    hint = _plain(info.annotation)
    if getattr(model, "connects", ()) and name in connections.KINDS:
        return connections.KINDS[name]
    has_record = "record" in model.model_fields
    if UUID in (hint, *get_args(hint)) and name in control_kinds.PICKERS:
        return "pick"
    if hint is Comparison:
        return "comparison"
    if part_of(info):
        return "parts"
    if name == "where":
        return "condition"
    if name in ("timezone", "weekdays"):
        return name
    if has_record:
        named = {
            "values": "fields_values",
            "fields": "field_list",
            "keys": "field_list",
            "field": "field",
            "sort": "sort",
        }
        if name in named:
            return named[name]
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
