"""A client that a public generator makes from the schema works as it comes."""

import importlib
import subprocess
import sys
from pathlib import Path
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import orjson
import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connections

from accounts.models import ApiToken


@pytest.fixture
def kept_open(monkeypatch):
    """Requests leave the connection of the test's transaction alone, as Django's own client does."""
    monkeypatch.setattr(
        type(connections["default"]), "close_if_unusable_or_obsolete", lambda self: None
    )


@pytest.fixture
def server(db, kept_open):
    """A real HTTP server over the test's own transaction; gives its address."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *args):
            pass

    def serve():
        connections["default"] = shared
        http.serve_forever(poll_interval=0.05)

    shared = connections["default"]
    shared.inc_thread_sharing()
    http = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()
    http.server_close()
    shared.dec_thread_sharing()


@pytest.fixture
def generated(alice, workspace, make_record, tmp_path, monkeypatch):
    """Return (package name, secret) of a client for a workspace with odd names in it."""
    make_record(
        "Books",
        title={"type": "text", "required": True},
        price="decimal",
        quantity="integer",
        published="date",
        seen="datetime",
        kind={"type": "choice", "options": {"choices": ["Novel", "Poem"]}},
        tags={"type": "choices", "options": {"choices": ["ä b", "a-b", "✓"]}},
        extra="json",
        spent="duration",
        read="boolean",
        number="autonumber",
        made={"type": "created_at"},
    )
    make_record("Bücher & „mehr“ ", class_="text")
    make_record("Records", a="text")
    make_record("Records", a="text")
    _, secret = ApiToken.objects.issue(user=alice.user, name="t", verbs=ApiToken.Verb.values)
    answer = alice.client.get(f"/api/v1/workspaces/{workspace.pk}/schema/")
    path = tmp_path / "schema.json"
    path.write_bytes(answer.content)
    program = Path(sys.executable).parent / "openapi-python-client"
    target, options = tmp_path / "bookshop_client", ["--meta", "none", "--fail-on-warning"]
    done = subprocess.run(
        [program, "generate", "--path", path, "--output-path", target, *options],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(program.parent)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(tmp_path)
    return "bookshop_client", secret


def test_generated_client_works_unchanged(server, generated):
    package, secret = generated
    module = importlib.import_module
    client = module(package).AuthenticatedClient(base_url=server, token=secret)
    api, models = module(f"{package}.api.books"), module(f"{package}.models")

    def call(verb):
        return module(f"{api.__name__}.books_{verb}").sync

    made = call("create")(
        client=client,
        body=models.BooksEntryInput(
            title="Emma", price="9.90", kind="Novel", tags=["✓"], published=None
        ),
    )
    assert (made.title, made.price, made.tags) == ("Emma", "9.90", ["✓"])
    many = call("create")(
        client=client,
        body=[models.BooksEntryInput(title=f"Book {n}", quantity=n) for n in range(3)],
    )
    assert len(many.results) == 3
    changed = call("change")(made.entry_id, client=client, body=models.BooksEntryPatch(quantity=7))
    assert (changed.quantity, changed.title) == (7, "Emma")
    page = call("list")(client=client, sort="-quantity", quantity_gte="1", limit=2)
    assert [entry.quantity for entry in page.results] == [7, 2]
    problem = call("create")(client=client, body=models.BooksEntryInput(title=""))
    assert problem.status == 422
    assert problem.problems[0].pointer == "/title"
    assert call("delete")(made.entry_id, client=client) is None
    assert call("read")(made.entry_id, client=client).status == 404


def test_schema_is_openapi_3_1(alice, workspace, make_record):
    make_record("Books", title="text")
    general = orjson.loads(alice.client.get("/api/v1/schema/").content)
    schema = orjson.loads(alice.client.get(f"/api/v1/workspaces/{workspace.pk}/schema/").content)
    for found in (general, schema):
        assert found["openapi"].startswith("3.1")
        operations = [
            operation["operationId"]
            for item in found["paths"].values()
            for operation in item.values()
            if isinstance(operation, dict)
        ]
        assert len(set(operations)) == len(operations)
    assert "books_list" in operations
    assert schema["components"]["schemas"]["BooksEntry"]["properties"]["title"]["title"] == "Title"


def test_strangers_see_no_schema(charlie, workspace):
    answer = charlie.client.get(f"/api/v1/workspaces/{workspace.pk}/schema/")
    assert answer.status_code == 404
