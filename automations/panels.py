"""The panel beside the picture of a draft: the trigger, a step, a new step, the settings, a trial."""

from dataclasses import dataclass, field
from itertools import groupby

from django.http import QueryDict

from automations import drafting, drafts, step_forms, testing
from automations.definition import Concurrency
from automations.drawing import own_problems
from automations.references import references, samples_of
from automations.steps import STEPS
from automations.triggers import TRIGGERS
from workspaces.errors import Conflict, KdapError, Missing

# Panels that are of no part of the draft. No step has an id like “to-move”.
MOVE = "to-move"
OWN = ("new", "test", "words", MOVE)
# A list of steps that may not be empty begins with one that does no harm.
INSIDE = {"id": "keep", "type": "set", "values": {"value": "{{ item }}"}}


@dataclass
class Panel:
    """What the panel shows; `kind` is trigger, step, new, choose, settings, test, move or words.

    `seen` stands for what it was made of, so that nobody overwrites what somebody else made of
    that meanwhile without knowing. `still` are the places that would leave a step where it is.
    """

    kind: str
    title: str = ""
    icon: str = "bolt"
    hint: str = ""
    step: str = ""
    type: str = ""
    at: str = ""
    controls: list = field(default_factory=list)
    references: list = field(default_factory=list)
    groups: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    problems: list = field(default_factory=list)
    data: dict = field(default_factory=dict)
    id: str = ""  # of a new step, so that adding it twice adds it once
    unsaved: bool = False
    seen: str = ""
    still: tuple = ()

    @property
    def rest(self):
        """Return the controls that all steps have."""
        return [control for control in self.controls if control.last]

    @property
    def rest_open(self):
        return any(control.errors for control in self.rest)


def panel_of(workflow, asked, book, actor, *, errors=(), data=None, problems=()):
    """Return the Panel that an address asks for, None for none; raise Missing."""
    draft = workflow.structured_definition
    panel = _panel_of(workflow, asked, book, actor, errors, data, problems)
    if panel:
        panel.seen = seen_of(draft, panel.step if panel.kind != "new" else "new")
    return panel


def seen_of(draft, step):
    """Return what stands for the part of a draft that a panel shows; raise Missing.

    Steps inside a step have panels of their own, and where a new one goes depends on all places.
    """
    if step == "trigger":
        return drafts.mark(draft.get("trigger"))
    if step == "settings":
        return drafts.mark([draft.get("pause_after"), draft.get("concurrency")])
    if step in OWN or not step:
        return drafts.shape(draft)
    steps, number, _ = drafts.find(draft, step)
    return drafts.mark(drafts.own_part(steps[number]))


def is_there(draft, asked):
    """Return whether the steps that an address names are in a draft (any more)."""
    named = {asked.get(key) for key in ("step", "of", "until")} - {None, ""}
    return named <= drafts.ids(draft) | {"trigger", "settings", *OWN}


def _panel_of(workflow, asked, book, actor, errors, data, problems):
    chosen, draft = asked.get("step", ""), workflow.structured_definition
    if not chosen:
        return None
    if chosen == "test":
        return _for_trial(draft, asked, actor)
    if chosen == "settings":
        return _settings(draft, data, errors)
    if chosen == MOVE:
        return _for_move(draft, asked.get("of", ""))
    if chosen == "new" and asked.get("type") not in STEPS:
        return Panel("choose", "Add a step", "plus", at=asked.get("at", ""), groups=_catalogue())
    if chosen == "words":
        panel = Panel("words", "In words", "message", step="words", data=data or {})
        panel.data.setdefault("text", drafting.sentence_of(workflow))
        panel.errors = [said for _, said in errors]
        return panel
    panel = _for_trigger(draft, asked, data) if chosen == "trigger" else None
    panel = panel or _for_step(draft, asked, data)
    panel.unsaved = data is not None
    kind = (TRIGGERS if panel.kind == "trigger" else STEPS)[panel.type]
    panel.hint = kind.help
    panel.icon = kind.icon
    data = panel.data
    found = _problems_of(panel, draft, kind, problems)
    beside = [] if panel.unsaved else found
    panel.controls = step_forms.controls(kind, data, book, [*errors, *beside])
    shown = {control.name for control in panel.controls}
    panel.errors = [said for path, said in errors if path.partition("/")[0] not in shown]
    panel.problems = [
        said for path, said in found if panel.unsaved or path.partition("/")[0] not in shown
    ]
    if panel.kind != "trigger":
        before = panel.step or _neighbour(draft, panel.at)
        panel.references = references(draft, book, samples_of(workflow, actor), before)
    return panel


def _problems_of(panel, draft, kind, problems):
    """Return (path of an option, sentence) of what is wrong with the saved part of a draft."""
    pointer, below = "/trigger", []
    if panel.kind == "step":
        pointer, below = drafts.find(draft, panel.step)[2], [f"/{name}" for name in kind.blocks]
    elif panel.kind != "trigger":
        return []
    return [
        (problem["pointer"].removeprefix(pointer).strip("/"), problem["detail"])
        for problem in problems
        if own_problems(pointer, [problem], below)
    ]


def _for_trial(draft, asked, actor):
    panel = Panel("test", "Try it out", "test-pipe", step="test")
    until = asked.get("until", "")
    if until:
        steps, number, _ = drafts.find(draft, until)
        kind = STEPS.get(steps[number].get("type"))
        name = steps[number].get("name") or (kind.label if kind else until)
        panel.title, panel.data = f"Try “{name}”", {"until": until}
    panel.data["asks"] = any(
        steps[number].get("type") == "approval" for steps, number, _ in drafts.walk(draft)
    )
    panel.data["answer"] = asked.get("answer", "approved")
    record = (draft.get("trigger") or {}).get("record")
    try:
        panel.groups = testing.newest(actor, record) if record else []
    except KdapError:  # it is gone
        panel.groups = []
    return panel


def _for_move(draft, id):
    steps, number, pointer = drafts.find(draft, id)
    kind = STEPS.get(steps[number].get("type"))
    name = steps[number].get("name") or (kind.label if kind else id)
    panel = Panel("move", f"Move “{name}”", "arrows-move-vertical", step=MOVE, id=id)
    panel.still = pointer, f"{pointer.rpartition('/')[0]}/{number + 1}"
    return panel


def _neighbour(draft, at):
    """Return the id of a step that stands at a place, so that what is before it can be named."""
    for steps, number, pointer in drafts.walk(draft):
        if pointer == at:
            return steps[number]["id"]
    return None


def _for_trigger(draft, asked, data):
    data = data or dict(draft.get("trigger") or {})
    if asked.get("type") in TRIGGERS and asked["type"] != data.get("type"):
        data = {"type": asked["type"], **{k: v for k, v in data.items() if k == "record"}}
    if data.get("type") not in TRIGGERS:
        data = {"type": "button"}
    panel = Panel("trigger", "What starts it", step="trigger", type=data["type"])
    panel.groups = [(key, kind.label) for key, kind in TRIGGERS.items()]
    panel.data = data
    return panel


def _for_step(draft, asked, data):
    chosen = asked["step"]
    if chosen == "new":
        kind = STEPS[asked["type"]]
        panel = Panel("new", kind.label, type=asked["type"], at=asked.get("at", ""))
        panel.data = data or _first_values(kind, draft)
        panel.id = asked.get("id") or drafts.fresh_id(draft, panel.type.split("_")[0])
        return panel
    steps, number, _ = drafts.find(draft, chosen)
    data = data or steps[number]
    if data.get("type") not in STEPS:
        raise Missing("This kind of step is not there any more.")
    panel = Panel("step", data.get("name") or STEPS[data["type"]].label, step=chosen)
    panel.type, panel.data = data["type"], data
    return panel


def _first_values(kind, draft):
    """Return what a new step begins with: the trigger's record where it has one."""
    made = {"type": kind.model_fields["type"].default}
    record = (draft.get("trigger") or {}).get("record")
    if record and "record" in kind.model_fields:
        made["record"] = record
    return made


def _settings(draft, data, errors):
    panel = Panel("settings", "Settings", "settings", step="settings")
    data = data or {"pause_after": draft.get("pause_after", 10), **(draft.get("concurrency") or {})}
    limit = step_forms.Control("pause_after", "number", data.get("pause_after", 10))
    limit.label = step_forms.LABELS["pause_after"]
    one = step_forms.Control("policy", "choice", data.get("policy", ""), "While another one runs")
    one.choices = [("", "run side by side")] + [
        (key, step_forms.CHOICES[key])
        for key in Concurrency.model_fields["policy"].annotation.__args__
    ]
    key = step_forms.Control("key", "text", data.get("key", ""), "Only for runs with the same")
    panel.controls = [limit, one, key]
    panel.errors = [said for _, said in errors]
    return panel


def _catalogue():
    """Return [(group, [(type, kind)])] of the steps there are."""
    kinds = sorted(STEPS.items(), key=lambda item: item[1].group)
    return [
        (group, [(key, kind.label, kind.icon, kind.help) for key, kind in members])
        for group, members in groupby(kinds, key=lambda item: item[1].group)
    ]


def posted(workflow, post, book, keep=False):
    """Return (definition, address, data, pointer) of a panel that was posted.

    With `keep` it is only for showing it again.
    """
    draft, chosen = workflow.structured_definition, post.get("step", "")
    asked = QueryDict(mutable=True)
    asked["step"] = chosen
    for name in ("at", "type", "id"):
        if name in post:
            asked[name] = post[name]
    if chosen == "trigger":
        kind = TRIGGERS.get(post.get("type"))
        if kind is None:
            raise Missing("There is no such trigger.")
        old = draft.get("trigger") or {}
        old = old if old.get("type") == post["type"] else {"type": post["type"]}
        data = step_forms.read(kind, post, old, book, keep=keep)
        if "record" in kind.model_fields and "record" not in data and post.get("record"):
            data["record"] = post["record"]
        data = kind.completed(data, book)
        return draft | {"trigger": data}, asked, data, "/trigger"
    if chosen == "settings":
        return _posted_settings(draft, post, asked)
    if chosen == "new":
        return _posted_new(draft, post, asked, book, keep)
    steps, number, pointer = drafts.find(draft, chosen)
    kind = STEPS.get(steps[number].get("type"))
    if kind is None:
        raise Missing("This kind of step is not there any more.")
    data = step_forms.read(kind, post, steps[number], book, keep=keep)
    return drafts.replace(draft, chosen, data), asked, data, pointer


def _posted_new(draft, post, asked, book, keep):
    kind = STEPS.get(post.get("type"))
    if kind is None:
        raise Missing("There is no such step.")
    data = step_forms.read(kind, post, {"type": post["type"]}, book, keep=keep)
    if keep:
        return draft, asked, data, post.get("at", "")
    data["id"] = post.get("id") or drafts.fresh_id(draft, post["type"].split("_")[0])
    if data["id"] in drafts.ids(draft):
        raise Conflict("This step is there already.")
    for name in kind.blocks:
        if kind.model_fields[name].is_required() and name not in step_forms.options_of(kind):
            data[name] = [INSIDE | {"id": drafts.fresh_id(draft, "keep", [data["id"]])}]
    made = drafts.insert(draft, post.get("at", ""), data)
    return made, asked, data, post["at"]


def _posted_settings(draft, post, asked):
    number = post.get("pause_after", "")
    data = {
        "pause_after": int(number)
        if number.isascii() and number.isdigit() and len(number) < 9
        else number
    }
    data |= {"policy": post.get("policy", ""), "key": post.get("key", "")}
    made = draft | {"pause_after": data["pause_after"], "concurrency": None}
    if data["policy"]:
        made["concurrency"] = {"policy": data["policy"], "key": data["key"]}
    return made, asked, data, ""
