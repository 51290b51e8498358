"""Going on with a failed run by a newer version: what is done stays done, or it is refused."""

import pytest

from automations import running, services
from automations.tests.workflows import (
    BUTTON,
    entries_in,
    make_workflow,
    runs_of,
    settle,
    start,
    steps_of,
)
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict

pytestmark = pytest.mark.django_db(transaction=True)


def note(tasks, what, id="note"):
    return {"id": id, "type": "create_entry", "record": str(tasks.pk), "values": {"what": what}}


def end(**more):
    return {"id": "end", "type": "stop", "failed": True, "reason": "No."} | more


def branch(*steps, right="1", id="check"):
    condition = {"value": "1", "op": "is", "other": right}
    return {"id": id, "type": "if", "condition": condition, "then": list(steps)}


def each(*steps, **more):
    loop = {"id": "each", "type": "for_each", "items": ["a", "b", "c"], "steps": list(steps)}
    return loop | more


@pytest.fixture
def failed(alice, workspace):
    """Run a workflow of some steps, which fails; return it and the run."""

    def make(*steps):
        workflow = make_workflow(alice, workspace, BUTTON, *steps)
        start(alice, workflow)
        settle()
        (run,) = [run for run in runs_of(workflow) if run.position is None]
        assert run.status == "failed"
        return workflow, run

    return make


def go_on(alice, workflow, run, *steps, trigger=BUTTON):
    """Publish other steps and go on with the run by them; return it as it is afterwards."""
    with alice.acting() as actor:
        draft = {"trigger": trigger, "steps": list(steps)}
        services.change_workflow(workflow=workflow, actor=actor, structured_definition=draft)
        workflow.refresh_from_db()
        services.publish(workflow=workflow, actor=actor)
    with alice.acting() as actor:
        running.retry(run=run, actor=actor, latest=True)
    settle()
    (run,) = [run for run in runs_of(workflow) if run.position is None]
    return run


def test_what_is_done_is_not_done_again_and_what_is_new_is_done(alice, tasks, failed):
    workflow, run = failed(note(tasks, "one"), end())
    first = run.version_id
    new = note(tasks, "before", id="before"), note(tasks, "not this"), note(tasks, "two", id="end2")
    after = go_on(alice, workflow, run, *new)
    assert (after.status, after.pk) == ("succeeded", run.pk)
    assert after.version_id != first
    assert entries_in(alice, tasks, "what") == [("one",), ("before",), ("two",)]
    assert after.operation_id == run.operation_id


def test_inside_branches_and_loops(alice, tasks, failed):
    inside = note(tasks, "{{ item }}"), branch(end(), id="stops", right="{{ index }}")
    workflow, run = failed(branch(each(*inside)))
    after = go_on(alice, workflow, run, branch(each(inside[0])))
    assert after.status == "succeeded"
    assert entries_in(alice, tasks, "what") == [("a",), ("b",), ("c",)]


def test_items_at_once_go_on_by_the_newest_version_too(alice, tasks, failed):
    inside = note(tasks, "{{ item }}"), branch(end(), id="stops", right="{{ index }}")
    workflow, run = failed(each(*inside, at_once=3))
    after = go_on(alice, workflow, run, each(inside[0], at_once=3))
    assert after.status == "succeeded"
    assert sorted(entries_in(alice, tasks, "what")) == [("a",), ("b",), ("c",)]


def test_items_of_loops_inside_loops_are_looked_at_as_well(alice, tasks, failed):
    inner = each(note(tasks, "{{ item }}"), end(), id="inner", at_once=2)
    workflow, run = failed(each(inner, at_once=2))
    count = len(entries_in(alice, tasks, "what"))
    moved = each(branch(note(tasks, "{{ item }}")), id="inner", at_once=2)
    with pytest.raises(Conflict, match="is elsewhere in version 2"):
        go_on(alice, workflow, run, each(moved, at_once=2))
    assert len(entries_in(alice, tasks, "what")) == count
    mended = each(note(tasks, "{{ item }}"), id="inner", at_once=2)
    (run,) = [run for run in runs_of(workflow) if run.position is None]
    after = go_on(alice, workflow, run, each(mended, at_once=2))
    assert after.status == "succeeded"
    assert len(entries_in(alice, tasks, "what")) == 9
    with acting_as(Actor.system()):
        carried_on = after.workflow.runs.exclude(version=after.version_id)
        assert set(carried_on.values_list("status", flat=True)) <= {"succeeded"}


def test_a_step_that_failed_may_be_mended_also_one_that_decides(alice, tasks, failed):
    broken = branch(note(tasks, "yes"), right="{{ trigger.input.none }}")
    workflow, run = failed(note(tasks, "one", id="first"), broken)
    after = go_on(alice, workflow, run, note(tasks, "one", id="first"), branch(note(tasks, "yes")))
    assert after.status == "succeeded"
    assert entries_in(alice, tasks, "what") == [("one",), ("yes",)]


@pytest.mark.parametrize(
    "change",
    {
        "another kind": lambda tasks: [{"id": "check", "type": "set", "values": {"x": 1}}],
        "another condition": lambda tasks: [branch(note(tasks, "one"), right="2")],
        "elsewhere": lambda tasks: [note(tasks, "one")],
        "moved": lambda tasks: [branch(note(tasks, "x", id="x")), note(tasks, "one")],
    }.items(),
    ids=lambda item: item[0],
)
def test_where_what_was_done_stands_no_more_it_is_refused(alice, tasks, failed, change):
    workflow, run = failed(branch(note(tasks, "one"), end()))
    with pytest.raises(Conflict, match=r"in version 2\. Run it anew instead"):
        go_on(alice, workflow, run, *change[1](tasks))
    (after,) = runs_of(workflow)
    assert (after.status, after.version_id) == ("failed", run.version_id)


def test_a_loop_that_has_begun_stays_as_it_is(alice, tasks, failed):
    inside = note(tasks, "{{ item }}"), branch(end(), id="stops", right="{{ index }}")
    workflow, run = failed(each(*inside, at_once=3))
    with pytest.raises(Conflict, match="“For each”, which has begun"):
        go_on(alice, workflow, run, each(inside[0]))


def test_another_trigger_is_refused(alice, tasks, failed):
    workflow, run = failed(note(tasks, "one"), end())
    other = {"type": "button", "record": str(tasks.pk)}
    with pytest.raises(Conflict, match="Version 2 starts by something else"):
        go_on(alice, workflow, run, note(tasks, "one"), trigger=other)


class TestInput:
    """What each step was given, as it was, stands in its row: also where it failed."""

    def given(self, alice, workspace, *steps, **input):
        workflow = make_workflow(alice, workspace, BUTTON, *steps)
        start(alice, workflow, input=input)
        settle()
        (run,) = runs_of(workflow)
        return {path: row.input for path, row in steps_of(run).items()}

    def test_values(self, alice, workspace, tasks):
        found = self.given(alice, workspace, note(tasks, "{{ trigger.input.x }}!"), x="Dune")
        assert found["note"] == {"values": {"what": "Dune!"}}

    def test_what_failed(self, alice, workspace, make_record):
        dates = make_record("Dates", day="date")
        bad = note(dates, "x") | {"values": {"day": "{{ trigger.input.x }}"}}
        assert self.given(alice, workspace, bad, x="soon")["note"] == {"values": {"day": "soon"}}

    def test_what_was_compared(self, alice, workspace):
        asks = branch(
            {"id": "keep", "type": "set", "values": {"x": 1}}, right="{{ trigger.input.x }}"
        )
        found = self.given(alice, workspace, asks, x=2)
        compared = {"value": "1", "op": "is", "other": 2, "held": False}
        assert found == {"check": {"compared": [compared]}}

    def test_long_things_are_cut(self, alice, workspace, tasks):
        found = self.given(alice, workspace, note(tasks, "{{ trigger.input.x }}"), x="x" * 2010)
        assert found["note"]["values"]["what"] == "x" * 2000 + "… 10 characters more"
