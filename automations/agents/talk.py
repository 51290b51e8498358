"""What was said and done in a task, for people."""

from dataclasses import dataclass
from functools import partial

import orjson

from automations.agents import outside, tasks
from automations.agents.drafting_tools import DRAFTING
from automations.agents.running import actor_of
from automations.agents.tools import TOOLS, Hands, parsed
from automations.finishing import as_json
from workspaces.access import acting_as
from workspaces.errors import KdapError

LONGEST = 20_000
OURS = ("final_result",)  # how a library asks for a form: no tool, but the answer


@dataclass
class Line:
    """One thing that was said or done; `kind` is text, tool or result."""

    kind: str
    title: str
    text: str
    icon: str = "robot"


def pretty(value):
    """Return JSON, or a text, to be read by people; cut when it is long."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value[:LONGEST]
    return orjson.dumps(as_json(value), option=orjson.OPT_INDENT_2).decode()[:LONGEST]


def talk_of(task):
    """Return the Lines of a task, after what it was given."""
    lines = []
    for message in task.messages:
        for part in message.get("parts", ()):
            line = _line(part)
            if line:
                lines.append(line)
    return lines


def _line(part):
    kind, name = part.get("part_kind"), part.get("tool_name", "")
    ours = TOOLS.get(name) or DRAFTING.get(name)
    label = ours.label if ours else name.rpartition("__")[0] or name
    if kind == "text" and part.get("content"):
        return Line("text", "The model said", pretty(part["content"]))
    if kind == "tool-call" and name not in OURS:
        return Line("tool", label, pretty(_parsed(part.get("args"))), "bolt")
    if kind == "tool-return" and name not in OURS:
        return Line("result", f"What “{label}” gave", pretty(part.get("content")), "check")
    if kind == "retry-prompt":
        return Line("result", "Sent back", pretty(part.get("content")), "alert-circle")
    return None


def _parsed(arguments):
    try:
        return orjson.loads(arguments) if isinstance(arguments, str) else arguments
    except orjson.JSONDecodeError:
        return arguments


def wants_of(task):
    """Return in sentences what an agent wants to write or call, and waits for somebody to allow."""
    said = []
    config = tasks.config_of(task.agent, task)
    with acting_as(actor_of(task, False)) as actor:
        hands = Hands(actor, task.workspace_id, tasks.records_of(config))
        tools = outside.given(task.agent, config)
        for call in task.calls:
            offered, tool = tools.get(call["tool"]), TOOLS.get(call["tool"])
            if offered and offered.waits:
                said.append(_wanted(offered.label, partial(offered.proposal, call["arguments"])))
            elif tool and tool.writes and config.writes == "ask":
                said.append(_wanted(tool.label, partial(_proposal, call, hands)))
    return said


def _proposal(call, hands):
    return parsed(call["tool"], call["arguments"]).proposal(hands)


def _wanted(label, proposal):
    try:
        text = proposal()
    except KdapError as error:
        return f"{label}, which will not work: {error.detail}"
    return text[0].upper() + text[1:]
