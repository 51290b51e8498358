"""The tools of agents that change more: upsert, delete, and workflows, with what they ask before."""

from dataclasses import replace

import pytest

from automations import running
from automations.agents.talk import wants_of
from automations.tests.agents import decide, done, give, model_server, said
from automations.tests.workflows import BUTTON, add, entries_in, make_workflow, runs_of, settle
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict
from workspaces.operations import undo

pytestmark = pytest.mark.django_db(transaction=True)
ALL = ["upsert_entries", "delete_entries", "list_workflows", "run_workflow", "read_run"]


def wanted(task):
    with acting_as(Actor.system()):
        return wants_of(task)


@pytest.fixture
def asks(settings, alice, fake):
    """Return a function: a task of an agent whose model asks for a tool, then says “Done”."""

    def ask(tool, arguments, person=alice, **config):
        with model_server(settings, said(None, (tool, arguments)), said("Done")):
            return done(give(person, fake(tools=ALL, config=config), "Go"))

    return ask


def result_of(task):
    """Return what the first tool of a task gave."""
    parts = [part for message in task.messages for part in message["parts"]]
    return next(part["content"] for part in parts if part["part_kind"] == "tool-return")


def test_upsert_and_delete_wait_and_are_one_operation(settings, alice, fake, record):
    one, two = add(alice, record, {"what": "Call"}, {"what": "Write"})
    rows = [{"what": "Write"}, {"what": "Send"}]
    calls = (
        ("upsert_entries", {"record": "Tasks", "keys": ["what"], "entries": rows}),
        ("delete_entries", {"record": "Tasks", "ids": [one]}),
    )
    with model_server(settings, said(None, *calls), said("Done")):
        task = done(give(alice, fake(tools=ALL), "Go"))
        assert task.status == "waiting"
        assert wanted(task) == [
            "Change or add 2 entries in “Tasks”, known by “What”: What = “Write”; What = “Send”",
            f"Delete an entry of “Tasks”: {one} (“Call”)",
        ]
        task = decide(alice, task, "approved")
    assert (task.status, task.writes) == ("succeeded", 2)
    assert entries_in(alice, record, "what") == [("Write",), ("Send",)]
    with alice.acting() as actor:
        undo(operation_id=task.operation_id, actor=actor)
    assert sorted(entries_in(alice, record, "what")) == [("Call",), ("Write",)]
    assert two


def test_refused_deletes_nothing(settings, alice, fake, record):
    (id,) = add(alice, record, {"what": "Call"})
    call = ("delete_entries", {"record": "Tasks", "ids": [id]})
    with model_server(settings, said(None, call), said("Done")):
        task = decide(alice, done(give(alice, fake(tools=ALL), "Go")), "rejected")
    assert task.writes == 0
    assert entries_in(alice, record, "what") == [("Call",)]


def test_a_workflow_is_run_when_somebody_allowed_it(settings, alice, workspace, fake, record):
    step = {"id": "add", "type": "create_entry", "record": str(record.pk), "values": {"what": "x"}}
    flow = make_workflow(alice, workspace, BUTTON, step, name="Add one")
    call = ("run_workflow", {"workflow": "add ONE", "input": {"a": 1}})
    with model_server(settings, said(None, call), said("Done")):
        task = done(give(alice, fake(tools=ALL), "Go"))
        assert wanted(task) == ["Run the workflow “Add one”, given {'a': 1}"]
        assert runs_of(flow) == []
        task = decide(alice, task, "approved")
    settle()
    (run,) = runs_of(flow)
    assert (run.status, run.trigger_data["input"], run.depth) == ("succeeded", {"a": 1}, 0)
    assert result_of(task)["data"]["runs"][0]["run_id"] == str(run.pk)


def test_a_run_is_read(alice, workspace, asks, record):
    flow = make_workflow(alice, workspace, BUTTON, {"id": "end", "type": "stop"}, name="End")
    asks("run_workflow", {"workflow": str(flow.pk)}, writes="allowed")
    settle()
    (run,) = runs_of(flow)
    found = result_of(asks("read_run", {"run_id": str(run.pk)}))["data"]
    assert (found["status"], [step["path"] for step in found["steps"]]) == ("succeeded", ["end"])
    listed = result_of(asks("list_workflows", {}))["data"]
    assert [(item["name"], item["published"]) for item in listed] == [("End", 1)]


def test_who_is_limited_starts_no_workflow(alice, workspace, asks, record):
    flow = make_workflow(alice, workspace, BUTTON, {"id": "end", "type": "stop"}, name="End")
    limits = {"writes": "allowed", "records": [str(record.pk)]}
    for tool, given in (("run_workflow", {"workflow": "End"}), ("list_workflows", {})):
        assert "limited to some records" in result_of(asks(tool, given, **limits))["error"]
    assert runs_of(flow) == []


def test_nobody_does_through_an_agent_what_they_may_not(
    settings,
    alice,
    bob,
    workspace,
    fake,
    record,
):
    flow = make_workflow(alice, workspace, BUTTON, {"id": "end", "type": "stop"}, name="End")
    (id,) = add(alice, record, {"what": "Call"})
    calls = (
        ("run_workflow", {"workflow": "End"}),
        ("delete_entries", {"record": "Tasks", "ids": [id]}),
    )
    with model_server(settings, said(None, *calls), said("Done")):
        task = give(bob, fake(tools=ALL, config={"writes": "allowed"}), "Go")
        give_role(workspace, bob, "viewer")
        task = done(task)
    parts = [part for message in task.messages for part in message["parts"]]
    errors = [part["content"] for part in parts if part["part_kind"] == "tool-return"]
    assert ["error" in content for content in errors] == [True, True]
    assert runs_of(flow) == []
    assert entries_in(alice, record, "what") == [("Call",)]


def test_chains_through_agents_end(alice, workspace, record):
    flow = make_workflow(alice, workspace, BUTTON, {"id": "end", "type": "stop"}, name="End")
    with alice.acting() as actor:
        (first,) = running.start(workflow=flow, actor=actor)
        deep = replace(actor, cause={"run": str(first.pk), "depth": 4})
        (last,) = running.start(workflow=flow, actor=deep)
        assert (last.depth, last.parent_id) == (5, first.pk)
        deeper = replace(actor, cause={"run": str(last.pk), "depth": 5})
        with pytest.raises(Conflict, match="5 deep"):
            running.start(workflow=flow, actor=deeper)


def test_what_is_chosen_for_a_model_reaches_it(settings, alice, fake):
    asked = []
    config = {"top_p": 0.5, "seed": 7, "stop": ["END"], "temperature": 0.1}
    with model_server(settings, lambda request: asked.append(request) or said("Hi")):
        done(give(alice, fake(config=config), "Go"))
        done(give(alice, fake(), "Go"))
    names = ("top_p", "seed", "stop", "temperature")
    assert [asked[0].get(name) for name in names] == [0.5, 7, ["END"], 0.1]
    assert not set(names) & set(asked[1])
