"""What an agent proposes to fill in, entry by entry, as people and programs read it."""

from dataclasses import dataclass
from typing import Any

import orjson

from automations.agents import answers
from automations.agents.models import AgentFilling
from records.fields import Refused
from records.plain import text_of
from records.shape import people_in
from workspaces.errors import Conflict

STATES = {
    "asked": "Being asked",
    "waiting": "Waiting",
    "failed": "Failed",
    "stopped": "Stopped",
    "nothing": "Nothing proposed",
    "same": "No change",
    "refused": "Can’t be taken",
    "proposed": "Proposed",
    "written": "Written",
    "kept": "Kept as it is",
    "left": "Not applied",
}


@dataclass
class Proposal:
    """A value for one entry. `value` is as the agent gave it, `was` and `text` are for people,
    `problem` is a sentence. `state` is a key of STATES.
    """

    task: Any
    state: str
    key: str = ""
    value: Any = None
    was: str = ""
    text: str = ""
    problem: str = ""

    @property
    def entry_id(self):
        return self.task.entry["id"]

    @property
    def name(self):
        return self.task.entry["name"]

    @property
    def can_be_applied(self):
        """Whether there is a value that the field takes and the entry does not have."""
        return self.state == "proposed"

    @property
    def said(self):
        """The state in words."""
        return STATES[self.state]

    def change(self):
        """Return it as records.cells.Changes takes it."""
        entry = self.task.entry
        return {
            "entry_id": entry["id"],
            "values": {self.key: self.value},
            "was": {self.key: entry["was"]},
            "version": entry["version"],
        }


def names_in(record):
    """Return {id: name} of the people who may stand in a record's cells."""
    return {str(person["id"]): person["name"] for person in people_in(record.workspace_id)}


def field_of(filling, record):
    """Return the field that is filled in, None when the record has it no more."""
    return next((f for f in record.structure.columns if f.id == filling.field_id), None)


def proposals_of(filling, record):
    """Return the Proposals of a filling in the order of its entries; raise Conflict when the field
    is gone.
    """
    field = field_of(filling, record)
    if field is None:
        raise Conflict("The field that was filled in is not there any more.")
    reader = _Reader(field, names_in(record))
    found = filling.tasks.defer("messages", "calls", "results", "task_input").order_by("pk")
    made = [reader.read(task) for task in found]
    if filling.closed:
        _tell(made, filling)
    return made


class _Reader:
    """Reads proposed values as their field does; the same value is looked at once."""

    def __init__(self, field, people):
        self.field, self.people, self.known = field, people, {}
        self.dump = field.kind.dump(field) or (lambda value: value)
        self.load = field.kind.load(field) or (lambda value: value)

    def read(self, task):
        """Return the Proposal of a task."""
        was = text_of(task.entry["was"], self.field, self.people)
        if task.status == "succeeded":
            return self._proposed(task, was)
        states = {"running": "asked", "failed": "failed", "cancelled": "stopped"}
        state = states.get(task.status, "waiting")
        return Proposal(task, state, was=was, problem=task.error_message)

    def _proposed(self, task, was):
        output = task.task_output if isinstance(task.task_output, dict) else {}
        value = output.get(answers.name_of(self.field))
        made = Proposal(task, "proposed", self.field.key, value, was)
        try:
            clean, made.text = self._cleaned(value)
        except Refused as error:
            made.state, made.problem, made.text = "refused", str(error), str(value)[:500]
            return made
        if clean is None:
            made.state = "nothing"
        elif self._is(task.entry["was"], clean):
            made.state = "same"
        return made

    def _is(self, was, clean):
        try:
            return self._cleaned(self.load(was))[0] == clean
        except Refused:  # a value of before the field was changed
            return False

    def _cleaned(self, value):
        """Return (a value as the field keeps it, its text); raise Refused."""
        name = orjson.dumps(value, default=str)
        if name not in self.known:
            clean = self.field.kind.clean(value, self.field)
            plain = orjson.loads(orjson.dumps(self.dump(clean), default=str))
            self.known[name] = clean, text_of(plain, self.field, self.people)
        return self.known[name]


def _tell(proposals, filling):
    """Let proposals say what became of them."""
    outcome = filling.outcome or {}
    applied = filling.closed == AgentFilling.Closed.APPLIED
    asked = set(outcome.get("asked", ()) if applied else ())
    refused = {item["entry_id"]: item["detail"] for item in outcome.get("refused", ())}
    kept, gone = outcome.get("conflicts", ()), outcome.get("gone", ())
    for proposal in proposals:
        id = proposal.entry_id
        if id in asked:
            proposal.state = "written"
        elif proposal.state == "proposed":
            proposal.state = "left"
        if id in refused:
            proposal.state, proposal.problem = "refused", refused[id]
        elif id in kept:
            proposal.state = "kept"
            proposal.problem = "Somebody changed this cell since the agent was asked."
        elif id in gone:
            proposal.state, proposal.problem = "kept", "The entry was deleted meanwhile."


def figures_of(proposals):
    """Return what a filling is worth and cost: counts by state, tokens, cost (None: no price)."""
    counts = {}
    for proposal in proposals:
        counts[proposal.state] = counts.get(proposal.state, 0) + 1
    costs = [p.task.cost for p in proposals if p.task.cost is not None]
    over = sum(p.task.is_over for p in proposals)
    return {
        "entries": len(proposals),
        "over": over,
        "running": over < len(proposals),
        "counts": counts,
        "tokens": sum(p.task.tokens for p in proposals),
        "cost": sum(costs) if costs else None,
    }


def status_of(filling, figures):
    """Return running, ready, applied or cancelled."""
    return filling.closed or ("running" if figures["running"] else "ready")
