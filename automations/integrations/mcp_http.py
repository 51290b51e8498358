"""The wire to an MCP server over streamable HTTP, through the walls of outbound.py.

An answer is one JSON message, or a stream of events of which one is the answer. The stream is left
as soon as that one is there; what a server asks of its client meanwhile is not answered, for KDAP
offers nothing to be asked for.
"""

import contextlib
import time

import orjson

from automations import outbound
from automations.integrations.mcp_session import LARGEST, ServerRefused, answers
from automations.walls import CallFailed, Unreachable

ACCEPT = "application/json, text/event-stream"
GOODBYE_SECONDS = 2.0


class HttpWire:
    """Messages to one address; `headers` hold the secret, `seconds` is for everything together."""

    def __init__(self, url, headers, seconds, name):
        self.url, self.headers, self.name = url, dict(headers), name
        self.seconds, self.deadline = seconds, time.monotonic() + seconds
        self.session = {}

    def greeted(self, version):
        """Name the agreed version from now on."""
        self.session["Mcp-Protocol-Version"] = version

    def ask(self, message, headers):
        """Return the answer to a request; raise CallFailed."""
        events = Events(message["id"])
        headers = dict(headers)
        key = message["params"].get("_meta", {}).get("idempotencyKey")
        if key:
            headers["Idempotency-Key"] = key
        response = self._post(message, headers, events)
        if "mcp-session-id" in response.headers:
            self.session.setdefault("Mcp-Session-Id", response.headers["mcp-session-id"][:1000])
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            events(response.body)
            if events.answer is not None:
                return events.answer
            why = response.cut or "It ended without the answer."
            raise self._failed(f"did not finish what it said. {why}")
        if answers(response.json, message["id"]):
            return response.json
        self._judge(response)
        why = response.cut or f"It answered {response.status} with something else."
        raise self._failed(f"gave no answer of the protocol. {why}")

    def tell(self, message):
        """Send a notification."""
        self._judge(self._post(message, {}, None))

    def close(self):
        """End the session, if the server keeps one."""
        if "Mcp-Session-Id" in self.session:
            headers = self.headers | self.session
            with contextlib.suppress(CallFailed):
                outbound.send("DELETE", self.url, headers=headers, timeout=GOODBYE_SECONDS)

    def _post(self, message, headers, enough):
        left = self.deadline - time.monotonic()
        try:
            if left > 0:
                return outbound.send(
                    "POST",
                    self.url,
                    headers={"Accept": ACCEPT} | self.headers | self.session | headers,
                    body=message,
                    timeout=left,
                    max_bytes=LARGEST,
                    enough=enough,
                )
        except Unreachable as error:
            if time.monotonic() < self.deadline:
                raise
            raise self._late(error.perhaps_arrived) from error
        raise self._late(False)

    def _late(self, perhaps_arrived):
        return Unreachable(
            f"“{self.name}” did not answer within {self.seconds:g} s.",
            perhaps_arrived=perhaps_arrived,
        )

    def _judge(self, response):
        if response.ok:
            return
        reason = {
            401: "did not accept the secret",
            403: "does not allow this",
            404: "is not at this address",
            405: "is not at this address",
        }.get(response.status, "did not take the message")
        raise ServerRefused(
            f"“{self.name}” {reason} (HTTP {response.status}).",
            perhaps_arrived=response.status >= 500,
        )

    def _failed(self, what):
        return Unreachable(f"“{self.name}” {what}", perhaps_arrived=True)


class Events:
    """Reads server-sent events as they come, until one is the answer to a request.

    Called with all bytes so far; returns whether the answer is among them. Each byte is looked at
    once, however small the pieces are.
    """

    def __init__(self, id):
        self.id, self.answer = id, None
        self.begin, self.searched = 0, 0
        self.data = []

    def __call__(self, content):
        while self.answer is None:
            end = content.find(b"\n", self.searched)
            if end < 0:
                self.searched = len(content)
                return False
            line = bytes(content[self.begin : end]).rstrip(b"\r")
            self.begin = self.searched = end + 1
            self._take(line)
        return True

    def _take(self, line):
        if line.startswith(b"data:"):
            self.data.append(line[5:].removeprefix(b" "))
        elif not line and self.data:
            text, self.data = b"\n".join(self.data), []
            with contextlib.suppress(orjson.JSONDecodeError):
                message = orjson.loads(text)
                if answers(message, self.id):
                    self.answer = message
