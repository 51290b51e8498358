"""KDAP as a client of MCP servers: good ones, public ones, and such as hang, lie or never end."""

import os
import sys
import time
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from accounts.models import ApiToken
from automations.integrations import mcp_session, mcp_tools
from automations.integrations.looking import look
from automations.integrations.services import ask_to_look
from automations.models import Integration
from automations.tests.mcp_servers import (
    ECHO,
    Server,
    connect,
    event,
    json,
    npm_server,
    serving,
    stream,
    time_server,
)
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start, steps_of
from automations.walls import CallFailed
from workspaces.access import Actor, acting_as


def call(person, integration, tool="echo", seconds=10, **arguments):
    with person.acting():
        return mcp_tools.call_tool(integration, tool, arguments, key="k", seconds=seconds)


def looked(integration):
    """Return a connection as it is after a worker looked at it."""
    look(integration.pk)
    with acting_as(Actor.system()):
        return Integration.objects.get(pk=integration.pk)


def refusal(person, integration, seconds=10, **arguments):
    """Return (sentence, whether it may have been done) of a call that fails."""
    with pytest.raises(CallFailed) as error:
        call(person, integration, seconds=seconds, **({"text": "x"} | arguments))
    return error.value.detail, error.value.perhaps_arrived


# A conversation


def test_a_server_is_greeted_asked_and_left(alice, workspace, settings):
    with serving(settings) as (server, url):
        made = connect(alice, workspace, url=url, auth="bearer", secret="s3cret")
        assert call(alice, made, text="hi", times=2) == {"text": "hi hi", "data": None}
    methods = [message["method"] for message, _ in server.asked]
    assert methods == ["initialize", "notifications/initialized", "tools/call"]
    assert all("Authorization: Bearer s3cret" in head for _, head in server.asked)
    assert "Idempotency-Key: k" in server.asked[2][1]
    assert "Mcp-Protocol-Version: 2025-06-18" in server.asked[2][1]


def test_an_answer_in_a_stream_is_taken_when_it_comes(alice, workspace, settings):
    def answer(connection, message):
        note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}
        asks = {"jsonrpc": "2.0", "id": message["id"], "method": "sampling/createMessage"}
        result = {"content": [{"type": "text", "text": "there"}]}
        said = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        connection.sendall(stream(b": hello\n\n", event(note), event(asks)))
        for byte in event(said):
            connection.sendall(bytes([byte]))
        time.sleep(30)  # the stream stays open

    with serving(settings, tools_call=answer) as (_, url):
        made, begun = connect(alice, workspace, url=url), time.monotonic()
        assert call(alice, made, text="x")["text"] == "there"
        assert time.monotonic() - begun < 5


def test_servers_that_want_every_message_to_name_its_version(alice, workspace, settings):
    refused = {"error": {"code": -32601, "message": "no such method"}}

    class Newest(Server):
        def server_discover(self, params):
            return {"supportedVersions": ["2026-07-28"]}

    with serving(settings, initialize=refused) as (server, url):
        server.__class__ = Newest
        made = connect(alice, workspace, url=url)
        assert call(alice, made, text="x")["text"] == "x"
        message, head = server.asked[-1]
    assert message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
    assert "Mcp-Name: echo" in head


@pytest.mark.parametrize("greeting", ["2025-11-25", "2026-07-28"])
def test_kdap_can_be_its_own_client(
    alice, live_server, transactional_db, make_record, workspace, settings, monkeypatch, greeting
):
    make_record("Books", title="text")
    settings.AUTOMATIONS_ALLOWED_HOSTS = [live_server.url.removeprefix("http://")]
    if greeting == "2026-07-28":  # ours takes both, so have it refuse the older way
        monkeypatch.setattr(mcp_session, "VERSIONS", ("1999-01-01",))
        monkeypatch.setattr(
            "automations.mcp.protocol._initialize",
            lambda *_: (_ for _ in ()).throw(mcp_session.protocol.unsupported("1999-01-01")),
        )
    _, secret = ApiToken.objects.issue(user=alice.user, name="t", verbs=["read"])
    url = f"{live_server.url}/mcp"
    made = connect(alice, workspace, url=url, auth="bearer", secret=secret)
    with alice.acting():
        assert "query_entries" in {tool["name"] for tool in mcp_tools.list_tools(made)}
    assert call(alice, made, "list_records")["data"]["records"][0]["name"] == "Books"


# Public servers, as processes of this machine


@pytest.fixture
def allowed(alice, workspace, settings):
    """Return a function that lets a command be run as a server, and connects it."""

    def make(command, **more):
        settings.AUTOMATIONS_MCP_SERVERS = {"it": {"command": command, **more}}
        return connect(alice, workspace, kind="mcp_stdio", name="It", server="it")

    return make


def test_the_public_time_server(alice, allowed):
    made = allowed(time_server())
    with alice.acting():
        assert "convert_time" in {tool["name"] for tool in mcp_tools.list_tools(made)}
    given = {"source_timezone": "Asia/Tokyo", "time": "16:30", "target_timezone": "UTC"}
    assert "07:30" in call(alice, made, "convert_time", seconds=30, **given)["text"]
    with pytest.raises(CallFailed, match="failed: "):
        call(alice, made, "get_current_time", seconds=30, timezone="Nowhere/Land")


def test_the_public_everything_server(alice, allowed):
    made = allowed(npm_server("everything", "stdio"))
    with alice.acting():
        assert "echo" in {tool["name"] for tool in mcp_tools.list_tools(made)}
    assert "hi" in call(alice, made, "echo", seconds=30, message="hi")["text"]
    sums = call(alice, made, "get-sum", seconds=30, a=2, b=40)
    assert "42" in sums["text"]
    image = call(alice, made, "get-tiny-image", seconds=30)["files"][0]
    assert (image["type"], image["mimeType"], "data" in image) == ("image", "image/png", False)


def test_the_public_filesystem_server_stays_in_its_directory(alice, allowed, tmp_path):
    made = allowed(npm_server("filesystem", tmp_path))
    path = tmp_path / "a.txt"
    call(alice, made, "write_file", seconds=30, path=str(path), content="written")
    assert path.read_text() == "written"
    with pytest.raises(CallFailed, match="failed: Access denied"):
        call(alice, made, "read_text_file", seconds=30, path="/etc/passwd")


def test_the_public_memory_server(alice, allowed, tmp_path):
    made = allowed(npm_server("memory"), env={"MEMORY_FILE_PATH": str(tmp_path / "memory.json")})
    entity = {"name": "Emma", "entityType": "novel", "observations": ["by Austen"]}
    call(alice, made, "create_entities", seconds=30, entities=[entity])
    found = call(alice, made, "search_nodes", seconds=30, query="Austen")
    assert found["data"]["entities"][0]["name"] == "Emma"


def test_a_run_calls_a_public_server_from_a_worker(alice, workspace, allowed):
    made = allowed(time_server())
    with alice.acting() as actor:
        ask_to_look(integration=made, actor=actor)
    made = looked(made)
    assert made.works, made.said
    step = {"id": "ask", "type": "mcp_tool", "connection": str(made.pk), "tool": "convert_time"}
    step["arguments"] = {"source_timezone": "UTC", "time": "{{ trigger.input.time }}"}
    step["arguments"]["target_timezone"] = "Asia/Tokyo"
    workflow = make_workflow(alice, workspace, BUTTON, step)
    start(alice, workflow, input={"time": "10:00"})
    settle()
    (run,) = runs_of(workflow)
    assert run.status == "succeeded", run.error_message
    assert steps_of(run)["ask"].output["data"]["time_difference"] == "+9.0h"


# Servers that hang, lie, or never end


def python(code):
    """Return the command of a server that is a few lines of Python."""
    greet = (
        "import sys, json, time, os\n"
        "def say(m): print(json.dumps(m), flush=True)\n"
        "def read(): return json.loads(sys.stdin.readline())\n"
        "m = read()\n"
        "say({'jsonrpc': '2.0', 'id': m['id'], 'result': {'protocolVersion': '2025-06-18'}})\n"
        "read(); m = read()\n"
    )
    return [sys.executable, "-c", greet + code]


@pytest.mark.parametrize(
    ("code", "said", "unknown"),
    [
        ("time.sleep(60)", "did not answer within 2 s", True),
        ("sys.exit('out of ink')", "ended in the middle. It said: out of ink", True),
        ("print('x' * 3_000_000, flush=True)", "more than 1,048,576 bytes", True),
        ("while True: print('noise' * 999, flush=True)", "more than 1,048,576 bytes", True),
        ("say({'jsonrpc': '2.0', 'id': m['id']}); time.sleep(9)", "not answer within 2 s", True),
        ("say({'jsonrpc': '2.0', 'id': m['id'], 'result': []})", "without a result", True),
        ("say({'id': m['id'], 'error': {'message': 'no ink'}})", "refused: no ink", False),
        ("say({'id': m['id'], 'error': 7})", "It gave no reason", False),
        ("say({'id': m['id'], 'result': {'content': 7}})", "not of the protocol", True),
        ("print('[' * 50_000, flush=True); time.sleep(9)", "did not answer within 2 s", True),
    ],
)
def test_processes_that_do_not_keep_to_it(alice, allowed, code, said, unknown):
    begun = time.monotonic()
    detail, perhaps = refusal(alice, allowed(python(code)), seconds=2)
    assert said in detail
    assert perhaps is unknown
    assert time.monotonic() - begun < 6


def test_a_process_gets_little_and_leaves_nothing(alice, allowed, monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_KEY_OF_OURS", "x")
    told = tmp_path / "told"
    code = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '300'])\n"
        f"open({str(told)!r}, 'w').write(json.dumps([child.pid, os.getcwd(), dict(os.environ)]))\n"
        "say({'id': m['id'], 'result': {'content': []}})\n"
    )
    assert call(alice, allowed(python(code)), text="x") == {"text": "", "data": None}
    pid, home, env = orjson.loads(told.read_text())
    assert not {"SECRET_KEY_OF_OURS", "SECRET_KEY", "DATABASE_URL"} & set(env)
    assert not os.path.exists(home)
    stat, end = Path(f"/proc/{pid}/stat"), time.monotonic() + 5
    while stat.exists() and stat.read_text().partition(") ")[2][0] != "Z":
        assert time.monotonic() < end, "It is still there."
        time.sleep(0.05)


def test_a_command_that_is_not_there(alice, allowed):
    detail, perhaps = refusal(alice, allowed(["/no/such/server"]))
    assert "It" in detail
    assert perhaps is False


ENDLESS = stream(*[event({"jsonrpc": "2.0", "method": "notifications/x"})] * 40_000)


@pytest.mark.parametrize(
    ("answer", "said", "unknown"),
    [
        (lambda connection, message: time.sleep(30), "did not answer within 2 s", True),
        (stream(b": nothing\n\n"), "It ended without the answer", True),
        (ENDLESS, "larger than 1,048,576 bytes", True),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b"[" * 2_000_000,
            "larger",
            True,
        ),
        (json({"jsonrpc": "2.0", "id": 999, "result": {}}), "with something else", True),
        (json([]), "with something else", True),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "did not accept the secret", False),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "did not take the message", True),
        (
            b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.2:9/\r\nContent-Length: 0\r\n\r\n",
            "must not",
            True,
        ),
        ({"error": {"code": -32602, "message": "no such tool"}}, "refused: no such tool", False),
        (
            {"result": {"isError": True, "content": [{"type": "text", "text": "no ink"}]}},
            "“echo” of “Server” failed: no ink",
            False,
        ),
    ],
)
def test_servers_that_do_not_keep_to_it(alice, workspace, settings, answer, said, unknown):
    begun = time.monotonic()
    with serving(settings, tools_call=answer) as (_, url):
        detail, perhaps = refusal(alice, connect(alice, workspace, url=url), seconds=2)
    assert said in detail
    assert perhaps is unknown
    assert time.monotonic() - begun < 6


def test_what_fails_before_the_call_did_not_happen(alice, workspace, settings):
    hangs = {"initialize": lambda connection, message: time.sleep(30)}
    with serving(settings, **hangs) as (_, url):
        made = connect(alice, workspace, url=url)
        assert refusal(alice, made, seconds=1)[1] is False


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        (7, "gave no list of tools"),
        ([7], "a tool whose name can't be used"),
        ([ECHO | {"name": "x\ny"}], "a tool whose name can't be used"),
        ([ECHO | {"inputSchema": []}], "does not say what its tool echo takes"),
        ([ECHO, ECHO], "two tools the same name"),
        ([ECHO | {"name": f"t{n}"} for n in range(301)], "has 301 tools"),
        ([ECHO | {"inputSchema": {"x": "y" * 70_000}}], "does not say"),
    ],
)
def test_lists_that_lie(alice, workspace, settings, tools, said):
    with serving(settings, tools_list={"result": {"tools": tools}}) as (_, url):
        made = connect(alice, workspace, url=url)
        made = looked(made)
    assert (made.works, said in made.said, made.tools) == (False, True, [])


def test_a_list_without_an_end(alice, workspace, settings):
    page = {"result": {"tools": [], "nextCursor": "on"}}
    with serving(settings, tools_list=page) as (_, url):
        made = connect(alice, workspace, url=url)
        made = looked(made)
    assert "no end of its list" in made.said


def test_a_list_that_is_too_large_altogether(alice, workspace, settings):
    def answer(connection, message):
        page = int(message["params"].get("cursor", 0))
        schema = {"type": "object", "description": "x" * 60_000}
        tools = [ECHO | {"name": f"t{page}.{n}", "inputSchema": schema} for n in range(10)]
        result = {"tools": tools} | ({} if page else {"nextCursor": "1"})
        connection.sendall(json({"jsonrpc": "2.0", "id": message["id"], "result": result}))

    with serving(settings, tools_list=answer) as (_, url):
        made = looked(connect(alice, workspace, url=url))
    assert (made.works, made.tools) == (False, [])
    assert "says more than 1,048,576 bytes about its tools" in made.said


# Secrets

SECRET = 'to"ken/of-ours'


def text_of(text, **more):
    return {"result": {"content": [{"type": "text", "text": text}]} | more}


@pytest.mark.parametrize(
    "answer",
    [
        text_of(SECRET),
        text_of(orjson.dumps({"you": SECRET}).decode()),
        text_of("x", structuredContent={"sent": [{SECRET: SECRET}]}),
        text_of(f"wrong: {SECRET}", isError=True),
        {"error": {"code": 1, "message": "x" * 490 + SECRET}},
    ],
)
def test_a_server_that_says_its_secret_again_is_not_heard(alice, workspace, settings, answer):
    with serving(settings, tools_call=answer) as (_, url):
        made = connect(alice, workspace, url=url, auth="bearer", secret=SECRET)
        try:
            told = call(alice, made, text="x")
        except CallFailed as error:
            told = {"detail": error.detail} | getattr(error, "output", {})
    assert "ken/of" not in str(told)
    assert 'to"' not in str(told)


def test_a_list_of_tools_holds_no_secret(alice, workspace, settings):
    tools = {"result": {"tools": [ECHO | {"description": f"Send {SECRET}."}]}}
    with serving(settings, tools_list=tools) as (_, url):
        made = looked(connect(alice, workspace, url=url, auth="bearer", secret=SECRET))
    assert made.tools[0]["description"] == "Send •••."


def test_the_last_words_of_a_process_hold_no_secret(alice, workspace, settings):
    code = "sys.exit('x' * 295 + os.environ['KEY'])"
    settings.AUTOMATIONS_MCP_SERVERS = {"it": {"command": python(code), "secret": "KEY"}}
    made = connect(alice, workspace, kind="mcp_stdio", name="It", secret=SECRET, server="it")
    detail, _ = refusal(alice, made)
    assert "It said: xxx" in detail
    assert 'to"' not in detail


def test_numbers_go_to_a_process_and_too_large_ones_are_refused(alice, allowed):
    code = "say({'id': m['id'], 'result': {'content': [], 'structuredContent': m['params']}})"
    made = allowed(python(code))
    told = call(alice, made, price=Decimal("2.50"), count=Decimal("3"))["data"]["arguments"]
    assert told == {"price": 2.5, "count": 3}
    detail, perhaps = refusal(alice, made, n=10**30)
    assert (detail, perhaps) == (
        "An argument can't be written as JSON; a number may be too large.",
        False,
    )


def test_private_addresses_are_refused(alice, workspace, settings):
    made = connect(alice, workspace, url="http://127.0.0.1:8000/mcp")
    assert "inside a private network" in refusal(alice, made)[0]
