"""Runs that exclude each other: they queue, are skipped, or take each other's place."""

import datetime as dt
import threading

import pytest
from django.db import connections
from django.utils import timezone

from automations import dispatch, engine
from automations.models import WorkflowRun
from automations.tests.workflows import (
    BUTTON,
    add,
    entries_in,
    make_workflow,
    runs_of,
    settle,
    start,
)
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = {"id": "wait", "type": "wait", "amount": 1, "unit": "hours"}


def by_customer(policy):
    """Return the part of a definition that says so."""
    return {"policy": policy, "key": "{{ trigger.input.customer }}"}


def states(workflow):
    """Return (status, why) of the workflow's runs, oldest first."""
    return [(run.status, run.error_message.partition(":")[0]) for run in runs_of(workflow)]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("queue", [("waiting", ""), ("waiting", ""), ("waiting", "")]),
        ("skip", [("waiting", ""), ("cancelled", "Skipped"), ("waiting", "")]),
        ("cancel_previous", [("cancelled", "Cancelled"), ("waiting", ""), ("waiting", "")]),
    ],
)
def test_a_run_is_due_while_another_with_its_key_waits(alice, workspace, policy, expected):
    workflow = make_workflow(alice, workspace, BUTTON, WAIT, concurrency=by_customer(policy))
    for customer in ("Ann", "Ann", "Ben"):
        start(alice, workflow, input={"customer": customer})
        engine.work(5)
    assert states(workflow) == expected


def test_long_keys_that_end_differently_are_different(alice, workspace):
    workflow = make_workflow(alice, workspace, BUTTON, WAIT, concurrency=by_customer("skip"))
    for customer in ("ü" * 300 + "1", "ü" * 300 + "2", "ü" * 300 + "1", "ü" * 195, "ü" * 196):
        start(alice, workflow, input={"customer": customer})
        engine.work(5)
    assert [status for status, _ in states(workflow)] == [
        *("waiting", "waiting", "cancelled"),
        *("waiting", "waiting"),
    ]
    keys = [run.concurrency_key for run in runs_of(workflow)]
    assert len(set(keys)) == 4
    assert all(key.startswith("skip:üüü") and len(key) <= 200 for key in keys)


def test_of_runs_queued_at_once_the_first_or_the_last_stays(alice, workspace, make_record):
    books = make_record("Books", title="text")
    trigger = {"type": "entry_created", "record": str(books.pk)}
    made = [
        make_workflow(alice, workspace, trigger, WAIT, concurrency={"policy": policy})
        for policy in ("skip", "cancel_previous")
    ]
    add(alice, books, {"title": "Dune"}, {"title": "Emma"}, {"title": "Ulysses"})
    settle()
    skipping, replacing = ([status for status, _ in states(workflow)] for workflow in made)
    assert skipping == ["waiting", "cancelled", "cancelled"]
    assert replacing == ["cancelled", "cancelled", "waiting"]


def test_a_run_at_work_is_cancelled_when_its_step_ends(alice, workspace, make_record):
    tasks = make_record("Tasks", what="text")
    note = {"id": "note", "type": "create_entry", "record": str(tasks.pk), "values": {"what": "x"}}
    concurrency = {"policy": "cancel_previous"}
    workflow = make_workflow(alice, workspace, BUTTON, note, concurrency=concurrency)
    start(alice, workflow)
    old = engine.claim()
    start(alice, workflow)
    assert engine.claim() is None  # the new one waits until the old one is over
    engine.execute(old)
    settle()
    assert states(workflow) == [("cancelled", "Cancelled"), ("succeeded", "")]
    assert entries_in(alice, tasks, "what") == [("x",)]


def test_who_cancelled_a_run_at_work_is_kept(alice, workspace):
    from automations import running

    workflow = make_workflow(alice, workspace, BUTTON, WAIT)
    start(alice, workflow)
    run = engine.claim()
    with alice.acting() as actor:
        running.cancel(run=run, actor=actor)
    engine.execute(run)
    assert runs_of(workflow)[0].error_message == "Cancelled by Alice."


def at_once(*works):
    """Do each of `works` in a thread of its own; raise what one of them raised."""
    problems = []

    def do(work):
        try:
            work()
        except Exception as error:
            problems.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


@pytest.mark.parametrize("policy", ["skip", "cancel_previous"])
def test_two_who_press_at_the_same_time_know_of_each_other(alice, workspace, policy):
    concurrency = {"policy": policy}
    workflow = make_workflow(alice, workspace, BUTTON, WAIT, concurrency=concurrency)
    at_once(*[lambda: start(alice, workflow)] * 4)
    found = [status for status, _ in states(workflow)]
    assert sorted(found) == ["cancelled", "cancelled", "cancelled", "pending"]


def test_many_dispatchers_and_workers_do_each_run_once(alice, workspace, make_record):
    books, tasks = make_record("Books", title="text"), make_record("Tasks", what="text")
    note = {
        "id": "note",
        "type": "create_entry",
        "record": str(tasks.pk),
        "values": {"what": "{{ trigger.entry.title }}"},
    }
    trigger = {"type": "entry_created", "record": str(books.pk)}
    workflow = make_workflow(alice, workspace, trigger, note)
    titles = [f"Book {number:03}" for number in range(60)]
    for title in titles:
        add(alice, books, {"title": title})

    def everything():
        for _ in range(10):
            dispatch.route()
            dispatch.expand(1)
            engine.work(2)

    at_once(everything, everything, everything)
    assert len(runs_of(workflow)) == 60
    assert sorted(what for (what,) in entries_in(alice, tasks, "what")) == titles


def test_beyond_the_days_runs_a_workflow_pauses_and_says_so(
    alice, workspace, make_record, settings, mailoutbox
):
    settings.AUTOMATIONS_RUNS_PER_DAY = 3
    books = make_record("Books", title="text")
    trigger = {"type": "entry_created", "record": str(books.pk)}
    keep = {"id": "keep", "type": "set", "values": {"x": 1}}
    workflow = make_workflow(alice, workspace, trigger, keep)
    add(alice, books, *[{"title": str(number)} for number in range(5)])
    settle()
    assert [status for status, _ in states(workflow)] == ["succeeded"] * 3 + ["cancelled"] * 2
    with alice.acting():
        workflow.refresh_from_db()
    assert workflow.state == "paused"
    assert "3 runs a day" in workflow.paused_because
    assert "3 runs a day" in mailoutbox[-1].body
    assert mailoutbox[-1].to == [alice.user.email]


def test_runs_of_yesterday_and_of_others_count_nothing(alice, workspace, settings):
    from automations import quotas

    settings.AUTOMATIONS_RUNS_PER_DAY = 2
    keep = {"id": "keep", "type": "set", "values": {"x": 1}}
    workflow = make_workflow(alice, workspace, BUTTON, keep)
    before = timezone.now()
    start(alice, workflow)
    after = timezone.now() + dt.timedelta(milliseconds=1)
    with acting_as(Actor.system()):
        assert quotas.begun_today(workspace.pk, 2) == 1
        run = WorkflowRun.objects.get()
        assert quotas.first_id(before) <= run.pk < quotas.first_id(after)
        assert quotas.begun_today("01a1fe1e-a587-7367-b6f9-b1e805be8a85", 2) == 0


def test_a_workflow_that_was_paused_starts_nothing_of_what_fired_before(
    alice, workspace, make_record
):
    from automations import services

    books = make_record("Books", title="text")
    trigger = {"type": "entry_created", "record": str(books.pk)}
    workflow = make_workflow(alice, workspace, trigger, WAIT)
    add(alice, books, {"title": "Dune"})
    dispatch.route()
    with alice.acting() as actor:
        services.pause(workflow=workflow, actor=actor)
    settle()
    assert runs_of(workflow) == []
