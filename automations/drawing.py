"""A draft as a picture: nodes from top to bottom, branches side by side, and where a step can go."""

from dataclasses import dataclass, field

from automations.comparing import said
from automations.steps import STEPS
from automations.trees import BRANCHES
from workspaces.errors import KdapError

HUES = {"Data": "blue", "Flow": "violet", "Outside": "amber", "Agents": "teal"}


@dataclass
class Box:
    """One step: `blocks` are its branches, `place` where it stands, `problems` sentences."""

    id: str
    title: str
    said: str
    icon: str
    hue: str
    place: str
    number: int = 0
    last: bool = False
    problems: list = field(default_factory=list)
    blocks: list = field(default_factory=list)
    off: bool = False


@dataclass
class Branch:
    """The steps of one branch, its name, and the place at its end."""

    label: str
    boxes: list
    end: str


def draw(definition, book, problems):
    """Return the Branch of a whole parsed definition."""
    return _branch("", definition.steps, "/steps", book, problems)


def own_problems(pointer, problems, children=()):
    """Return the sentences of problems at a pointer, without those of steps inside."""
    return [
        problem["detail"]
        for problem in problems
        if (problem["pointer"] == pointer or problem["pointer"].startswith(f"{pointer}/"))
        and not any(problem["pointer"].startswith(f"{pointer}{below}/") for below in children)
    ]


def _branch(label, steps, pointer, book, problems):
    boxes = [
        _box(step, f"{pointer}/{number}", number, book, problems)
        for number, step in enumerate(steps)
    ]
    if boxes:
        boxes[-1].last = True
    return Branch(label, boxes, f"{pointer}/{len(steps)}")


def _box(step, place, number, book, problems):
    kind = STEPS[step.type]
    children = step.children()
    try:
        sentence = step.sentence(book)
    except KdapError as error:
        sentence = error.detail
    box = Box(
        step.id,
        step.name or kind.label,
        sentence[:1].upper() + sentence[1:],
        kind.icon,
        HUES.get(kind.group, "gray"),
        place,
        number,
        problems=own_problems(place, problems, [below for below, _ in children]),
    )
    for below, inside in children:
        label = _label(step, below, book)
        box.blocks.append(_branch(label, inside, place + below, book, problems))
    return box


def _label(step, below, book):
    parts = below.strip("/").split("/")
    if parts[0] == "cases":
        return said(step.cases[int(parts[1])].condition, book)
    return {"approved": "If approved", "rejected": "If rejected"}.get(
        parts[0], BRANCHES.get(parts[0], parts[0].capitalize())
    )
