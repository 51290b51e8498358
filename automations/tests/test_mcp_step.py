"""The step that calls a tool of an MCP server: its arguments, its effects, what may go wrong."""

import time
from decimal import Decimal

import pytest
from django.utils import timezone

from automations import clock
from automations import definition as definitions
from automations.english import understand
from automations.integrations import mcp_tools
from automations.integrations.looking import look
from automations.integrations.services import delete_integration
from automations.models import Integration, WorkflowRun
from automations.parts import Book
from automations.tests.mcp_servers import connect, serving
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start, steps_of
from workspaces.access import Actor, acting_as
from workspaces.errors import Invalid

# Arguments


def test_arguments_are_fitted_to_what_a_tool_takes():
    schema = {
        "properties": {
            "n": {"type": "integer"},
            "x": {"type": "number"},
            "b": {"type": "boolean"},
            "l": {"type": "array"},
            "s": {"type": "string"},
            "c": {"enum": ["a", "b"]},
        },
        "required": ["n"],
    }
    given = {
        "n": "5",
        "x": "2.5",
        "b": "yes",
        "l": "[1]",
        "s": Decimal("7.50"),
        "c": "a",
        "gone": None,
    }
    wanted = {"n": 5, "x": 2.5, "b": True, "l": [1], "s": "7.50", "c": "a"}
    assert mcp_tools.fitted(schema, given) == wanted
    problems = mcp_tools.problems_with(schema, {"n": "many", "y": 1, "x": "{{ vars.x }}"})
    assert [name for name, _ in problems] == ["n", "y"]
    assert mcp_tools.problems_with(schema, {})[0] == ("n", "“n” is needed.")


@pytest.mark.parametrize("text", ["1" * 30, "-9223372036854775809", "1e999"])
def test_numbers_that_json_can_not_hold_are_refused(text):
    schema = {"properties": {"x": {"type": "number"}}}
    with pytest.raises(Invalid, match="“x” is too large"):
        mcp_tools.fitted(schema, {"x": text})
    assert mcp_tools.problems_with(schema, {"x": text})
    assert mcp_tools.fitted(schema, {"x": str(2**64 - 1)}) == {"x": 2**64 - 1}


# The step


@pytest.fixture
def echo(alice, workspace, settings):
    """Return (server, a function that publishes a workflow with a call of it)."""
    with serving(settings) as (server, url):
        made = connect(alice, workspace, url=url)
        look(made.pk)

        def workflow(**more):
            step = {"id": "ask", "type": "mcp_tool", "connection": str(made.pk), "tool": "echo"}
            step |= {"arguments": {"text": "{{ trigger.input.text }}", "times": "2"}} | more
            return make_workflow(alice, workspace, BUTTON, step)

        yield server, workflow


def test_a_step_calls_a_tool_with_values_of_the_run(alice, echo):
    server, make = echo
    workflow = make()
    start(alice, workflow, input={"text": "hi"})
    settle()
    (run,) = runs_of(workflow)
    assert steps_of(run)["ask"].output == {"text": "hi hi", "data": None}
    (params,) = server.calls()
    assert params["arguments"] == {"text": "hi", "times": 2}
    assert params["_meta"]["idempotencyKey"] == f"{run.pk}:ask"


def test_a_call_that_may_have_arrived_waits_for_a_person(alice, echo):
    server, make = echo
    workflow = make(timeout=1)
    server.answers["tools_call"] = lambda connection, message: time.sleep(10)
    start(alice, workflow, input={"text": "hi"})
    settle()
    (run,) = runs_of(workflow)
    assert (run.status, steps_of(run)["ask"].status) == ("waiting", "unknown")
    assert len(server.calls()) == 1


def test_a_worker_that_died_in_the_middle_leaves_an_unknown_call(alice, echo, monkeypatch):
    server, make = echo
    workflow = make()

    def die(*args, **more):
        raise SystemExit

    start(alice, workflow, input={"text": "hi"})
    with monkeypatch.context() as patch:
        patch.setattr(mcp_tools, "call_tool", die)
        with pytest.raises(SystemExit):
            settle()
    with acting_as(Actor.system()):
        WorkflowRun.objects.update(lease=timezone.now() - timezone.timedelta(minutes=5))
    clock.tick()
    settle()
    (run,) = runs_of(workflow)
    assert steps_of(run)["ask"].status == "unknown"
    assert server.calls() == []


def test_a_draft_says_what_a_tool_does_not_take(alice, workspace, echo):
    _, make = echo
    with pytest.raises(Invalid) as error:
        make(arguments={"txt": "x"})
    details = {item["pointer"]: item["detail"] for item in error.value.problems}
    assert details["/steps/0/arguments/text"] == "“text” is needed."
    assert "takes no “txt”" in details["/steps/0/arguments/txt"]
    with pytest.raises(Invalid, match="no tool “sing”"):
        make(tool="sing")


def test_a_deleted_connection_fails_the_run_in_words(alice, workspace, echo):
    _, make = echo
    workflow = make()
    with alice.acting() as actor:
        delete_integration(integration=Integration.objects.get(), actor=actor)
    start(alice, workflow, input={"text": "hi"})
    settle()
    (run,) = runs_of(workflow)
    assert "was deleted" in run.error_message


def test_sentences_of_connections_are_read_back_as_they_were(alice, workspace, echo):
    _, make = echo
    api = connect(alice, workspace, "http", "Shop API", url="https://api.example.com")
    mail = connect(alice, workspace, "smtp", "Post", host="mx.example", sender="a@example.com")
    made = make(timeout=9, when_unknown="again", arguments={"text": "x", "times": 2})
    call = {"id": "call", "type": "http_request", "connection": str(api.pk), "url": "/orders"}
    send = {"id": "send", "type": "send_email", "connection": str(mail.pk), "subject": "Hi"}
    steps = [*made.structured_definition["steps"], call, send | {"to": ["a@b.cd"], "body": "x"}]
    with alice.acting():
        book = Book(workspace.pk)
        parsed = definitions.parse({"trigger": BUTTON, "steps": steps})
        said = parsed.sentence(book)
        again = understand(said, Book(workspace.pk)).definition
        read = definitions.parse(again)
    assert "call the tool “echo” of “Server”, with text = “x” and times = 2" in said
    assert "through “Shop API”" in said
    assert [step.model_dump(exclude={"id"}) for step in read.steps] == [
        step.model_dump(exclude={"id"}) for step in parsed.steps
    ]
