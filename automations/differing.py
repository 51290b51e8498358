"""Two definitions side by side: what was added, taken away, changed or moved."""

from dataclasses import dataclass, field

from automations import comparing
from automations import definition as definitions
from automations.condition_forms import shown
from automations.parts import said_condition
from automations.scope import walked
from automations.step_forms import CHOICES, kind_of, label_of
from automations.steps.base import said_values
from workspaces.errors import Invalid, KdapError


@dataclass
class Line:
    """One trigger or step on both sides, in words.

    `options` are (name, before, after) of what changed as it stands in the definition, `worded` the
    same as forms and sentences say it.
    """

    title: str
    kind: str  # same, added, removed, changed, moved
    before: str = ""
    after: str = ""
    depth: int = 0
    options: list = field(default_factory=list)
    worded: list = field(default_factory=list)


def compare(before, after, book):
    """Return the Lines of two definitions (JSON), in the order of the newer one.

    What can't be read any more, as after a step was taken out of the product, is no part of it.
    """
    old, new = _parts(before, book), _parts(after, book)
    lines = []
    for key, part in new.items():
        lines.append(_line(old.get(key), part))
    places = list(new)
    for number, key in enumerate(old):
        if key in new:
            continue
        # A step that is gone stands after the one it stood after.
        known = [places.index(other) for other in list(old)[:number] if other in places]
        at = (max(known) + 1) if known else 0
        places.insert(at, key)
        part = old[key]
        lines.insert(at, Line(part.title, "removed", part.said, "", part.depth))
    return lines


def differs(before, after):
    """Return whether two definitions (JSON) are not the same."""
    return before != after


@dataclass
class _Part:
    title: str
    said: str
    given: dict
    place: str
    depth: int
    words: dict = field(default_factory=dict)


def _parts(data, book):
    try:
        parsed = definitions.parse(data)
    except Invalid:
        return {}
    trigger = parsed.trigger
    said = trigger.sentence(book)
    rest = parsed.model_dump(mode="json", include={"concurrency", "pause_after"})
    given = trigger.model_dump(mode="json") | rest
    words = _words(trigger, given, book)
    parts = {"": _Part("Starts", said[:1].upper() + said[1:], given, "", 0, words)}
    pointers = {step.id: pointer for pointer, step in parsed.walk()}
    for step in walked(parsed, book):
        pointer = pointers[step.id]
        # Its place is the block it stands in and the step before it.
        block = "/".join(part for part in pointer.split("/")[:-1] if not part.isdigit())
        depth = (pointer.count("/") - 2) // 2
        given, title = step.given() | {"name": step.name}, step.name or step.label
        words = _words(step, given, book)
        parts[step.id] = _Part(title, step.sentence(book), given, block, depth, words)
    _note_order(parsed.steps, parts)
    return parts


def _note_order(steps, parts, parent=""):
    for step in steps:
        parts[step.id].place = f"{parent}{parts[step.id].place}"
        for _, children in step.children():
            _note_order(children, parts, f"{step.id}:")


def _line(old, new):
    if old is None:
        return Line(new.title, "added", "", new.said, new.depth)
    names = [
        name
        for name in [*new.given, *(set(old.given) - set(new.given))]
        if old.given.get(name) != new.given.get(name)
    ]
    options = [(name.replace("_", " "), old.given.get(name), new.given.get(name)) for name in names]
    worded = [(label_of(name), old.words.get(name, ""), new.words.get(name, "")) for name in names]
    kind = "changed" if options else ("moved" if old.place != new.place else "same")
    return Line(new.title, kind, old.said, new.said, new.depth, options, worded)


def _words(part, given, book):
    """Return {name: its value as forms and sentences say it} of a trigger's or step's options."""
    return {
        name: _word(part, name, value, given.get("record"), book) for name, value in given.items()
    }


def _word(part, name, value, record, book):
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    info = type(part).model_fields.get(name)
    if info is not None and kind_of(name, info, type(part)) == "choice":
        return CHOICES.get(value, str(value))
    try:
        if name == "record":
            return book.name(value)
        if name == "where" and record:
            return said_condition(book, record, value)
        if name == "condition":
            return comparing.said(part.condition, book)
        if name == "values" and record:
            return said_values(book, record, value)
    except KdapError:  # it speaks of what is not there any more
        return shown(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return shown(value)
