"""A conversation with an MCP server: greet, list its tools, call one. What it says is not believed.

A wire (mcp_http.py, mcp_stdio.py) carries messages; here they are made and judged. Servers are
greeted with `initialize`; those that know nothing but the newest way, in which every message names
its version, are asked like that.
https://modelcontextprotocol.io/specification
"""

from dataclasses import dataclass, field
from itertools import count

from automations.integrations.hiding import unreadable
from automations.mcp import protocol
from automations.responses import storable
from automations.walls import CallFailed, Unreachable

VERSIONS = ("2024-11-05", *protocol.GREETED)
ME = {"name": "kdap", "title": "KDAP", "version": "1"}
LARGEST = 2**20  # bytes of one answer
MOST_PAGES = 20


class ServerRefused(CallFailed):
    """The server answered that it will not, or can't, do what was asked."""

    status = 502
    title = "The MCP server did not do it"

    def __init__(self, detail, *, code=0, data=None, **extra):
        super().__init__(detail, **extra)
        self.code, self.data = code, data


@dataclass
class Session:
    """One conversation; `name` is what people call the server.

    Nobody can read `secrets` in what it gives.
    """

    wire: object
    name: str
    secrets: frozenset = frozenset()
    named: bool = False
    ids: object = field(default_factory=lambda: count(1))

    def greet(self):
        """Agree on a version. Raises CallFailed; nothing was asked of the server by then."""
        try:
            self._greet()
        except CallFailed as error:
            error.perhaps_arrived = False
            raise

    def _greet(self):
        params = {"protocolVersion": VERSIONS[-1], "capabilities": {}, "clientInfo": ME}
        try:
            result = self.ask("initialize", params)
        except ServerRefused as error:
            known = error.data.get("supported") if isinstance(error.data, dict) else None
            spoken = isinstance(known, list) and protocol.NAMED[0] in known
            if error.code != protocol.METHOD_NOT_FOUND and not spoken:
                raise
            self.named = True
            self.ask("server/discover", {})
            return
        version = result.get("protocolVersion")
        if version not in VERSIONS:
            raise self.nonsense(f"speaks a version that KDAP does not know: {str(version)[:40]}")
        self.wire.greeted(version)
        self.wire.tell({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def tools(self):
        """Return what the server says of its tools, unchecked, page by page."""
        found, cursor = [], None
        for _ in range(MOST_PAGES):
            result = self.ask("tools/list", {"cursor": cursor} if cursor else {})
            page = result.get("tools")
            if not isinstance(page, list):
                raise self.nonsense("gave no list of tools")
            found += page
            cursor = result.get("nextCursor")
            if not isinstance(cursor, str) or not cursor:
                return found
        raise self.nonsense(f"has no end of its list of tools after {MOST_PAGES} pages")

    def call(self, tool, arguments, key):
        """Return the result of a tool, unchecked; the server is told the idempotency key."""
        params = {"name": tool, "arguments": arguments, "_meta": {"idempotencyKey": key}}
        return self.ask("tools/call", params)

    def ask(self, method, params):
        """Return the result of a request; raise CallFailed."""
        id, headers = next(self.ids), {}
        if self.named:
            meta = {protocol.VERSION_KEY: protocol.NAMED[0], protocol.CAPABILITIES_KEY: {}}
            params = params | {"_meta": params.get("_meta", {}) | meta}
            headers = {"Mcp-Protocol-Version": protocol.NAMED[0], "Mcp-Method": method}
            headers |= {"Mcp-Name": params["name"]} if "name" in params else {}
        message = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
        answer = self.wire.ask(message, headers)
        if "error" in answer:
            raise self._refusal(answer["error"])
        result = answer.get("result")
        if not isinstance(result, dict):
            raise self.nonsense("gave an answer without a result")
        try:
            return unreadable(storable(result), self.secrets)
        except ValueError:
            raise self.nonsense("gave an answer that is nested too deep") from None

    def _refusal(self, error):
        error = error if isinstance(error, dict) else {}
        said = unreadable(str(error.get("message", "")), self.secrets)
        said = " ".join(said.split())[:500] or "It gave no reason"
        code = error.get("code") if type(error.get("code")) is int else 0
        return ServerRefused(
            f"“{self.name}” refused: {said}".replace("\x00", "�"),
            code=code,
            data=error.get("data"),
        )

    def nonsense(self, what):
        """Return the error for an answer that is none."""
        return Unreachable(f"“{self.name}” {what}.", perhaps_arrived=True)

    def close(self):
        """Say good-bye; a server that does not listen is left."""
        self.wire.close()


def answers(message, id):
    """Return whether a message is the answer to a request."""
    return (
        isinstance(message, dict)
        and message.get("id") == id
        and ("result" in message or "error" in message)
        and "method" not in message
    )
