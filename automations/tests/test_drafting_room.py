"""What a model is told before it drafts: names and the schema, cut by a clear rule, nothing that is kept."""

import datetime as dt
from zoneinfo import ZoneInfo

import jsonschema
import orjson
import pytest

from automations.agents import drafting_room
from automations.agents.drafting_guide import guide
from automations.agents.drafting_tools import DRAFTING, compact_schema
from automations.english import understand
from automations.models import Integration
from automations.parts import Book
from automations.tests.english import cases
from automations.tests.mcp_servers import connect
from automations.tests.test_form_received import make_form
from records.tests.helpers import add
from workspaces.access import Actor, acting_as


@pytest.fixture
def told(alice, workspace):
    def told(text, **more):
        with alice.acting() as actor:
            return drafting_room.told(
                text=text, person=actor.user, workspace_id=workspace.pk, **more
            )

    return told


def test_records_fields_and_choices_but_no_entries(alice, shop, told):
    add(alice, shop["Orders"], {"customer_e_mail": "secret@example.org", "status": "New"})
    made = told("anything")
    orders = next(item for item in made["records"] if item["name"] == "Orders")
    assert orders["id"] == str(shop["Orders"].pk)
    status = next(field for field in orders["fields"] if field["key"] == "status")
    assert status == {
        "key": "status",
        "label": "Status",
        "type": "choice",
        "choices": ["New", "In progress", "Shipped", "Done"],
    }
    assert made["people"][0].keys() == {"id", "name", "email"}
    assert "secret@example.org" not in orjson.dumps(made).decode()


def test_what_the_words_name_comes_first_and_whole(monkeypatch, shop, told):
    monkeypatch.setattr(drafting_room, "ROOM", 900)
    made = told("When a task is late, tell Bob")
    assert made["records"][0]["name"] == "Tasks"
    assert isinstance(made["records"][0]["fields"], list)
    assert made["records"][-1]["fields"] == "left out"
    assert {item["name"] for item in made["records"]} == {str(name) for name in shop}
    draft = {"trigger": {"record": str(shop["Products"].pk)}}
    assert told("do more", draft=draft)["records"][0]["name"] == "Products"


def test_the_rest_is_cut_and_that_is_said(monkeypatch, shop, told):
    monkeypatch.setattr(drafting_room, "ROOM", 200)
    monkeypatch.setattr(drafting_room, "MOST_RECORDS", 2)
    made = told("anything")
    assert len(made["records"]) == 2
    assert made["more_records"] == "2 more records are not told of."
    assert made["more_people"].endswith("more are not told of.")


def test_an_agent_that_is_limited_is_told_of_no_other_records(shop, told):
    made = told("anything", only=(shop["Tasks"].pk,))
    assert [item["name"] for item in made["records"]] == ["Tasks"]


def test_no_forms_of_other_records_either(alice, shop, told):
    for name in ("Tasks", "Orders"):
        make_form(alice, shop[name], f"Ask {name}")
    assert [item["name"] for item in told("anything")["forms"]] == ["Ask Orders", "Ask Tasks"]
    made = told("anything", only=(shop["Tasks"].pk,))
    assert [item["name"] for item in made["forms"]] == ["Ask Tasks"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_today_is_that_of_the_person(alice, told, zone):
    alice.user.time_zone = zone
    assert told("anything")["today"] == dt.datetime.now(ZoneInfo(zone)).date().isoformat()


def tools_of(connection, *tools):
    with acting_as(Actor.system()):
        Integration.objects.filter(pk=connection.pk).update(tools=list(tools))


@pytest.mark.parametrize("odd", [None, 5, [{"a": 1}], "x"])
def test_odd_schemas_of_servers_are_told(alice, workspace, told, odd):
    server = connect(alice, workspace, url="https://mcp.example.com")
    tools_of(server, {"name": "odd", "description": "", "schema": {"properties": odd}})
    (made,) = told("anything")["connections"]
    assert made["tools"] == [{"tool": "odd", "about": "", "arguments": []}]


def test_what_is_large_is_shortened_and_what_is_named_comes_first(
    monkeypatch, alice, workspace, told
):
    for name in ("Big", "Small", "Wanted"):
        server = connect(alice, workspace, name=name, url="https://mcp.example.com")
        schema = {"properties": {"query": {}}}
        many = 1 if name == "Small" else 10
        tool = {"description": "long " * 30, "schema": schema}
        tools_of(server, *[tool | {"name": f"tool{n}"} for n in range(many)])

    def connections(room):
        monkeypatch.setattr(drafting_room, "ROOM", room * 3)
        made = told("Ask Wanted for it")
        return {
            item["name"]: [len(tool) for tool in item["tools"]]
            if isinstance(item["tools"], list)
            else item["tools"]
            for item in made.get("connections", ())
        }, made

    assert connections(10_000)[0] == {"Wanted": [3] * 10, "Big": [3] * 10, "Small": [3]}
    # Descriptions go first; what comes after a large one may still fit.
    assert connections(3_600)[0] == {"Wanted": [3] * 10, "Big": [2] * 10, "Small": [3]}
    found, _ = connections(2_600)
    assert (found["Wanted"], found["Big"]) == ([3] * 10, "left out")
    found, made = connections(150)
    assert found == {"Wanted": "left out"}
    assert made["more_connections"] == "2 more are not told of."
    assert "people" not in made


def test_the_schema_takes_what_definitions_are(alice, workspace, shop, contact):
    schema = compact_schema()
    checks = jsonschema.Draft202012Validator(schema)
    seen = 0
    for text, _ in cases("understood.txt"):
        with alice.acting():
            made = understand(text, Book(workspace.pk)).definition
        if made:
            seen += 1
            assert list(checks.iter_errors(made)) == [], text
    assert seen > 20
    assert list(checks.iter_errors({"trigger": {"type": "nonsense"}, "steps": []}))
    assert len(orjson.dumps(schema)) < 30_000


def test_the_guide_stands_with_its_braces():
    said = guide(change=False)
    assert "{{ trigger.entry.<key> }}" in said
    assert '{"field": "<key>", "op": "<op>"' in said
    assert "choice, uuid, user: is, is_not, in, not_in" in said
    assert "`draft` is the workflow as it is now" in guide(change=True)
    assert all(len(kind.description()) < 400 for kind in DRAFTING.values())
