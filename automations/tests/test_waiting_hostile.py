"""Waits whose filter, entry, call or database is out of the ordinary: they end in words, alone."""

import datetime as dt

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.middleware import zone_of
from automations import awaiting, calls, dispatch, running, shifts
from automations.models import RunCall, WorkflowRun, WorkflowStep
from automations.tests.test_calls import TELL, WAIT, post
from automations.tests.test_waiting import DONE, states, time_is_up
from automations.tests.workflows import (
    BUTTON,
    add,
    change,
    make_workflow,
    runs_of,
    settle,
    start,
    steps_of,
)
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
PASSED = WAIT | {"id": "passed", "silence": "fail", "on_error": "continue"}
STOP = {"id": "end", "type": "stop", "failed": True, "reason": "no"}


@pytest.fixture
def orders(make_record):
    return make_record("Orders", status="text", more="long_text")


def wait(orders, where=DONE, **more):
    return {
        "id": "wait",
        "type": "wait_until",
        "record": str(orders.pk),
        "entry": "{{ trigger.input.order }}",
        "where": where,
    } | more


@pytest.fixture
def waiting(alice, workspace, orders):
    """Return a function: a workflow whose run waits for an order, and the order's number."""

    def make(name="Waits", order=None, **more):
        workflow = make_workflow(alice, workspace, BUTTON, wait(orders, **more), name=name)
        if order is None:
            (order,) = add(alice, orders, {"status": "New"})
        start(alice, workflow, input={"order": order})
        settle()
        return workflow, order

    return make


def test_a_filter_that_is_too_large_fails_its_run_only(alice, workspace, orders):
    large = {"field": "status", "op": "contains", "value": "{{ trigger.input.large }}"}
    workflow = make_workflow(alice, workspace, BUTTON, wait(orders, large))
    (id,) = add(alice, orders, {"status": "New"})
    start(alice, workflow, input={"order": id, "large": "ä" * 510_000})
    settle()
    (run,) = runs_of(workflow)
    assert (run.status, run.error_message) == (
        "failed",
        "“Wait for a condition” (wait): "
        "The filter that this step waits for is larger than a megabyte.",
    )


def test_a_wait_that_can_not_be_read_keeps_no_other_waiting(alice, orders, waiting):
    bad, id = waiting("Bad")
    good, _ = waiting("Good", order=id)
    with acting_as(Actor.system()):
        WorkflowStep.objects.filter(run__workflow=bad).update(input={"cut": True})
    change(alice, orders, id, status="Done")
    settle()
    assert (states(bad), states(good)) == (["failed"], ["succeeded"])
    assert "is not kept any more" in runs_of(bad)[0].error_message


def test_a_mistake_over_one_condition_keeps_no_other_waiting(alice, orders, waiting, monkeypatch):
    bad, id = waiting("Bad", where=DONE | {"op": "contains"})
    good, _ = waiting("Good", order=id)
    now = awaiting.answers_now

    def broken(record, where, ids):
        if where["op"] == "contains":
            raise RuntimeError
        return now(record, where, ids)

    monkeypatch.setattr(awaiting, "answers_now", broken)
    change(alice, orders, id, status="Done")
    settle()
    assert (states(bad), states(good)) == (["failed"], ["succeeded"])
    assert "A mistake in KDAP itself ended this wait" in runs_of(bad)[0].error_message


def test_a_moment_of_trouble_in_the_database_ends_no_wait(alice, orders, waiting, monkeypatch):
    workflow, id = waiting()

    class Deadlock(Exception):
        sqlstate = "40P01"

    def broken(*_):
        raise OperationalError from Deadlock()

    change(alice, orders, id, status="Done")
    dispatch.route()
    with monkeypatch.context() as patched:
        patched.setattr(awaiting, "answers_now", broken)
        with pytest.raises(OperationalError):
            awaiting.look()
    settle()
    assert states(workflow) == ["succeeded"]


def test_runs_are_carried_out_though_looking_fails(alice, workspace, monkeypatch):
    def broken():
        raise RuntimeError

    set_one = {"id": "one", "type": "set", "values": {"a": 1}}
    workflow = make_workflow(alice, workspace, BUTTON, set_one)
    start(alice, workflow)
    monkeypatch.setattr(awaiting, "look", broken)
    assert shifts.work(0.5) == 1
    assert states(workflow) == ["succeeded"]


def test_places_in_the_queue_are_taken_in_one_order(monkeypatch):
    asked = []

    def turns_for(room, count):
        asked.append(room)
        return count

    monkeypatch.setattr(awaiting, "turns_for", turns_for)
    rooms = [f"00000000-0000-7000-8000-00000000000{n}" for n in (3, 1, 2)]
    rows = [WorkflowStep(workspace_id=room, run_id=room, pk=n) for n, room in enumerate(rooms)]
    with acting_as(Actor.system()):
        awaiting._let_go_on(rows)
    assert asked == sorted(rooms)


def test_an_entry_above_a_megabyte_is_told_by_its_number(alice, orders, waiting):
    workflow, id = waiting()
    change(alice, orders, id, more="x" * 1_000_000)
    change(alice, orders, id, status="Done")
    settle()
    (run,) = runs_of(workflow)
    assert (run.status, run.error_message) == ("succeeded", "")
    told = {"met": True, "entry": {"entry_id": id, "cut": True}}
    assert steps_of(run)["wait"].output == told


def test_an_entry_gone_at_the_end_of_the_time_is_none(alice, waiting, monkeypatch):
    workflow, _ = waiting()
    monkeypatch.setattr("automations.steps.waiting.entries_as_json", lambda record, ids: [])
    time_is_up()
    (run,) = runs_of(workflow)
    assert (run.status, steps_of(run)["wait"].output) == (
        "succeeded",
        {"met": False, "entry": None},
    )


def test_a_filter_of_the_next_days_is_looked_at_each_midnight(alice, workspace, make_record):
    tasks = make_record("Tasks", due="date")
    soon = {"not": {"and": [{"not": {"field": "due", "op": "next_days", "value": 3}}]}}
    workflow = make_workflow(alice, workspace, BUTTON, wait(tasks, soon))
    (id,) = add(alice, tasks, {"due": str(timezone.localdate() + dt.timedelta(days=9))})
    start(alice, workflow, input={"order": id})
    settle()
    (run,) = runs_of(workflow)
    with timezone.override(zone_of(alice.user)):
        wake = timezone.localtime(run.wake_at)
        assert wake == timezone.localtime().replace(
            hour=0, minute=0, second=0, microsecond=0
        ) + dt.timedelta(days=1)
    end = dt.datetime.fromisoformat(steps_of(run)["wait"].input["until"])
    assert dt.timedelta(days=6) < end - timezone.now() < dt.timedelta(days=7)
    page = alice.client.get(run.get_absolute_url()).content.decode()
    assert "Waits until the entry matches and is looked at again at" in page
    time_is_up()
    (run,) = runs_of(workflow)
    assert (run.status, steps_of(run)["wait"].input["until"]) == ("waiting", end.isoformat())
    with alice.acting():  # as if days had passed: nobody is told of a change
        tasks.model.objects.update(due=timezone.localdate() + dt.timedelta(days=1))
    time_is_up()
    assert states(workflow) == ["succeeded"]


def test_a_filter_of_the_next_days_has_an_end_as_well(alice, workspace, make_record):
    tasks = make_record("Tasks", due="date")
    soon = {"field": "due", "op": "next_days", "value": 3}
    workflow = make_workflow(alice, workspace, BUTTON, wait(tasks, soon, silence="fail"))
    (id,) = add(alice, tasks, {"due": "2100-01-01"})
    start(alice, workflow, input={"order": id})
    settle()
    (run,) = runs_of(workflow)
    with acting_as(Actor.system()):
        row = steps_of(run)["wait"]
        row.input["until"] = timezone.now().isoformat()
        row.save()
    time_is_up()
    assert states(workflow) == ["failed"]


@pytest.fixture
def passed(alice, workspace):
    """Return a function: a workflow whose first wait for a call failed, and the run went on."""

    def make(*steps):
        workflow = make_workflow(alice, workspace, BUTTON, PASSED, TELL, WAIT, *steps)
        start(alice, workflow)
        settle()
        time_is_up()
        (run,) = runs_of(workflow)
        assert run.status == "waiting"
        return workflow, run

    return make


def test_after_a_wait_that_failed_the_address_is_that_of_the_next(passed):
    workflow, run = passed()
    address = calls.address_for(run.pk, 1)
    assert run.variables["address"] == address
    assert post(address).status_code == 202
    settle()
    assert states(workflow) == ["succeeded"]


def test_an_address_whose_wait_failed_takes_no_call(passed):
    _, run = passed()
    assert post(calls.address_for(run.pk, 0)).status_code == 410
    with acting_as(Actor.system()):
        assert RunCall.objects.get().data is None


def test_a_run_tried_again_keeps_the_calls_of_its_waits(alice, passed):
    workflow, run = passed(STOP)
    assert post(calls.address_for(run.pk, 1), b'"second"').status_code == 202
    settle()
    (run,) = runs_of(workflow)
    assert run.status == "failed"
    with alice.acting() as actor:
        running.retry(run=run, actor=actor)
    settle()
    rows = steps_of(run)
    assert (rows["passed"].status, rows["wait"].output["body"]) == ("failed", "second")


def test_a_run_cancelled_while_it_waits_waits_at_the_same_address_again(alice, passed):
    workflow, run = passed()
    with alice.acting() as actor:
        running.cancel(run=run, actor=actor)
    with alice.acting() as actor:
        running.retry(run=WorkflowRun.objects.get(pk=run.pk), actor=actor)
    settle()
    assert steps_of(run)["wait"].input == {"number": 1}
    assert post(calls.address_for(run.pk, 1)).status_code == 202
    settle()
    assert states(workflow) == ["succeeded"]


def test_a_call_that_could_not_be_kept_whole_is_refused(alice, workspace):
    workflow = make_workflow(alice, workspace, BUTTON, WAIT)
    (run,) = start(alice, workflow)
    settle()
    address = calls.address_for(run.pk, 0)
    assert post(address, b'"' + b"z" * 1_040_000 + b'"').status_code == 413
    assert post(address, b'"' + b"z" * 990_000 + b'"').status_code == 202
    settle()
    assert len(steps_of(run)["wait"].output["body"]) == 990_000
