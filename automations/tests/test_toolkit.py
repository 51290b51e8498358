"""The tools of agents and of the MCP server: one kind of thing, and the same where they have one name."""

import pytest

from automations.agents.tools import TOOLS as OF_AGENTS
from automations.mcp.tools import TOOLS as OF_CLIENTS
from automations.toolkit import Tool, WrongArguments, made

ALL = [*OF_AGENTS.values(), *OF_CLIENTS.values()]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: f"{kind.__module__}.{kind.name}")
def test_every_tool_says_what_it_is(kind):
    assert issubclass(kind, Tool)
    assert kind.name.isidentifier()
    assert kind.label
    assert kind.description() != Tool.description()
    with pytest.raises(WrongArguments) as wrong:
        made(kind, {"no such argument": 1})
    assert ("no such argument",) in [path for path, _ in wrong.value.found]


def test_what_both_doors_have_is_of_the_same_kind():
    both = OF_AGENTS.keys() & OF_CLIENTS.keys()
    assert {"list_records", "query_entries", "create_entries", "update_entries"} <= both
    for name in both:
        assert OF_AGENTS[name].writes == OF_CLIENTS[name].writes
