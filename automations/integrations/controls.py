"""What a step's form shows of connections: those that fit, their tools, and what a tool takes."""

from automations.condition_forms import is_id
from automations.integrations import arguments, services

# How the options of the step mcp_tool are read back.
KINDS = {"connection": "pick", "tool": "pick", "arguments": "arguments"}


def refine(controls, model, data, book, errors=()):
    """Give the controls of a step that goes by a connection their choices; return them.

    `errors` are (path of an option, sentence).
    """
    kinds = getattr(model, "connects", ())
    if not kinds:
        return controls
    named = {control.name: control for control in controls}
    rows = services.usable(book.workspace_id, kinds)
    pick = named["connection"]
    pick.choices = [(str(pk), name) for pk, name in rows.values_list("pk", "server_name")]
    pick.value = str(pick.value or "")
    if "tool" in named:
        tools = _tools(data, book)
        _pick_tool(named["tool"], tools)
        inside = [(path.partition("/")[2], said) for path, said in errors if _is_argument(path)]
        arguments.shape(named["arguments"], _chosen(tools, data), inside)
    return controls


def _is_argument(path):
    return path.partition("/")[0] == "arguments"


def tool_of(data, book):
    """Return the tool that the options of a step name, None when nobody knows it."""
    return _chosen(_tools(data, book), data)


def _tools(data, book):
    chosen = book.connection(data["connection"]) if is_id(data.get("connection")) else None
    return chosen.tools if chosen else []


def _chosen(tools, data):
    return next((tool for tool in tools if tool["name"] == data.get("tool")), None)


def _pick_tool(pick, tools):
    """Show the tools there are, and what the chosen one does."""
    if not tools:
        pick.kind = "text"  # nobody looked yet which tools there are
        return
    pick.choices = [(tool["name"], tool["title"] or tool["name"]) for tool in tools]
    said = {tool["name"]: " ".join(tool["description"].split()) for tool in tools}
    if pick.value and pick.value not in said:
        pick.choices.append((pick.value, f"{pick.value} (not there any more)"))
    pick.more["hint"] = said.get(pick.value, "")[:400]
