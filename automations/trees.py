"""The steps of a run as a tree: what ran inside which branch, which case, which item."""

from dataclasses import dataclass, field

import orjson

from automations.models import WorkflowStep
from automations.scope import walked
from automations.steps import STEPS
from workspaces.errors import KdapError
from workspaces.jsons import json_bytes

MOST_JSON = 5000


@dataclass
class Node:
    """One step that ran. `groups` are (name of the branch, nodes) in the order they ran."""

    row: WorkflowStep
    title: str
    said: str
    icon: str
    groups: list = field(default_factory=list)

    @property
    def given(self):
        return pretty(self.row.input)

    @property
    def output(self):
        return pretty(self.row.output)

    @property
    def sent(self):
        """Return [(name, text)] of what a trial would have sent, [] outside of trials."""
        output = self.row.output
        would = output.get("would_send") if isinstance(output, dict) else None
        if not isinstance(would, dict):
            return []
        return [
            (key, _line(value)) for key, value in would.items() if value not in (None, "", [], {})
        ]

    @property
    def open(self):
        """Whether to show it unfolded: it went wrong, waits for somebody, or was only tried."""
        return bool(self.sent) or self.row.status in ("failed", "unknown", "waiting")


def _line(value):
    """Return a text or a list of texts as it is, anything else as JSON."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else pretty(value)


def pretty(value, most=MOST_JSON):
    """Return JSON as people read it, cut when it is long; "" for nothing."""
    if value in (None, {}, []):
        return ""
    text = json_bytes(value, option=orjson.OPT_INDENT_2).decode()
    return text if len(text) <= most else f"{text[:most]}\n… {len(text) - most:,} characters more"


def tree_of(rows, definition, book):
    """Return the Nodes of a run's rows, those inside others below them.

    `definition` gives names and sentences; None when it can't be read any more.
    """
    known = _said(definition, book) if definition else {}
    nodes, top = {}, []
    for row in sorted(rows, key=lambda row: row.pk or 0):
        node = nodes[row.path] = _node(row, *known.get(row.step, (None, "")))
        parent, branch = _above(row, nodes)
        if parent is None:
            top.append(node)
            continue
        groups = parent.groups
        if not groups or groups[-1][0] != branch:
            groups.append((branch, []))
        groups[-1][1].append(node)
    return top


def _said(definition, book):
    """Return {id: (step, its sentence)}; no sentence for what can't be said any more."""
    said = {}
    for step in walked(definition, book):
        try:
            said[step.id] = step, step.sentence(book)
        except KdapError:
            said[step.id] = step, ""
    return said


def _node(row, step, said):
    kind = STEPS.get(row.type)
    title = (step and step.name) or (kind.label if kind else row.type)
    return Node(row, title, said[:1].upper() + said[1:], kind.icon if kind else "question-mark")


def _above(row, nodes):
    """Return the node that a row ran inside, and the name of the branch there."""
    parts = row.path.split(".")
    for length in range(len(parts) - 2, 0, -1):
        parent = nodes.get(".".join(parts[:length]))
        if parent is not None:
            return parent, branch_name(parts[length:-1])
    return None, ""


def branch_name(parts):
    """Return what people call a branch: ["3"] is “Item 4”, ["cases", "0"] “Case 1”."""
    if parts[-1].isdigit():
        what = "Case" if parts[0] == "cases" else "Item"
        return f"{what} {int(parts[-1]) + 1}"
    return BRANCHES.get(parts[-1], parts[-1].replace("_", " ").capitalize())


BRANCHES = {"then": "If so", "otherwise": "Otherwise", "steps": "For each"}
