"""What the buttons of the builder do to steps of a draft, and what to say of it."""

from django.utils.text import Truncator

from automations import definition as definitions
from automations import drafts
from automations.steps import STEPS
from workspaces.errors import Conflict, Invalid, KdapError

LONGEST = 60  # of a name in a message
ELSEWHERE = (
    "Somebody moved steps in the meantime. Here is the draft as it is now; choose the place again."
)


def altered(workflow, verb, post):
    """Return (draft, id of the step to show, sentence) of what a button does to a step.

    The sentence is "" where the picture says enough. Raises Invalid for an unknown verb, Missing,
    and Conflict where it can't be, as when `post` has a place of another draft than there is now.
    """
    draft, step = workflow.structured_definition, post.get("step", "")
    if verb in ("up", "down"):
        return drafts.move(draft, step, -1 if verb == "up" else 1), step, ""
    if verb == "delete":
        return drafts.delete(draft, step), "", f"“{name_of(draft, step)}” is deleted."
    if verb == "duplicate":
        return *drafts.duplicate(draft, step), ""
    if verb in ("move", "copy"):
        if post.get("seen") and post["seen"] != drafts.shape(draft):
            raise Conflict(ELSEWHERE)
        place, name = post.get("to", ""), name_of(draft, step)
        if verb == "copy":
            return *drafts.duplicate(draft, step, place), f"A copy of “{name}” is there."
        return drafts.carry(draft, step, place), step, f"“{name}” is moved."
    raise Invalid("There is no such thing to do with a step.")


def name_of(draft, id):
    """Return what people call the step with that id; raise Missing."""
    steps, number, _ = drafts.find(draft, id)
    step = steps[number]
    kind = STEPS.get(step.get("type"))
    return Truncator(step.get("name") or (kind.label if kind else id)).chars(LONGEST)


def broken_by(before, workflow):
    """Return a sentence about what does not work any more since the draft was `before`, or none."""
    now = _problems(workflow.structured_definition, workflow.workspace_id)
    try:
        new = sorted(now - _problems(before, workflow.workspace_id))
    except KdapError:  # the draft could not be read at all, so it works better now
        return []
    if not new:
        return []
    id, detail = new[0]
    more = {1: "", 2: " One more step needs a look."}.get(
        len(new), f" {len(new) - 1} more need a look."
    )
    name = f"“{name_of(workflow.structured_definition, id)}”: " if id else ""
    return [f"{name}{detail}{more}"]


def _problems(draft, workspace_id):
    """Return {(id of the step or "", sentence)} of what is wrong with a draft."""
    found = definitions.problems_of(definitions.parse(draft), workspace_id)
    places = {pointer: steps[number]["id"] for steps, number, pointer in drafts.walk(draft)}
    made = set()
    for problem in found:
        here = problem["pointer"]
        while here and here not in places:
            here = here.rpartition("/")[0]
        made.add((places.get(here, ""), problem["detail"]))
    return made
