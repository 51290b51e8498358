"""A workflow's definition: one pydantic model for builder, API, parser and language models."""

import re
from collections import OrderedDict
from typing import Annotated, Any, Literal, Union

from pydantic import Field, ValidationError

from automations import mistakes, saying_wholes, templates
from automations.models import WorkflowStep
from automations.parts import Book, Part, refuse
from automations.steps import STEPS, flow
from automations.steps.base import walk
from automations.triggers import TRIGGERS
from workspaces.errors import Invalid, KdapError, pointer_step

MOST_STEPS = 500
DEEPEST = 12
TOO_DEEP = (
    f"This is nested deeper than KDAP can follow: steps go {DEEPEST} deep, conditions less than 30."
)
NOT_KEPT = (
    "Something in this can't be kept: a number of more than 18 digits, half a character, or "
    "the character NUL."
)
ODD_TEXT = re.compile(r"[\x00\ud800-\udfff]")
LARGEST = 2**63  # what programs that read JSON take for a whole number
LONGEST_PATH = WorkflowStep._meta.get_field("path").max_length
# Steps whose output has an entry of their record.
GIVE_ENTRIES = ("create_entry", "update_entry", "upsert_entry", "find_entries")

AnyTrigger = Annotated[Union[tuple(TRIGGERS.values())], Field(discriminator="type")]  # noqa: UP007
AnyStep = Annotated[Union[tuple(STEPS.values())], Field(discriminator="type")]  # noqa: UP007

for _model in [flow.Case, *STEPS.values()]:
    _model.model_rebuild(force=True, _types_namespace={"AnyStep": AnyStep})


class Concurrency(Part):
    """What happens when a run is due while another with the same key is not over yet.

    `key` is a template over the trigger (empty: all runs of the workflow share one).
    """

    key: str = Field(default="", max_length=500)
    policy: Literal["queue", "skip", "cancel_previous"] = "queue"


class Definition(Part):
    """What starts a workflow, and the steps that follow."""

    trigger: AnyTrigger
    steps: list[AnyStep] = Field(default=[], max_length=200)
    concurrency: Concurrency | None = None
    # Repeated failures in a row after which the workflow pauses and says so; 0 for never.
    pause_after: int = Field(default=10, ge=0, le=1000)

    def walk(self):
        """Yield (pointer, step) of every step, blocks included, in reading order."""
        yield from walk("/steps", self.steps)

    def sentence(self, book):
        """Return the whole of it in English, a line for each step; automations.english reads it."""
        return saying_wholes.whole(self, book)


def parse(data):
    """Return the Definition in `data` (JSON); raise Invalid with a pointer to each mistake."""
    if _depth(data) > DEEPEST * 3:
        raise Invalid(TOO_DEEP)
    if not _can_be_kept(data):
        raise Invalid(NOT_KEPT)
    try:
        made = Definition.model_validate(data)
    except ValidationError as error:
        problems = [
            {"pointer": _pointer(item["loc"]), "detail": mistakes.said(item)}
            for item in error.errors(include_url=False)[:100]
        ]
        refuse(problems)
    _check_ids(made)
    return made


def said_of(data, book):
    """Return a definition (JSON) in English, or why it can't be said."""
    try:
        return parse(data).sentence(book)
    except KdapError as error:
        return f"This can't be read any more: {error.detail}"


_published = OrderedDict()
MOST_KEPT = 500


def knows(version):
    """Return whether `of` has the WorkflowVersion at hand."""
    return version.pk in _published


def of(version):
    """Return the Definition of a WorkflowVersion, parsed once a process, for it never changes."""
    found = _published.get(version.pk)
    if found is None:
        found = _published[version.pk] = parse(version.structured_definition)
        if len(_published) > MOST_KEPT:
            _published.popitem(last=False)
    return found


def _can_be_kept(data):
    """Return whether the database takes what JSON can say, and gives it back as it was."""
    if isinstance(data, dict):
        return all(_can_be_kept(item) for pair in data.items() for item in pair)
    if isinstance(data, list):
        return all(map(_can_be_kept, data))
    if isinstance(data, str):
        return not ODD_TEXT.search(data)
    return not isinstance(data, int | float) or abs(data) < LARGEST


def _depth(data, known=0):
    if known > 200 or not isinstance(data, (dict, list)):
        return known
    items = data.values() if isinstance(data, dict) else data
    return max((_depth(item, known + 1) for item in items), default=known)


def _pointer(path):
    kinds = {*TRIGGERS, *STEPS}
    return "".join(
        f"/{pointer_step(step)}"
        for place, step in enumerate(path)
        # The kind of a union stands behind a place in a list, or behind “trigger”.
        if not (step in kinds and place and (isinstance(path[place - 1], int) or place == 1))
    )


def _check_ids(definition):
    seen, problems = set(), []
    count = 0
    for pointer, step in definition.walk():
        count += 1
        if step.id in seen:
            detail = f"Two steps have the id “{step.id}”."
            problems.append({"pointer": f"{pointer}/id", "detail": detail})
        if pointer.count("/steps") + pointer.count("/then") > DEEPEST:
            problems.append({"pointer": pointer, "detail": f"Steps can nest {DEEPEST} deep."})
        seen.add(step.id)
    if count > MOST_STEPS:
        problems.append({"pointer": "/steps", "detail": f"At most {MOST_STEPS} steps fit."})
    refuse(problems[:100])


def problems_of(definition, workspace_id, book=None, *, about=None):
    """Return what keeps `definition` from working in a workspace, as [{pointer, detail}].

    With a `book` its records count, which may be as they are only planned to be. `about` is the id
    of the workflow that it is the definition of.
    """
    book = book or Book(workspace_id, about)
    definition.trigger.check(book)
    if not definition.steps:
        book.wrong("/steps", "Add at least one step.")
    known = {"trigger", "run", "workflow", "now", "today", "vars", "item", "index"}
    if any(step.called for _, step in definition.walk()):
        known.add("run.call_url")
    for pointer in _too_deep("/steps", definition.steps, 0):
        detail = (
            f"The ids of this step and of those around it are longer than {LONGEST_PATH} letters."
        )
        book.wrong(pointer, f"{detail} Give them shorter ones.")
    before, loops, entries = {}, [], {}
    if definition.trigger.record_id:
        entries = dict.fromkeys(("trigger.entry", "trigger.before"), definition.trigger.record_id)
    for pointer, step in definition.walk():
        loops = [loop for loop in loops if pointer.startswith(f"{loop}/steps/")]
        step.check(book, pointer)
        seen = {id for id, at in before.items() if at is None or at in loops}
        _check_templates(step, pointer, known, seen, book, entries)
        # What a step gives in one of several items at once, no step outside of that loop can see.
        before[step.id] = loops[-1] if loops else None
        if step.type in GIVE_ENTRIES:
            entries[f"steps.{step.id}.entry"] = step.record
        if getattr(step, "at_once", 1) > 1:
            loops.append(pointer)
    return book.problems


def _too_deep(pointer, steps, length):
    """Yield pointers of steps whose path in a run (“each.17.ask.approved.note”) may not fit."""
    for number, step in enumerate(steps):
        here, longest = f"{pointer}/{number}", length + len(step.id)
        if longest > LONGEST_PATH:
            yield here
            continue
        for below, children in step.children():
            name = str(step.limit) if below == "/steps" else below.removesuffix("/steps")[1:]
            yield from _too_deep(here + below, children, longest + len(name) + 2)


def _check_templates(step, pointer, known, before, book, entries):
    try:
        paths = templates.references(step.given())
    except Invalid as error:
        return book.wrong(pointer, error.detail)
    for path in paths:
        root, *rest = path.split(".")
        if root not in known | {"steps"}:
            book.wrong(
                pointer, f"“{path}” is unknown; values begin with trigger, steps, vars or item."
            )
        elif path == "run.call_url" and path not in known:
            detail = "Nothing here waits for a call of this address: add “Wait for a call”."
            book.wrong(pointer, detail)
        elif root == "steps" and (not rest or rest[0] not in before):
            detail = f"“{path}” refers to no step before this one that it can see."
            book.wrong(pointer, detail)
        else:
            _check_entry_path(path, entries, pointer, book)


def _check_entry_path(path, entries, pointer, book):
    """Note when a value of an entry is asked for that its record has no field for."""
    for place, record_id in entries.items():
        if not path.startswith(f"{place}."):
            continue
        key = path.removeprefix(f"{place}.").partition(".")[0]
        record = book.record(record_id)
        if record and key not in {"entry_id", *(field.key for field in record.structure.fields)}:
            book.wrong(pointer, f"“{path}”: “{record.name}” has no field “{key[:60]}” (any more).")


def schema():
    """Return the JSON Schema of definitions."""
    return Definition.model_json_schema()


def catalogue() -> list[dict[str, Any]]:
    """Return every trigger and step with label, icon, group and JSON Schema, for pickers."""
    listed = []
    for what, registry in (("trigger", TRIGGERS), ("step", STEPS)):
        for key, kind in registry.items():
            entry = {"kind": what, "type": key, "label": kind.label, "icon": kind.icon}
            entry |= {"group": getattr(kind, "group", "Trigger"), "help": kind.help}
            listed.append(entry | {"schema": kind.model_json_schema()})
    return listed
