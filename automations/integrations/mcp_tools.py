"""The tools of MCP servers, as KDAP takes them: descriptions checked, arguments fitted, results cut.

Whatever a server says of itself is text by others: it is stored and shown, never followed.
"""

import math
import re
import time
from contextlib import contextmanager
from decimal import Decimal

import orjson

from automations.integrations import auth
from automations.integrations.hiding import carried, hiding, unreadable
from automations.integrations.kinds import allowed_servers, config_of
from automations.integrations.mcp_http import HttpWire
from automations.integrations.mcp_session import LARGEST, ServerRefused, Session
from automations.integrations.mcp_stdio import StdioWire
from automations.integrations.services import secret_of
from automations.responses import storable
from automations.template_values import text_of_number
from automations.walls import Unreachable
from workspaces.errors import Invalid

LIST_SECONDS = 20.0
MOST_TOOLS = 300
MOST_TEXT = 4000
LARGEST_SCHEMA = 64 * 1024
MOST_REFERENCES = 5
NAME = re.compile(r"[A-Za-z0-9_./:-]{1,128}")
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


@contextmanager
def session_with(integration, seconds):
    """Give a Session with an MCP connection, greeted; raise CallFailed, Conflict or Invalid.

    Nobody can read its secret in what the server says, be it a result or an error.
    """
    config = config_of(integration.kind, integration.config)
    secret = secret_of(integration, config)
    end = time.monotonic() + seconds
    session, headers = _greeted(integration, config, secret, seconds, end)
    try:
        with hiding(session.secrets):
            yield session
    except ServerRefused as error:
        _renews(error, integration, config, secret, headers, end)  # for the next one who calls
        raise
    finally:
        session.close()


def _greeted(integration, config, secret, seconds, end, last=False):
    """Return a Session that was greeted, and the headers of its calls; with another token when the
    first one is not taken, for nothing was done by then.
    """
    session, headers = _begun(integration, config, secret, seconds, end)
    try:
        with hiding(session.secrets):
            session.greet()
    except BaseException as error:
        session.close()
        if last or not _renews(error, integration, config, secret, headers, end):
            raise
    else:
        return session, headers
    return _greeted(integration, config, secret, seconds, end, last=True)


def _begun(integration, config, secret, seconds, end):
    name = integration.server_name
    if integration.kind == "mcp_stdio":
        wire = StdioWire(allowed_servers()[config.server], secret, seconds, name)
        return Session(wire, name, {secret}), {}
    headers = auth.headers_for(integration, config, secret, end - time.monotonic())
    wire = HttpWire(config.url, headers, seconds, name)
    wire.deadline = end  # a token was fetched in the same time
    return Session(wire, name, carried(secret, headers)), headers


def _renews(error, integration, config, secret, headers, end):
    """Return whether an error says that a token is not taken any more, and another can be got."""
    left = end - time.monotonic()
    refused = isinstance(error, ServerRefused) and "(HTTP 401)" in error.detail
    if not refused or integration.kind != "mcp" or left <= 0:
        return False
    return auth.renews(integration, config, secret, headers, left)


def list_tools(integration, seconds=LIST_SECONDS):
    """Return [{"name", "title", "description", "schema", "hints"}] of an MCP connection; raise CallFailed."""
    with session_with(integration, seconds) as session:
        found = session.tools()
        if len(found) > MOST_TOOLS:
            raise session.nonsense(f"has {len(found):,} tools; at most {MOST_TOOLS} are taken")
        tools = [described(tool, session) for tool in found]
        if len(orjson.dumps(tools)) > LARGEST:
            raise session.nonsense(f"says more than {LARGEST:,} bytes about its tools")
    names = [tool["name"] for tool in tools]
    if len(set(names)) < len(names):
        raise Unreachable(f"“{integration.server_name}” gave two tools the same name.")
    return tools


def described(tool, session):
    """Return what is kept of a tool's description."""
    name = tool.get("name") if isinstance(tool, dict) else None
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise session.nonsense(f"has a tool whose name can't be used: {str(name)[:60]}")
    schema = tool.get("inputSchema")
    if not isinstance(schema, dict) or len(orjson.dumps(schema)) > LARGEST_SCHEMA:
        raise session.nonsense(f"does not say what its tool {name} takes")
    return {
        "name": name,
        "title": str(tool.get("title") or "")[:200],
        "description": str(tool.get("description") or "")[:MOST_TEXT],
        "schema": schema,
        "hints": _hints(tool.get("annotations")),
    }


def _hints(said):
    said = said if isinstance(said, dict) else {}
    names = {"read_only": "readOnlyHint", "idempotent": "idempotentHint"}
    return {name: said.get(hint) is True for name, hint in names.items()}


def call_tool(integration, tool, arguments, *, key, seconds):
    """Return the output of a tool: its text, data and other contents.

    Raises CallFailed, with `perhaps_arrived` when nobody knows whether it was done, and ToolFailed
    when the tool itself says that it did not work.
    """
    with session_with(integration, seconds) as session:
        result = session.call(tool, arguments, key)
        output = output_of(result, session)
    if result.get("isError"):
        said = " ".join(output["text"].split())[:500] or "it gave no reason"
        raise ToolFailed(f"“{tool}” of “{integration.server_name}” failed: {said}", output=output)
    return output


class ToolFailed(ServerRefused):
    """The tool was called, and says that it did not work."""

    title = "The tool did not work"

    def __init__(self, detail, *, output):
        super().__init__(detail)
        self.output = output


def output_of(result, session):
    """Return a result as later steps refer to it; files in it are told of, not kept."""
    content = result.get("content", [])
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        raise session.nonsense("gave a result that is not of the protocol")
    texts, others = [], []
    for item in content:
        if item.get("type") == "text" and isinstance(item.get("text"), str):
            texts.append(item["text"])
        else:
            others.append(_told(item))
    output = {"text": "\n".join(texts), "data": result.get("structuredContent")}
    if output["data"] is None:
        output["data"] = unreadable(_parsed(output["text"]), session.secrets)
    return output | ({"files": others} if others else {})


def _told(item):
    resource = item.get("resource")
    told = item | (resource if isinstance(resource, dict) else {})
    kept = {key: told[key] for key in ("type", "mimeType", "uri", "name") if key in told}
    content = told.get("data") or told.get("blob") or told.get("text")
    size = {"characters": len(content)} if isinstance(content, str) else {}
    text = {"text": told["text"]} if isinstance(told.get("text"), str) else {}
    return {key: str(value)[:500] for key, value in kept.items()} | size | text


def _parsed(text):
    if text[:1] not in ("{", "["):
        return None
    try:
        return storable(orjson.loads(text))
    except ValueError:  # no JSON, or nested too deep
        return None


# Arguments


def options_of(schema):
    """Return {name: its schema} of what a tool takes, and the set of those it needs.

    References into the schema itself are followed, and “or nothing” is taken away from a type.
    """
    properties = schema.get("properties")
    needed = schema.get("required")
    return (
        {
            name: _plain(item, schema)
            for name, item in (properties if isinstance(properties, dict) else {}).items()
        },
        set(filter(lambda name: isinstance(name, str), needed if isinstance(needed, list) else ())),
    )


def _plain(item, schema):
    """Return the schema of one option, as far as it can be said by one type or a list of choices."""
    made = dict(item) if isinstance(item, dict) else {}
    for _ in range(MOST_REFERENCES):
        inner = _inner(made, schema)
        if inner is None:
            break
        around = {key: made[key] for key in made if key not in ("$ref", "allOf", "anyOf", "oneOf")}
        made = inner | around
    kinds = made.get("type")
    if isinstance(kinds, list):
        rest = [kind for kind in kinds if kind != "null"]
        made.pop("type")
        made |= {"type": rest[0]} if len(rest) == 1 and isinstance(rest[0], str) else {}
        made |= {"nullable": True} if len(rest) < len(kinds) else {}
    elif "type" in made and not isinstance(kinds, str):
        made.pop("type")
    if "const" in made and "enum" not in made:
        made["enum"] = [made["const"]]
    return made


def _inner(item, schema):
    """Return the one schema that an option refers to or wraps, None for none or several."""
    name = item.get("$ref")
    if isinstance(name, str):
        parts = name.split("/")
        group = schema.get(parts[1]) if len(parts) == 3 and parts[0] == "#" else None
        found = group.get(parts[2]) if isinstance(group, dict) else None
        return found if isinstance(found, dict) else None
    for word in ("allOf", "anyOf", "oneOf"):
        parts = item.get(word)
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            continue
        rest = [part for part in parts if part.get("type") != "null"]
        if len(rest) == 1:
            return rest[0] | ({"nullable": True} if len(rest) < len(parts) else {})
    return None


def is_loose(schema):
    """Return whether a tool takes arguments that it does not name, or does not say what it takes."""
    more = schema.get("additionalProperties")
    return more is True or isinstance(more, dict) or "properties" not in schema


def fits(name, value, option):
    """Return whether a value, or what a template may give, can be what an option takes."""
    if "{{" in str(value):
        return True
    try:
        _fitted(name, value, option)
    except Invalid:
        return False
    return True


def problems_with(schema, arguments):
    """Return [(name, sentence)] of what is wrong with arguments that may hold templates."""
    options, needed = options_of(schema)
    found = [(name, f"“{name}” is needed.") for name in sorted(needed - set(arguments))]
    for name, value in arguments.items():
        if name not in options:
            if options and not is_loose(schema):
                found.append((name, f"This tool takes no “{name}”; it takes {_listed(options)}."))
        elif "{{" not in str(value):
            try:
                _fitted(name, value, options[name])
            except Invalid as error:
                found.append((name, error.detail))
    return found


def _listed(options):
    return ", ".join(list(options)[:20])


def fitted(schema, arguments):
    """Return arguments as a schema wants them: numbers out of texts, empty ones left out.

    Raises Invalid for what can't be what the tool takes.
    """
    options, needed = options_of(schema)
    made = {}
    for name, value in arguments.items():
        if value is None and name not in needed:
            continue
        made[name] = _fitted(name, value, options.get(name, {}))
    return made


def _fitted(name, value, schema):
    kind = schema.get("type")
    if value is None and schema.get("nullable"):
        return None
    if isinstance(value, str) and isinstance(kind, str) and kind != "string":
        return _read(name, value.strip(), kind)
    if (
        kind == "string"
        and isinstance(value, int | float | Decimal)
        and not isinstance(value, bool)
    ):
        return text_of_number(value)
    choices = schema.get("enum")
    if isinstance(choices, list) and choices and value not in choices:
        raise Invalid(f"“{name}” is one of {', '.join(map(str, choices[:20]))}.")
    return value


def _read(name, text, kind):
    if kind == "boolean" and text.lower() in ("true", "yes", "false", "no"):
        return text.lower() in ("true", "yes")
    if kind in ("integer", "number") and len(text) < 40 and NUMBER.fullmatch(text):
        number = float(text)
        whole = int(text) if re.fullmatch(r"-?\d+", text) else None
        if math.isinf(number) or (whole is not None and not -(2**63) <= whole < 2**64):
            raise Invalid(f"“{name}” is too large: {text}.")  # JSON could not be written
        if kind == "number" or number.is_integer():
            return number if whole is None else whole
    if kind in ("array", "object"):
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = None
        if isinstance(found, list if kind == "array" else dict):
            return found
    if kind in ("boolean", "integer", "number", "array", "object"):
        words = {"array": "a list", "object": "an object", "boolean": "true or false"}
        wanted = words.get(kind, "a whole number" if kind == "integer" else "a number")
        raise Invalid(f"“{name}” is {wanted}, not “{text[:60]}”.")
    return text
