"""What loops that do several items at once refuse before they run, and while they do."""

import pytest

from automations import definition
from automations.models import WorkflowStep
from automations.tests.test_looping import FRAGILE, each, note
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)


def problems(workspace, *steps):
    parsed = definition.parse({"trigger": BUTTON, "steps": list(steps)})
    return {p["pointer"]: p["detail"] for p in definition.problems_of(parsed, workspace.pk)}


def test_steps_of_items_are_not_seen_from_outside(alice, workspace, tasks):
    inside = note(tasks, "{{ steps.note.entry.what }}", id="again")
    after = note(tasks, "{{ steps.note.entry.what }}", id="after")
    with alice.acting():
        found = problems(workspace, each(note(tasks), inside), after)
        assert list(found) == ["/steps/1"]
        assert problems(workspace, each(note(tasks), inside, at_once=1), after) == {}


def test_stopping_well_is_for_loops_that_do_one_at_a_time(alice, workspace, tasks):
    end = {"id": "end", "type": "stop"}
    inner = {"id": "if", "type": "if", "condition": FRAGILE["condition"], "then": [end]}
    with alice.acting():
        assert list(problems(workspace, each(inner))) == ["/steps/0/at_once"]
        assert problems(workspace, each(inner, at_once=1)) == {}


def test_more_than_a_megabyte_of_items_is_refused_in_words(alice, workspace, tasks):
    many = each(note(tasks, "x"), items="{{ trigger.input.many }}", at_once=1)
    workflow = make_workflow(alice, workspace, BUTTON, many)
    start(alice, workflow, input={"many": ["x" * 99_000] * 9 + ["y" * 99_000] * 2})
    settle()
    (run,) = runs_of(workflow)
    assert run.status == "failed"
    with acting_as(Actor.system()):
        assert not WorkflowStep.objects.filter(run=run, step="note").exists()
