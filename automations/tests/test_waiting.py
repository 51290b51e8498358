"""Runs that wait until an entry matches a filter."""

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone

from automations import awaiting, clock, dispatch, engine, pilot, running
from automations.definition import parse, problems_of
from automations.models import Look, WorkflowRun, WorkflowStep
from automations.testing import try_out
from automations.tests.workflows import (
    BUTTON,
    add,
    change,
    entries_in,
    make_workflow,
    remove,
    runs_of,
    settle,
    start,
    steps_of,
)
from records.entries import create_entries, delete_entries, update_entries
from records.services import delete_record
from workspaces.access import Actor, acting_as
from workspaces.operations import undo

pytestmark = pytest.mark.django_db(transaction=True)
DONE = {"field": "status", "op": "is", "value": "Done"}


@pytest.fixture
def orders(make_record):
    return make_record("Orders", status="text", total="integer")


@pytest.fixture
def notes(make_record):
    return make_record("Notes", what="text")


def wait(orders, where=DONE, **more):
    return {"id": "wait", "type": "wait_until", "record": str(orders.pk), "where": where} | more


def note(notes, what="{{ steps.wait.met }} {{ steps.wait.entry.status }}"):
    return {
        "id": "note",
        "type": "create_entry",
        "record": str(notes.pk),
        "values": {"what": what},
    }


@pytest.fixture
def flow(alice, workspace, orders, notes):
    """A workflow that waits, once an order is added, until it is done; then it notes so."""

    def make(**more):
        trigger = {"type": "entry_created", "record": str(orders.pk)}
        return make_workflow(alice, workspace, trigger, wait(orders, **more), note(notes))

    return make


def noted(alice, notes):
    return [what for (what,) in entries_in(alice, notes, "what")]


def states(workflow):
    return [run.status for run in runs_of(workflow)]


def time_is_up():
    """Let everything that waits have waited long enough."""
    with acting_as(Actor.system()):
        long_ago = timezone.now() - dt.timedelta(seconds=1)
        WorkflowRun.objects.filter(wake_at__isnull=False).update(wake_at=long_ago)
        WorkflowStep.objects.filter(wake_at__isnull=False).update(wake_at=long_ago)
    settle()


def looks():
    with acting_as(Actor.system()):
        return Look.objects.count()


def test_it_goes_on_when_the_entry_matches(alice, orders, notes, flow):
    workflow = flow()
    (id,) = add(alice, orders, {"status": "New"})
    settle()
    assert states(workflow) == ["waiting"]
    assert looks() == 0
    change(alice, orders, id, total=5)
    settle()
    assert states(workflow) == ["waiting"]
    change(alice, orders, id, status="Done")
    settle()
    assert (states(workflow), noted(alice, notes)) == (["succeeded"], ["true Done"])
    row = steps_of(runs_of(workflow)[0])["wait"]
    assert row.output["entry"]["total"] == 5
    assert row.seconds >= 0


def test_what_holds_already_is_not_waited_for(alice, orders, notes, flow):
    workflow = flow()
    add(alice, orders, {"status": "Done"})
    settle()
    assert (states(workflow), noted(alice, notes)) == (["succeeded"], ["true Done"])
    assert runs_of(workflow)[0].fence == 1


def test_only_the_entry_that_is_waited_for_counts(alice, orders, flow):
    workflow = flow()
    _first, second = add(alice, orders, {"status": "New"}, {"status": "New"})
    settle()
    change(alice, orders, second, status="Done")
    settle()
    assert states(workflow) == ["waiting", "succeeded"]


@pytest.mark.parametrize(
    ("silence", "status", "told"),
    [("continue", "succeeded", ["false New"]), ("fail", "failed", [])],
)
def test_silence_goes_on_or_fails(alice, orders, notes, flow, silence, status, told):
    workflow = flow(silence=silence, most=2, unit="hours")
    add(alice, orders, {"status": "New"})
    settle()
    (run,) = runs_of(workflow)
    assert dt.timedelta(minutes=119) < run.wake_at - timezone.now() < dt.timedelta(hours=2)
    time_is_up()
    (run,) = runs_of(workflow)
    assert (run.status, noted(alice, notes)) == (status, told)
    assert run.error_message == (
        "“Wait for a condition” (wait): What this step waits for in “Orders” did not come in time."
        if told == []
        else ""
    )


def test_at_the_end_it_looks_once_more(alice, orders, notes, flow):
    """A condition may come true without any change, such as by the date."""
    workflow = flow(silence="fail")
    (id,) = add(alice, orders, {"status": "New"})
    settle()
    change(alice, orders, id, status="Done")  # and nobody reads the log meanwhile
    with acting_as(Actor.system()):
        WorkflowRun.objects.update(wake_at=timezone.now())
        WorkflowStep.objects.filter(status="waiting").update(wake_at=timezone.now())
    clock.tick()
    engine.work()
    assert (states(workflow), noted(alice, notes)) == (["succeeded"], ["true Done"])


@pytest.mark.parametrize(("silence", "status"), [("continue", "succeeded"), ("fail", "failed")])
def test_an_entry_that_is_deleted_ends_the_wait(alice, orders, notes, flow, silence, status):
    workflow = flow(silence=silence)
    (id,) = add(alice, orders, {"status": "New"})
    settle()
    remove(alice, orders, id)
    settle()
    (run,) = runs_of(workflow)
    assert run.status == status
    assert steps_of(run)["wait"].output == {"met": False, "deleted": True, "entry": None}
    assert ("for the entry was deleted" in run.error_message) == (silence == "fail")


def test_an_entry_deleted_and_brought_back_at_once_is_waited_for_still(alice, orders, flow):
    workflow = flow()
    (id,) = add(alice, orders, {"status": "New"})
    settle()
    with alice.acting() as actor:
        delete_entries(record=orders, ids=[id], actor=actor)
        operation = actor.operation
    with alice.acting() as actor:
        undo(operation_id=operation, actor=actor)
    settle()
    assert states(workflow) == ["waiting", "waiting"]  # coming back, it was added once more
    change(alice, orders, id, status="Done")
    settle()
    assert states(workflow) == ["succeeded", "succeeded"]


def test_a_record_that_is_deleted_ends_the_wait(alice, orders, flow):
    workflow = flow()
    add(alice, orders, {"status": "New"})
    settle()
    with alice.acting() as actor:
        delete_record(record=orders, actor=actor)
    settle()
    (run,) = runs_of(workflow)
    assert run.status == "failed"
    assert run.error_message.startswith("“Wait for a condition” (wait): ")


def test_a_change_between_the_check_and_its_commit_is_not_passed_over(
    alice, orders, notes, flow, monkeypatch
):
    """The log was read past it before anybody could see who waits."""
    workflow = flow()
    (id,) = add(alice, orders, {"status": "New"})
    dispatch.route()
    dispatch.expand()
    asked = awaiting.ask

    def changed_meanwhile(run):
        asked(run)
        _elsewhere(lambda: (change(alice, orders, id, status="Done"), dispatch.route()))

    monkeypatch.setattr(awaiting, "ask", changed_meanwhile)
    engine.work()
    assert (states(workflow), looks()) == (["waiting"], 1)
    settle()
    assert (states(workflow), noted(alice, notes)) == (["succeeded"], ["true Done"])


def _elsewhere(do):
    """Do something in a thread, with a connection of its own."""
    import threading

    failed = []

    def work():
        try:
            do()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert not failed
    assert not thread.is_alive()


def test_a_large_change_wakes_all_that_wait_in_few_statements(
    alice, orders, notes, flow, django_assert_max_num_queries
):
    workflow = flow()
    ids = add(alice, orders, *[{"status": "New"}] * 300)
    settle()
    with alice.acting() as actor:
        update_entries(record=orders, changes={id: {"status": "Done"} for id in ids}, actor=actor)
        create_entries(record=orders, rows=[{"status": "Other"}] * 300, actor=actor)
    with django_assert_max_num_queries(10):
        dispatch.route()
    assert looks() == 300
    with django_assert_max_num_queries(25):
        awaiting.look()
    assert states(workflow) == ["pending"] * 300
    with acting_as(Actor.system()):
        turns = list(WorkflowRun.objects.order_by("turn").values_list("turn", flat=True)[:300])
    assert len(set(turns)) == 300


def test_a_worker_that_dies_while_it_looks_loses_nothing(alice, orders, notes, flow, monkeypatch):
    workflow = flow()
    (id,) = add(alice, orders, {"status": "New"})
    settle()
    change(alice, orders, id, status="Done")
    dispatch.route()

    class Killed(BaseException):
        pass

    def die(rows):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(awaiting, "_let_go_on", die)
        with pytest.raises(Killed):
            awaiting.look()
    connection.close()
    assert (states(workflow), looks()) == (["waiting"], 1)
    settle()
    assert (states(workflow), noted(alice, notes)) == (["succeeded"], ["true Done"])


def test_two_who_look_do_it_once(alice, orders, notes, flow):
    workflow = flow()
    (id,) = add(alice, orders, {"status": "New"})
    settle()
    change(alice, orders, id, status="Done")
    dispatch.route()
    change(alice, orders, id, total=1)
    dispatch.route()
    assert looks() == 2
    settle()
    assert (states(workflow), noted(alice, notes)) == (["succeeded"], ["true Done"])


def test_a_run_that_was_cancelled_is_not_woken(alice, orders, notes, flow):
    workflow = flow()
    (id,) = add(alice, orders, {"status": "New"})
    settle()
    with alice.acting() as actor:
        running.cancel(run=runs_of(workflow)[0], actor=actor)
    change(alice, orders, id, status="Done")
    settle()
    assert (states(workflow), noted(alice, notes), looks()) == (["cancelled"], [], 0)
    with alice.acting() as actor:
        running.retry(run=runs_of(workflow)[0], actor=actor)
    settle()
    assert (states(workflow), noted(alice, notes)) == (["succeeded"], ["true Done"])


def test_what_is_waited_for_can_refer_to_what_was_before(alice, workspace, orders, notes):
    seen = {"field": "status", "op": "is", "value": "{{ trigger.input.wanted }}"}
    first = wait(orders, where=seen, entry="{{ trigger.input.order }}")
    workflow = make_workflow(alice, workspace, BUTTON, first, note(notes))
    (id,) = add(alice, orders, {"status": "New"})
    start(alice, workflow, input={"wanted": "Sent", "order": id})
    settle()
    assert states(workflow) == ["waiting"]
    row = steps_of(runs_of(workflow)[0])["wait"]
    assert row.input == {
        "record": str(orders.pk),
        "entry": id,
        "where": seen | {"value": "Sent"},
    }
    change(alice, orders, id, status="Sent")
    settle()
    assert noted(alice, notes) == ["true Sent"]


def test_nobody_looks_while_nothing_changes(alice, orders, flow):
    flow()
    add(alice, orders, *[{"status": "New"}] * 3)
    settle()
    found = pilot.due()
    assert not any(found[what] for what in ("looks", "runs", "clock", "firings"))


def test_a_trial_tells_and_does_not_wait(alice, workspace, orders, notes, flow):
    workflow = flow()
    add(alice, orders, {"status": "New"})
    with alice.acting() as actor:
        trial = try_out(workflow=workflow, actor=actor)
    assert trial.status == "succeeded"
    row = trial.tree[0].row
    assert (row.status, row.output["met"], row.output["entry"]["status"]) == (
        "succeeded",
        False,
        "New",
    )


def test_what_can_not_work_is_said(alice, workspace, orders):
    def problems(step):
        with alice.acting():
            made = parse({"trigger": BUTTON, "steps": [step]})
            return {item["pointer"]: item["detail"] for item in problems_of(made, workspace.pk)}

    assert problems(wait(orders)) == {}
    gone = {"field": "gone", "op": "is", "value": 1}
    assert list(problems(wait(orders, where=gone))) == ["/steps/0/where/field"]
    assert problems(wait(orders, most=53, unit="weeks")) == {
        "/steps/0/most": "A run waits at most a year."
    }
    assert problems(wait(orders, most=1_000_000, unit="weeks")) == {
        "/steps/0/most": "A run waits at most a year."
    }
