"""MCP servers for tests: a made-up one over HTTP, and public ones from the registries."""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import orjson
import pytest

from automations.integrations import services
from automations.tests.receivers import ok, receiving

VERSION = "2026.8.31"
PUBLIC = ("everything", "filesystem", "memory")
ECHO = {
    "name": "echo",
    "description": "Say it again.",
    "inputSchema": {
        "type": "object",
        "properties": {"text": {"type": "string"}, "times": {"type": "integer"}},
        "required": ["text"],
    },
}


def event(message):
    """Return a message as a server-sent event."""
    return b"event: message\ndata: " + orjson.dumps(message) + b"\n\n"


def stream(*parts):
    """Return an answer that is a stream of events without an announced end."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b"".join(parts)


def json(message):
    """Return an answer of one message."""
    return ok(orjson.dumps(message), b"Content-Type: application/json")


class Server:
    """Answers as an MCP server does; `answers` {method: bytes or function} replace some of it."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def __call__(self, connection, request):
        head, _, body = request.partition(b"\r\n\r\n")
        if not body:
            return connection.sendall(ok())
        message = orjson.loads(body)
        self.asked.append((message, head.decode()))
        method = message["method"].replace("/", "_")
        answer = self.answers.get(method)
        if callable(answer):
            return answer(connection, message)
        if answer is None and "id" not in message:
            answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
        elif answer is None:
            result = getattr(self, method)(message["params"])
            answer = json({"jsonrpc": "2.0", "id": message["id"], "result": result})
        elif isinstance(answer, dict):
            answer = json({"jsonrpc": "2.0", "id": message["id"]} | answer)
        return connection.sendall(answer)

    def initialize(self, params):
        """Greet."""
        info = {"name": "test", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}

    def tools_list(self, params):
        """Tell the one tool."""
        return {"tools": [ECHO]}

    def tools_call(self, params):
        """Do what it does."""
        given = params["arguments"]
        text = " ".join([given["text"]] * given.get("times", 1))
        return {"content": [{"type": "text", "text": text}], "isError": False}

    def calls(self, method="tools/call"):
        """Return the params of all calls of a method."""
        return [message["params"] for message, _ in self.asked if message["method"] == method]


@contextmanager
def serving(settings, **answers):
    """Run a Server that may be called; give (it, its address)."""
    server = Server(**answers)
    with receiving(server) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        yield server, receiver.url("/mcp")


def connect(person, workspace, kind="mcp", name="Server", secret="", **config):
    """Return a new connection of a workspace."""
    with person.acting() as actor:
        return services.create_integration(
            workspace=workspace,
            server_name=name,
            kind=kind,
            config=config,
            secret=secret,
            actor=actor,
        )


def time_server():
    """Return the command of the public time server, out of this environment."""
    found = Path(sys.executable).with_name("mcp-server-time")
    if not found.exists():
        pytest.skip("mcp-server-time is not installed here")
    return [str(found), "--local-timezone", "UTC"]


@lru_cache(maxsize=1)
def npm_servers():
    """Return the directory with the public servers' commands, or why there is none."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed here"
    place = Path(tempfile.gettempdir()) / f"kdap-mcp-servers-{os.getuid()}-{VERSION}"
    commands = place / "node_modules" / ".bin"
    if not (commands / "mcp-server-memory").exists():
        making = Path(tempfile.mkdtemp(prefix="kdap-mcp-npm-"))
        names = [f"@modelcontextprotocol/server-{name}@{VERSION}" for name in PUBLIC]
        done = subprocess.run(
            [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", making, *names],
            capture_output=True,
            timeout=240,
        )
        if done.returncode:
            shutil.rmtree(making, ignore_errors=True)
            return "npm can't install the public servers here"
        try:
            making.rename(place)
        except OSError:  # another process was faster
            shutil.rmtree(making, ignore_errors=True)
    return commands


def npm_server(name, *arguments):
    """Return the command of a public server from npm; skip where it can't be had."""
    found = npm_servers()
    if isinstance(found, str):
        pytest.skip(found)
    return [str(found / f"mcp-server-{name}"), *map(str, arguments)]
