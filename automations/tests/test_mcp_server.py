"""KDAP as an MCP server: what the protocol demands, what a token may do, what goes wrong in words."""

import pytest
from django.test import Client as Browser

from automations.models import WorkflowRun
from automations.tests.workflows import BUTTON, add, entries_in, make_workflow, settle
from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.access import Actor, acting_as
from workspaces.models import Role

NAMED = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Client(Api):
    """Sends messages as clients do that greet."""

    def ask(self, method, params=None, id=1, **headers):
        message = {"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}}
        return self.post("/mcp/", message, **headers)

    def tool(self, name, **arguments):
        """Return the structured answer of a tool; its sentence when it refused."""
        answer = self.ask("tools/call", {"name": name, "arguments": arguments})
        assert answer.status_code == 200, answer.content
        result = answer.data["result"]
        return result["content"][0]["text"] if result["isError"] else result["structuredContent"]


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", pages="integer")


@pytest.fixture
def client(alice):
    return Client(alice)


# The protocol


def test_a_client_greets_and_learns_what_there_is(client):
    answer = client.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}})
    assert answer.data["result"]["protocolVersion"] == "2025-06-18"
    assert answer.data["result"]["serverInfo"]["name"] == "kdap"
    done = client.post("/mcp/", {"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (done.status_code, done.content) == (202, b"")
    assert client.ask("ping").data == {"jsonrpc": "2.0", "id": 1, "result": {}}
    tools = client.ask("tools/list").data["result"]["tools"]
    assert "query_entries" in {tool["name"] for tool in tools}
    assert all(tool["inputSchema"]["type"] == "object" for tool in tools)
    assert all(tool["description"] for tool in tools)


def test_a_version_that_nobody_knows_is_answered_by_ours(client):
    answer = client.ask("initialize", {"protocolVersion": "1999-01-01"})
    assert answer.data["result"]["protocolVersion"] == "2025-11-25"
    refused = client.ask("ping", **{"Mcp-Protocol-Version": "1999-01-01"})
    assert refused.status_code == 400
    assert refused.data["error"]["code"] == -32022


def test_messages_that_name_their_version_need_no_greeting(client):
    def ask(method, version="2026-07-28", meta=NAMED, **params):
        headers = {"Mcp-Protocol-Version": version, "Mcp-Method": method}
        headers |= {"Mcp-Name": params["name"]} if "name" in params else {}
        return client.ask(method, {"_meta": meta, **params}, **headers)

    discovered = ask("server/discover").data["result"]
    assert "2026-07-28" in discovered["supportedVersions"]
    listed = ask("tools/list").data["result"]
    assert (listed["resultType"], listed["cacheScope"]) == ("complete", "private")
    assert ask("tools/call", name="list_records").data["result"]["isError"] is False
    assert ask("ping", version="2025-11-25").data["error"]["code"] == -32020
    assert ask("resources/list").status_code == 404
    assert ask("ping", meta={**NAMED, next(iter(NAMED)): "2099-01-01"}).status_code == 400


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ([], -32600),
        ("x", -32600),
        ({"id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": {}, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "prompts/list"}, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 3}}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "rm"}}, -32602),
        (b"{", -32700),
    ],
)
def test_what_is_no_message_is_refused(client, message, code):
    assert client.post("/mcp/", message).data["error"]["code"] == code


def test_who_shows_no_token_is_told_to(db):
    answer = Browser().post("/mcp/", {}, content_type="application/json")
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_session_is_no_token(alice, workspace):
    answer = alice.client.post("/mcp/", {}, content_type="application/json")
    assert answer.status_code == 401


def test_pages_of_other_sites_are_refused(client):
    for origin in ("https://evil.example", "http://[x", "null"):
        assert client.ask("ping", Origin=origin).status_code == 403
    assert client.ask("ping", Origin="http://testserver").status_code == 200


def test_nothing_is_pushed(client):
    assert client.get("/mcp/").status_code == 405
    assert client.delete("/mcp/").status_code == 405
    assert client.get("/mcp").status_code == 405


# The tools


def test_a_client_finds_its_way_to_entries(alice, client, books, workspace):
    add(alice, books, {"title": "Dune", "pages": 412}, {"title": "Emma", "pages": 474})
    (record,) = client.tool("list_records")["records"]
    assert (record["name"], record["workspace"]) == ("Books", workspace.name)
    structure = client.tool("read_structure", record_id=record["record_id"])
    pages = structure["fields"][1]
    assert (pages["key"], "gt" in pages["operators"]) == ("pages", True)
    where = {"field": "pages", "op": "gt", "value": 450}
    found = client.tool("query_entries", record_id=str(books.pk), where=where, count=True)
    assert [entry["title"] for entry in found["entries"]] == ["Emma"]
    assert (found["count"], found["cursor"]) == (1, None)
    first = client.tool("query_entries", record_id=str(books.pk), limit=1, sort=["-pages"])
    then = client.tool(
        "query_entries",
        record_id=str(books.pk),
        limit=1,
        sort=["-pages"],
        cursor=first["cursor"],
        fields=["title"],
    )
    assert [entry["title"] for entry in then["entries"]] == ["Dune"]


def test_each_writing_call_is_an_operation_that_undo_takes_back(alice, client, books):
    record = {"record_id": str(books.pk)}
    made = client.tool("create_entries", **record, entries=[{"title": "Dune"}, {"title": "Emma"}])
    dune, _ = (item["entry_id"] for item in made["results"])
    client.tool("update_entries", **record, entries=[{"entry_id": dune, "pages": 412}])
    counts = client.tool(
        "upsert_entries",
        **record,
        keys=["title"],
        entries=[{"title": "Emma", "pages": 474}, {"title": "Ulysses"}],
    )
    assert (counts["created"], counts["updated"]) == (1, 1)
    gone = client.tool("delete_entries", **record, ids=[dune])
    assert entries_in(alice, books, "title", "pages") == [("Emma", 474), ("Ulysses", None)]
    seen = client.tool("undo", operation_id=gone["operation_id"], preview=True)
    assert (seen["restored"], seen["operation_id"]) == (1, None)
    for call in (gone, counts):
        assert client.tool("undo", operation_id=call["operation_id"])["restored"]
    assert entries_in(alice, books, "title", "pages") == [("Dune", 412), ("Emma", None)]


def test_a_call_that_fails_leaves_nothing_and_says_what_to_mend(alice, client, books):
    said = client.tool(
        "create_entries",
        record_id=str(books.pk),
        entries=[{"title": "Dune"}, {"title": "Emma", "pages": "many"}],
    )
    assert "/entries/1/pages" in said
    assert entries_in(alice, books, "title") == []
    assert "record_id" in client.tool("query_entries", limit=1)
    assert "no operator" in client.tool(
        "query_entries",
        record_id=str(books.pk),
        where={"field": "pages", "op": "like", "value": 1},
    )


def test_a_workflow_is_run_and_its_run_read(alice, client, books, workspace):
    step = {
        "id": "make",
        "type": "create_entry",
        "record": str(books.pk),
        "values": {"title": "{{ trigger.input.title }}"},
    }
    workflow = make_workflow(alice, workspace, BUTTON, step, name="Make")
    assert [item["name"] for item in client.tool("list_workflows")["workflows"]] == ["Make"]
    (run,) = client.tool("run_workflow", workflow_id=str(workflow.pk), input={"title": "Dune"})[
        "runs"
    ]
    settle()
    read = client.tool("read_run", run_id=run["run_id"])
    assert (read["status"], read["steps"][0]["status"]) == ("succeeded", "succeeded")
    assert client.tool("undo", operation_id=read["operation_id"])["restored"] == 1
    with acting_as(Actor.system()):
        assert WorkflowRun.objects.count() == 1


def test_workflows_are_listed_in_short(alice, client, workspace, django_assert_max_num_queries):
    stop = {"id": "end", "type": "stop"}
    client.tool("list_workflows")
    with django_assert_max_num_queries(60) as before:
        client.tool("list_workflows")
    for number in range(5):
        make_workflow(alice, workspace, BUTTON, stop, name=f"W{number}")
    wordy = make_workflow(alice, workspace, BUTTON, stop, name="Wordy")
    with acting_as(Actor.system()):
        type(wordy).objects.filter(pk=wordy.pk).update(natural_language_description="so " * 400)
    with django_assert_max_num_queries(len(before.captured_queries)):
        made = client.tool("list_workflows")["workflows"]
    assert "stop" not in made[0]["does"].lower()
    assert made[0]["does"].startswith("When")
    assert len(made[-1]["does"]) == 300


# The walls


def test_a_stranger_sees_nothing(charlie, books, workspace):
    client = Client(charlie)
    assert client.tool("list_records")["records"] == []
    assert client.tool("read_structure", record_id=str(books.pk)).startswith("Not found")
    assert client.tool("list_workflows", workspace_id=str(workspace.pk)).startswith("Not found")


def test_a_viewer_reads_and_does_not_write(bob, workspace, books):
    give_role(workspace, bob, Role.VIEWER)
    client = Client(bob)
    assert client.tool("query_entries", record_id=str(books.pk))["entries"] == []
    said = client.tool("create_entries", record_id=str(books.pk), entries=[{"title": "Dune"}])
    assert said.startswith("You may not do that")


def test_a_token_goes_no_further_than_it_was_given(alice, books, workspace):
    reading = Client(alice, verbs=["read"])
    names = {tool["name"] for tool in reading.ask("tools/list").data["result"]["tools"]}
    assert "query_entries" in names
    assert names.isdisjoint({"create_entries", "undo", "run_workflow"})
    said = reading.tool("create_entries", record_id=str(books.pk), entries=[{"title": "Dune"}])
    assert "not given the right" in said
    elsewhere = Client(alice, workspaces=[])
    assert elsewhere.tool("list_records")["records"] == []
    assert elsewhere.tool("query_entries", record_id=str(books.pk)).startswith("Not found")
