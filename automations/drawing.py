"""A draft as a picture: nodes from top to bottom, branches side by side, and where a step can go."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial

from automations.comparing import said as said_comparison
from automations.scope import Scope
from automations.steps import STEPS
from automations.trees import BRANCHES
from workspaces.errors import KdapError

LONGEST = 60  # of a branch's name in words about places in it
HUES = {"Data": "blue", "Flow": "violet", "Messages": "amber", "Agents": "teal"}


@dataclass
class Box:
    """One step: `blocks` are its branches, `problems` sentences.

    `place` is where it stands, and `where` says so of what would come there.
    """

    id: str
    title: str
    said: str
    icon: str
    hue: str
    place: str
    where: str
    problems: list = field(default_factory=list)
    blocks: list = field(default_factory=list)

    @property
    def columns(self):
        return max(1, sum(block.columns for block in self.blocks))


@dataclass
class Branch:
    """The steps of one branch, its name, and the place at its end, with words for it."""

    label: str
    boxes: list
    end: str
    where: str

    @property
    def columns(self):
        """Return how many nodes stand side by side where it is widest."""
        return max((box.columns for box in self.boxes), default=1)


def draw(definition, book, problems):
    """Return the Branch of a whole parsed definition."""
    book.scope = Scope(book, definition.trigger)
    try:
        return _branch("", definition.steps, "/steps", book, problems)
    finally:
        book.scope = None


def own_problems(pointer, problems, children=()):
    """Return the sentences of problems at a pointer, without those of steps inside."""
    return [
        problem["detail"]
        for problem in problems
        if (problem["pointer"] == pointer or problem["pointer"].startswith(f"{pointer}/"))
        and not any(problem["pointer"].startswith(f"{pointer}{below}/") for below in children)
    ]


def _branch(label, steps, pointer, book, problems, around=""):
    inside = f"“{label[:LONGEST]}” of “{around}”" if around else ""
    boxes = [
        _box(step, f"{pointer}/{number}", book, problems, inside)
        for number, step in enumerate(steps)
    ]
    where = f"in {inside}" if inside else "as the first step"
    if boxes:
        where = f"at the end of {inside}" if inside else "at the end"
    return Branch(label, boxes, f"{pointer}/{len(steps)}", where)


def _box(step, place, book, problems, inside):
    kind, scope = STEPS[step.type], book.scope
    children = step.children()
    said = _said(step.sentence, book)
    own = own_problems(place, problems, [below for below, _ in children])
    title, hue = step.name or kind.label, HUES.get(kind.group, "gray")
    where = f"before “{title}”" + (f", in {inside}" if inside else "")
    box = Box(step.id, title, said, kind.icon, hue, place, where, own)
    labels = [_label(step, below, book) for below, _ in children]
    names = step.values if step.type == "set" else ()
    scope.note(step.id, step.type, getattr(step, "record", None), names)
    loop = scope.loop(scope.items_of(step.items)) if step.type == "for_each" else nullcontext()
    with loop:
        for label, (below, steps) in zip(labels, children, strict=True):
            box.blocks.append(_branch(label, steps, place + below, book, problems, title))
    return box


def _said(sentence, book):
    """Return what a sentence says with a capital letter, or why it can't be said."""
    try:
        said = sentence(book)
    except KdapError as error:
        said = error.detail
    return said[:1].upper() + said[1:]


def _label(step, below, book):
    parts = below.strip("/").split("/")
    if parts[0] == "cases":
        return _said(partial(said_comparison, step.cases[int(parts[1])].condition), book)
    names = BRANCHES | {"approved": "If approved", "rejected": "If rejected"}
    return names.get(parts[0], parts[0].capitalize())
