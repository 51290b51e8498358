"""What a step's form shows of connections: those that fit, their tools, and what a tool takes."""

from automations.condition_forms import is_id, shown
from automations.integrations import services
from automations.integrations.mcp_tools import options_of

# How the options of the step mcp_tool are read back.
KINDS = {"connection": "pick", "tool": "pick", "arguments": "arguments"}


def refine(controls, model, data, book):
    """Give the controls of a step that goes by a connection their choices; return them."""
    kinds = getattr(model, "connects", ())
    if not kinds:
        return controls
    named = {control.name: control for control in controls}
    rows = services.usable(book.workspace_id, kinds)
    pick = named["connection"]
    pick.choices = [(str(pk), name) for pk, name in rows.values_list("pk", "server_name")]
    pick.value = str(pick.value or "")
    if "tool" in named:
        chosen = book.connection(data["connection"]) if is_id(data.get("connection")) else None
        _tools(named["tool"], named["arguments"], chosen.tools if chosen else [], data)
    return controls


def _tools(pick, arguments, tools, data):
    """Show the tools there are, and a row for everything that the chosen one takes."""
    if tools:
        pick.choices = [(tool["name"], tool["title"] or tool["name"]) for tool in tools]
        if pick.value and pick.value not in [tool["name"] for tool in tools]:
            pick.choices.append((pick.value, f"{pick.value} (not there any more)"))
    else:
        pick.kind = "text"  # nobody looked yet which tools there are
    tool = next((tool for tool in tools if tool["name"] == data.get("tool")), None)
    given = arguments.value if isinstance(arguments.value, dict) else {}
    names = dict.fromkeys([*(options_of(tool["schema"])[0] if tool else ()), *given])
    arguments.kind = "pairs"
    arguments.more = {"rows": [*((name, shown(given.get(name))) for name in names), ("", "")]}
