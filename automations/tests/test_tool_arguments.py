"""The form of what a tool takes: controls of its schema, values kept, sentences beside their control."""

import re

import pytest
from django.http import QueryDict
from django.urls import reverse

from automations import services, step_forms
from automations.integrations import mcp_tools
from automations.models import Integration
from automations.parts import Book
from automations.steps.mcp import McpTool
from automations.tests.mcp_servers import connect
from automations.tests.test_step_forms import HTMX, Form, saved
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
BUTTON = {"type": "button"}
SEARCH = {
    "type": "object",
    "$defs": {"Sort": {"enum": ["newest", "oldest"], "type": "string"}},
    "properties": {
        "query": {"type": "string", "description": "What to look for."},
        "most": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
        "deep": {"type": "boolean", "description": "Look into archives too."},
        "exact": {"type": "boolean", "default": True},
        "sort": {"$ref": "#/$defs/Sort"},
        "level": {"enum": [1, 2, "all"]},
        "since": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "near/by": {"type": ["object", "null"], "title": "near what"},
        "other": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    },
    "required": ["query", "deep"],
}
SAY = {"type": "object", "properties": {"query": {"type": "string"}, "most": {"enum": ["few"]}}}
LOOSE = {"type": "object", "properties": {"query": {}}, "additionalProperties": True}
NOTHING = {"type": "object", "properties": {}}
TOOLS = {"search": SEARCH, "say": SAY, "loose": LOOSE, "nothing": NOTHING, "vague": {}}
FULL = {
    "query": "two\nlines", "most": 3, "deep": False, "exact": False, "sort": "oldest", "level": 2,
    "since": "2026-01-31", "tags": ["a", {"b": None}], "near/by": {"x": 1.5}, "other": "007",
}  # fmt: skip
TEMPLATES = dict.fromkeys(FULL, "{{ trigger.input.x }}")


@pytest.fixture
def server(alice, workspace):
    """Return the id of a connection whose server has TOOLS."""
    made = connect(alice, workspace, url="https://mcp.example.com")
    tools = [
        {"name": name, "title": "", "description": f"To {name}.", "schema": schema, "hints": {}}
        for name, schema in TOOLS.items()
    ]
    with acting_as(Actor.system()):
        Integration.objects.filter(pk=made.pk).update(tools=tools)
    return str(made.pk)


@pytest.fixture
def form(alice, workspace, server):
    """Return a function: the Argument controls {name: it}, and the whole control, of a tool's form."""

    def look(tool, errors=(), **arguments):
        data = {"connection": server, "tool": tool, "arguments": arguments}
        with alice.acting():
            made = step_forms.controls(McpTool, data, Book(workspace.pk), errors)
        control = next(c for c in made if c.name == "arguments")
        return {item.name: item for item in control.more["arguments"]}, control

    return look


@pytest.fixture
def panel(alice, workspace, server):
    """Return a function that makes a workflow with a call; it gives (workflow, address, page)."""

    def make(tool="search", **arguments):
        step = {"id": "ask", "type": "mcp_tool", "connection": server, "tool": tool}
        definition = {"trigger": BUTTON, "steps": [step | {"arguments": arguments}]}
        with alice.acting() as actor:
            flow = services.create_workflow(
                workspace=workspace, name="Ask", actor=actor, definition=definition
            )
        url = reverse("workflow_steps", args=[flow.pk])
        return flow, url, alice.client.get(url, {"step": "ask"}, headers=HTMX).content.decode()

    return make


@pytest.fixture
def post(alice):
    """Return a function that posts a panel's form with some inputs changed."""

    def send(url, page, verb="save", drop=(), **inputs):
        data = Form(page).data
        for name in drop:
            data.pop(name, None)
        for name, value in inputs.items():
            data[name.replace("__", ".")] = value
        data["verb"] = verb
        kind = "application/x-www-form-urlencoded"
        answer = alice.client.post(url, data.urlencode(), headers=HTMX, content_type=kind)
        assert answer.status_code == 200, answer.content.decode()
        return answer.content.decode()

    return send


def arguments(flow):
    return saved(flow)["steps"][0]["arguments"]


def at(page, name):
    """Return how the inputs of an argument begin."""
    return re.search(rf'name="(arguments\.\d+)\.name" value="{name}"', page)[1]


def test_each_property_gets_the_control_of_its_type(form):
    made, control = form("search")
    kinds = {name: item.kind for name, item in made.items()}
    assert kinds == {
        "query": "lines", "deep": "check", "most": "number", "exact": "check", "sort": "choice",
        "level": "choice", "since": "text", "tags": "json", "near/by": "json", "other": "any",
    }  # fmt: skip
    assert list(made)[:2] == ["query", "deep"]  # what it needs comes first
    assert [item.name for item in made.values() if item.required] == ["query", "deep"]
    assert made["most"].hint == "From 1 to 50. Else 10."
    assert made["query"].hint == "What to look for."
    assert made["near/by"].label == "Near what"
    assert (made["exact"].on, made["deep"].on) == (True, False)
    assert control.more["rows"] == []


@pytest.mark.parametrize("tool", ["loose", "vague", None])
def test_what_a_schema_does_not_say_is_written_in_rows(form, tool):
    made, control = form(tool, query="a", more=[1])
    assert list(made) == (["query"] if tool == "loose" else [])
    assert ("more", "[1]") in control.more["rows"]
    assert control.more["rows"][-1] == ("", "")


def test_a_tool_that_takes_nothing_says_so(panel):
    assert "This tool takes nothing." in panel("nothing")[2]


@pytest.mark.parametrize("given", [FULL, TEMPLATES, {"query": "a", "deep": True}, {"odd": 1}])
def test_a_form_that_nobody_touches_keeps_every_value(panel, post, given):
    flow, url, page = panel(**given)
    page = post(url, page, "refresh")
    post(url, page)
    wanted = given if "deep" in given else {"deep": False} | given  # it is needed: yes or no
    assert arguments(flow) == wanted


def test_what_is_filled_in_gets_the_type_of_its_property(panel, post):
    flow, url, page = panel()
    post(
        url,
        page,
        **{
            at(page, "query") + ".value": "ink",
            at(page, "most") + ".value": "7",
            at(page, "deep") + ".on": "1",
            at(page, "level") + ".chosen": "2",
            at(page, "sort") + ".value": "{{ trigger.input.sort }}",
            at(page, "tags") + ".value": '["a"]',
            at(page, "other") + ".value": "007",
        },
    )
    assert arguments(flow) == {
        "query": "ink", "most": 7, "deep": True, "level": 2, "sort": "{{ trigger.input.sort }}",
        "tags": ["a"], "other": "007",
    }  # fmt: skip


def test_a_check_says_no_only_where_it_is_asked(panel, post):
    flow, url, page = panel(deep=True, query="a")
    page = post(url, page, drop=[at(page, "deep") + ".on", at(page, "exact") + ".on"])
    assert arguments(flow) == {"query": "a", "deep": False, "exact": False}
    post(url, page, **{at(page, "exact") + ".value": "{{ trigger.input.x }}"})
    assert arguments(flow)["exact"] == "{{ trigger.input.x }}"


def test_another_tool_keeps_what_fits(panel, post):
    flow, url, page = panel(query="ink", deep=True, most=3)
    page = post(url, page, "refresh", tool="say")
    assert "To say." in page
    assert at(page, "query")
    assert 'value="deep"' not in page
    post(url, page)
    assert saved(flow)["steps"][0]["tool"] == "say"
    assert arguments(flow) == {"query": "ink"}


def test_another_tool_without_a_list_of_its_own_keeps_all(panel, post):
    flow, url, page = panel(query="ink", deep=True, most=3)
    post(url, page, tool="loose")
    assert arguments(flow) == {"query": "ink", "deep": True, "most": 3}


def test_what_is_wrong_stands_beside_its_control(panel, form):
    _, _, page = panel(most="many", deep="{{ trigger.input.x }}", odd=1, **{"near/by": "x"})
    blocks = page.split('class="field argument"')[1:]
    for name, sentence in (
        ("query", "“query” is needed."),
        ("most", "“most” is a whole number, not “many”."),
        ("near/by", "“near/by” is an object, not “x”."),
    ):
        (beside,) = (block for block in blocks if sentence in block)
        assert f'value="{name}"' in beside
    assert "".join(blocks).count("This tool takes no “odd”") == 1
    assert 'aria-invalid="true"' in page
    made, control = form("search", errors=[("arguments/most", "No."), ("arguments", "Odd.")])
    assert (made["most"].errors, control.errors) == (["No."], ["Odd."])


def test_hostile_schemas_show_a_form(form):
    strange = {
        "properties": {
            "a": {"$ref": "#/$defs/A"}, "b": {"$ref": "http://x/y"}, "c": True, "d": {"enum": "no"},
            "e": {"type": {"x": 1}}, "f": {"enum": [None, {"x": 1}], "default": {"y": []}},
            "g": {"anyOf": "x", "description": 5, "minimum": "a"}, "h": {"type": []},
            "i": {"type": "string", "format": {"x": 1}}, "query": {"type": "string", "format": []},
            "j": {"type": ["string", {}], "default": {"x": 1}, "enum": [[], {}]},
        },
        "$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}]}},
        "required": "all",
    }  # fmt: skip
    with acting_as(Actor.system()):
        found = Integration.objects.get()
        found.tools[0]["schema"] = strange
        found.save()
    made, _ = form("search", f=None)
    assert set(made) == {*"abcdefghij", "query"}
    assert made["f"].chosen == "null"


def test_what_may_be_nothing_is_fitted(workspace):
    assert mcp_tools.fitted(SEARCH, {"query": "a", "deep": "no", "most": "5"}) == {
        "query": "a", "deep": False, "most": 5,
    }  # fmt: skip
    needs = {"properties": {"x": {"type": ["integer", "null"]}}, "required": ["x"]}
    assert mcp_tools.fitted(needs, {"x": None}) == {"x": None}
    assert mcp_tools.problems_with(SEARCH, {"query": "a", "deep": True, "sort": "best"}) == [
        ("sort", "“sort” is one of newest, oldest.")
    ]


def test_viewers_read_the_form(panel, workspace, bob):
    give_role(workspace, bob, "viewer")
    _, url, _ = panel(query="ink", deep=True)
    page = bob.client.get(url, {"step": "ask"}).content.decode()
    assert "readonly" in page
    assert "ink" in page


def test_posted_names_and_kinds_are_anybodys(alice, workspace, server):
    posted = QueryDict(mutable=True)
    posted.update({"has-arguments": "", "arguments.0.name": "x", "arguments.0.kind": "odd",
                   "arguments.0.was": "[" * 2000, "arguments.0.value": "[" * 2000,
                   "arguments.1.name": "y", "arguments.1.kind": "choice",
                   "arguments.1.chosen": "{bad"})  # fmt: skip
    data = {"connection": server, "tool": "search"}
    with alice.acting():
        made = step_forms.read(McpTool, posted, data, Book(workspace.pk))
    assert made["arguments"] == {"x": "[" * 2000, "y": "{bad"}
