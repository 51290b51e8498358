"""Two definitions side by side: what was added, taken away, changed or moved."""

from dataclasses import dataclass, field

from automations import definition as definitions
from workspaces.errors import Invalid


@dataclass
class Line:
    """One trigger or step on both sides, in words; `options` are (name, before, after)."""

    title: str
    kind: str  # same, added, removed, changed, moved
    before: str = ""
    after: str = ""
    depth: int = 0
    options: list = field(default_factory=list)


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


def _parts(data, book):
    try:
        parsed = definitions.parse(data)
    except Invalid:
        return {}
    trigger = parsed.trigger
    said = trigger.sentence(book)
    rest = parsed.model_dump(mode="json", include={"concurrency", "pause_after"})
    parts = {
        "": _Part(
            "Starts", said[:1].upper() + said[1:], trigger.model_dump(mode="json") | rest, "", 0
        )
    }
    for pointer, step in parsed.walk():
        # Its place is the block it stands in and the step before it.
        block = "/".join(part for part in pointer.split("/")[:-1] if not part.isdigit())
        depth = (pointer.count("/") - 2) // 2
        given = step.given() | {"name": step.name}
        parts[step.id] = _Part(step.name or step.label, step.sentence(book), given, block, depth)
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
    options = [
        (name.replace("_", " "), old.given.get(name), new.given.get(name))
        for name in [*new.given, *(set(old.given) - set(new.given))]
        if old.given.get(name) != new.given.get(name)
    ]
    kind = "changed" if options else ("moved" if old.place != new.place else "same")
    return Line(new.title, kind, old.said, new.said, new.depth, options)
