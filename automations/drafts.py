"""Changing a draft: steps found, put in, moved, copied and taken out of a definition's JSON.

Every function returns a new definition; places are JSON pointers such as /steps/0/then/1.
"""

import copy
import hashlib
import re

import orjson

from automations.steps import STEPS
from workspaces.errors import Conflict, Missing

BLOCKS = sorted({name for kind in STEPS.values() for name in kind.blocks} - {"cases"})


def walk(definition):
    """Yield (list, index, pointer) of every step, those inside others after them."""
    yield from _walk(definition.get("steps") or [], "/steps")


def _walk(steps, pointer):
    for number, step in enumerate(steps):
        here = f"{pointer}/{number}"
        yield steps, number, here
        for name in BLOCKS:
            yield from _walk(step.get(name) or [], f"{here}/{name}")
        for case, part in enumerate(step.get("cases") or []):
            yield from _walk(part.get("steps") or [], f"{here}/cases/{case}/steps")


def find(definition, id):
    """Return (list, index, pointer) of the step with that id; raise Missing."""
    for steps, number, pointer in walk(definition):
        if steps[number].get("id") == id:
            return steps, number, pointer
    raise Missing("There is no such step in the draft (any more).")


def ids(definition):
    """Return the ids of all steps."""
    return {steps[number].get("id") for steps, number, _ in walk(definition)}


def fresh_id(definition, base, taken=()):
    """Return an id like `base` that no step has yet: find, find_2, …"""
    known = ids(definition) | set(taken)
    base = re.sub(r"[^a-z0-9_]", "", re.sub(r"_\d+$", "", base.lower()))[:30] or "step"
    made, number = base, 2
    while made in known:
        made, number = f"{base}_{number}", number + 1
    return made


def insert(definition, place, step):
    """Return the definition with `step` at `place`; raise Missing for a place that is not there."""
    made = copy.deepcopy(definition)
    here, *parts = made, *place.strip("/").split("/")
    *way, last = parts
    try:
        if any(part.startswith("-") for part in parts):
            raise IndexError
        for number, part in enumerate(way):
            if isinstance(here, list):
                here = here[int(part)]
            else:
                end = number == len(way) - 1
                here = here.setdefault(part, []) if end else here[part]
        if int(last) > len(here):
            raise IndexError
        here.insert(int(last), step)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError):
        raise Missing("There is no such place in the draft (any more).") from None
    return made


def replace(definition, id, step):
    """Return the definition with another step in the place of the one with that id."""
    made = copy.deepcopy(definition)
    steps, number, _ = find(made, id)
    steps[number] = step
    return made


def delete(definition, id):
    """Return the definition without a step and all that is inside it."""
    made = copy.deepcopy(definition)
    _take_out(made, *find(made, id))
    return made


def _take_out(definition, steps, number, pointer):
    """Take a step out of its list; raise Conflict where the step around it needs one inside."""
    *way, block, _ = pointer.strip("/").split("/")
    around = definition
    for part in way:
        around = around[int(part) if isinstance(around, list) else part]
    kind = STEPS.get(around.get("type"))
    if len(steps) == 1 and kind and kind.model_fields[block].is_required():
        name = around.get("name") or kind.label
        raise Conflict(f"“{name}” needs a step inside. Put another one there first.")
    del steps[number]


def move(definition, id, by):
    """Return the definition with a step so many places further down among its neighbours."""
    made = copy.deepcopy(definition)
    steps, number, _ = find(made, id)
    if not 0 <= number + by < len(steps):
        raise Conflict("It is at the end already.")
    steps.insert(number + by, steps.pop(number))
    return made


def carry(definition, id, place):
    """Return the definition with a step, and all that is inside it, at another place.

    `place` is one of the definition as it is; raises Missing for one that is not there, Conflict
    for one inside the step itself, or when it would leave a step empty that needs one inside.
    """
    steps, number, pointer = find(definition, id)
    if place.startswith(f"{pointer}/"):
        raise Conflict("A step can't go inside itself.")
    carried = copy.deepcopy(steps[number])
    made = insert(definition, place, carried)
    for steps, number, here in walk(made):
        if steps[number].get("id") == id and steps[number] is not carried:
            _take_out(made, steps, number, here)
            break
    return made


def duplicate(definition, id, place=None):
    """Return (definition, id of the copy): a copy with ids of its own stands at a place.

    Without one it stands after the step.
    """
    steps, number, pointer = find(definition, id)
    again = copy.deepcopy(steps[number])
    names = {}
    for inside, at, _ in walk({"steps": [again]}):
        old = inside[at]["id"]
        names[old] = inside[at]["id"] = fresh_id(definition, old, names.values())
    again = _renamed(again, names)
    if place is None:
        place = f"{pointer.rpartition('/')[0]}/{number + 1}"
    return insert(definition, place, again), again["id"]


def _renamed(value, names):
    """Let references within a copied step follow to the copies."""
    if isinstance(value, dict):
        return {key: _renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    if isinstance(value, str) and "steps." in value:
        return re.sub(r"\bsteps\.(\w+)", lambda m: f"steps.{names.get(m[1], m[1])}", value)
    return value


def own_part(step):
    """Return a step's JSON without the steps inside it."""
    made = {key: value for key, value in step.items() if key not in BLOCKS}
    if "cases" in made:
        made["cases"] = [case | {"steps": []} for case in made["cases"]]
    return made


def shape(definition):
    """Return a short text that is another one once steps stand elsewhere than they did."""
    return mark([(pointer, steps[number].get("id")) for steps, number, pointer in walk(definition)])


def mark(value):
    """Return a short text that is the same for the same JSON, and else another one."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()[:16]
