"""The Model Context Protocol as far as a server of tools speaks it: JSON-RPC in, JSON-RPC out.

Two ways of greeting are in use. Up to 2025-11-25 a client begins with `initialize`; since 2026-07-28
every message names its version in `params._meta`, and `server/discover` says what there is. We keep
nothing between messages, so one and the same function answers both.
https://modelcontextprotocol.io/specification
"""

from dataclasses import dataclass, field

GREETED = ("2025-03-26", "2025-06-18", "2025-11-25")
NAMED = ("2026-07-28",)
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
SERVER_KEY = "io.modelcontextprotocol/serverInfo"

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

SERVER = {"name": "kdap", "title": "KDAP", "version": "1"}
CAPABILITIES = {"tools": {"listChanged": False}}
INSTRUCTIONS = (
    "KDAP keeps tables of data, called records, in workspaces. Begin with list_records, then read "
    "read_structure of a record: entries are objects with its field keys. Every call that writes is "
    "one operation; it answers an operation_id, which undo takes back as a whole."
)


class Refused(Exception):
    """A message that can't be answered as it is: becomes a JSON-RPC error."""

    def __init__(self, code, message, data=None):
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


@dataclass(frozen=True)
class Message:
    """One message of a client; `id` is None for a notification, which gets no answer.

    `named` is the version that the message itself names, None for clients that greet.
    """

    method: str
    params: dict = field(default_factory=dict)
    id: str | int | None = None
    named: str | None = None


def read(body):
    """Return the Message in a parsed body; raise Refused."""
    if isinstance(body, list):
        raise Refused(INVALID_REQUEST, "Send one message a call; lists of messages are not taken.")
    if not isinstance(body, dict) or body.get("jsonrpc") != "2.0":
        raise Refused(INVALID_REQUEST, "A message is an object with “jsonrpc”: “2.0”.")
    id, method, params = body.get("id"), body.get("method"), body.get("params", {})
    if isinstance(id, bool) or not isinstance(id, str | int | None):
        raise Refused(INVALID_REQUEST, "An id is a text or a whole number.")
    if method is None and ("result" in body or "error" in body):
        return Message(method="response")  # we ask clients nothing, so there is nothing to do
    if not isinstance(method, str) or not isinstance(params, dict):
        raise Refused(INVALID_REQUEST, "A method is a text, its params are an object.")
    meta = params.get("_meta")
    named = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
    return Message(method, params, id, named)


def check_headers(message, headers):
    """Raise Refused when headers and message disagree, or name a version that we do not speak."""
    version = headers.get("Mcp-Protocol-Version")
    if message.named is None:
        if version is not None and version not in GREETED:
            raise unsupported(version)
        return
    mirrored = {
        "Mcp-Protocol-Version": message.named,
        "Mcp-Method": message.method,
    }
    if message.method == "tools/call" and "name" in message.params:
        mirrored["Mcp-Name"] = message.params["name"]
    for name, value in mirrored.items():
        if headers.get(name) != value:
            raise Refused(HEADER_MISMATCH, f"The header {name} and the message do not agree.")
    if message.named not in NAMED:
        raise unsupported(message.named)
    if CAPABILITIES_KEY not in message.params["_meta"]:
        raise Refused(INVALID_PARAMS, f"params._meta lacks {CAPABILITIES_KEY}.")


def unsupported(version):
    """Return the Refused that names the versions we speak."""
    data = {"supported": [*GREETED, *NAMED], "requested": str(version)[:40]}
    return Refused(UNSUPPORTED_VERSION, "This version of the protocol is not supported.", data)


def result_of(message, tools):
    """Return the result for a Message; `tools` has list() and call(name, arguments).

    Raises Refused for what there is not.
    """
    answers = {
        "initialize": _initialize,
        "server/discover": _discover,
        "ping": lambda message, tools: {},
        "tools/list": lambda message, tools: {"tools": tools.list()} | _kept(message),
        "tools/call": _call,
    }
    answer = answers.get(message.method)
    if answer is None:
        raise Refused(METHOD_NOT_FOUND, f"There is no method “{message.method[:60]}” here.")
    result = answer(message, tools)
    if message.named:
        result |= {"resultType": "complete"}
    return result


def _kept(message):
    """Return for how long, and by whom, a list may be kept: this depends on the token."""
    return {"ttlMs": 60_000, "cacheScope": "private"} if message.named else {}


def _initialize(message, tools):
    asked = message.params.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in GREETED else GREETED[-1],
        "capabilities": CAPABILITIES,
        "serverInfo": SERVER,
        "instructions": INSTRUCTIONS,
    }


def _discover(message, tools):
    return {
        "supportedVersions": [*GREETED, *NAMED],
        "capabilities": CAPABILITIES,
        "instructions": INSTRUCTIONS,
        "ttlMs": 60_000,
        "cacheScope": "private",
        "_meta": {SERVER_KEY: SERVER},
    }


def _call(message, tools):
    name, arguments = message.params.get("name"), message.params.get("arguments")
    if not isinstance(name, str) or not isinstance(arguments, dict | None):
        raise Refused(INVALID_PARAMS, "A call has a name and arguments, which are an object.")
    return tools.call(name, arguments or {})


def answer(id, result):
    """Return a JSON-RPC answer."""
    return {"jsonrpc": "2.0", "id": id, "result": result}


def failure(id, error):
    """Return a JSON-RPC error for a Refused."""
    told = {"code": error.code, "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    return {"jsonrpc": "2.0", "id": id, "error": told}
