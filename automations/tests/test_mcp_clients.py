"""KDAP's MCP server and the standard client of the protocol's own library, over a real wire."""

import asyncio
import traceback

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from accounts.models import ApiToken


@pytest.fixture
def connect(alice, live_server, transactional_db):
    """Return a function that runs work(client) with the rights of Alice's new token."""

    def run(work, mode):
        _, secret = ApiToken.objects.issue(user=alice.user, name="t", verbs=ApiToken.Verb.values)
        headers = {"Authorization": f"Bearer {secret}"}

        async def session():
            async with httpx2.AsyncClient(headers=headers, timeout=20) as http:
                transport = streamable_http_client(f"{live_server.url}/mcp", http_client=http)
                async with Client(transport, mode=mode) as client:
                    return await work(client)

        return asyncio.run(session())

    return run


@pytest.mark.parametrize(
    ("mode", "version"),
    [("auto", "2026-07-28"), ("legacy", "2025-11-25"), ("2026-07-28", "2026-07-28")],
)
def test_a_standard_client_works_whatever_it_speaks(connect, make_record, mode, version):
    record_id = str(make_record("Books", title="text", pages="integer").pk)

    async def work(client):
        assert client.protocol_version == version
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"list_records", "create_entries", "undo"} <= names
        made = await client.call_tool(
            "create_entries", {"record_id": record_id, "entries": [{"title": "Dune", "pages": 412}]}
        )
        assert not made.is_error
        found = await client.call_tool("query_entries", {"record_id": record_id})
        assert [entry["title"] for entry in found.structured_content["entries"]] == ["Dune"]
        undone = await client.call_tool(
            "undo", {"operation_id": made.structured_content["operation_id"]}
        )
        assert undone.structured_content["restored"] == 1
        wrong = await client.call_tool("query_entries", {"record_id": record_id, "limit": "many"})
        assert wrong.is_error
        assert "/limit" in wrong.content[0].text
        return True

    assert connect(work, mode)


def test_a_wrong_token_is_refused(live_server, transactional_db):
    async def session():
        async with (
            httpx2.AsyncClient(headers={"Authorization": "Bearer kdap_x"}) as http,
            Client(streamable_http_client(f"{live_server.url}/mcp", http_client=http)),
        ):
            pass

    with pytest.raises(Exception) as told:  # the client's own kinds of error, in a group
        asyncio.run(session())
    assert "MCPError" in "".join(traceback.format_exception(told.value))
