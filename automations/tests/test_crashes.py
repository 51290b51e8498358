"""Workers, databases and answers that are lost in the middle of a run."""

import datetime as dt
import itertools
import time

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from automations import claiming, clock, engine, running
from automations.models import WorkflowRun
from automations.steps.entries import CreateEntry
from automations.steps.http import HttpRequest
from automations.tests.receivers import ok, receiving
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

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """What kill -9 looks like from here: nothing catches it."""


@pytest.fixture
def receiver(settings):
    with receiving(ok(b"{}")) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        yield receiver


def note(tasks, what="x", **more):
    values = {"what": what}
    return {"id": "note", "type": "create_entry", "record": str(tasks.pk), "values": values} | more


def call(receiver, **more):
    return {"id": "call", "type": "http_request", "url": receiver.url()} | more


def lose_database():
    """End our own connection, as a PostgreSQL that is killed does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def before(kind, what, times=1):
    """Return a run() for steps of a kind that does `what` first, so many times."""
    original, left = kind.run, [None] * times

    def run(self, go):
        if left:
            left.pop()
            what()
        return original(self, go)

    return run


def after(kind, what, times=1):
    """Return a run() for steps of a kind that does `what` afterwards, so many times."""
    original, left = kind.run, [None] * times

    def run(self, go):
        output = original(self, go)
        if left:
            left.pop()
            what()
        return output

    return run


def die():
    raise Killed


def test_a_slow_step_keeps_its_run_for_as_long_as_it_takes(
    alice, workspace, tasks, settings, monkeypatch
):
    """However long the other side takes, nobody takes the run for one whose worker died."""
    monkeypatch.setattr(claiming, "RENEW_SECONDS", 0.05)
    seen = []

    def slow(connection_, request):
        with acting_as(Actor.system()):
            WorkflowRun.objects.update(lease=timezone.now() - dt.timedelta(minutes=5))
        end = time.monotonic() + 10
        while not seen and time.monotonic() < end:
            time.sleep(0.02)
            with acting_as(Actor.system()):
                seen.extend(WorkflowRun.objects.filter(lease__gt=timezone.now()))
        clock.tick()
        connection.close()
        connection_.sendall(ok(b"{}"))

    with receiving(slow) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        workflow = make_workflow(alice, workspace, BUTTON, call(receiver))
        start(alice, workflow)
        settle()
    (run,) = runs_of(workflow)
    assert (run.status, run.fence, len(seen)) == ("succeeded", 1, 1)
    assert len(receiver.requests) == 1


def test_a_step_that_hangs_loses_its_run_in_the_end(alice, workspace, tasks, monkeypatch):
    monkeypatch.setattr(claiming, "RENEW_SECONDS", 0.01)
    monkeypatch.setattr(claiming, "MOST_OUTSIDE_SECONDS", 0)
    workflow = make_workflow(alice, workspace, BUTTON, note(tasks))
    start(alice, workflow)
    run = claiming.claim()
    with acting_as(Actor.system()):
        WorkflowRun.objects.update(lease=timezone.now())
    with claiming.held(run, dt.timedelta(minutes=1)):
        time.sleep(0.1)
    with acting_as(Actor.system()):
        assert WorkflowRun.objects.filter(lease__gt=timezone.now()).count() == 0


def work_until_killed():
    with pytest.raises((Killed, DatabaseError)):
        engine.work()
    connection.close()


def lease_ends():
    """Let the time pass after which a silent worker counts as dead."""
    with acting_as(Actor.system()):
        long_ago = timezone.now() - dt.timedelta(minutes=5)
        WorkflowRun.objects.filter(status="running").update(lease=long_ago)
    clock.tick()


def test_a_database_that_dies_in_a_step_fails_no_run(alice, workspace, tasks, monkeypatch):
    workflow = make_workflow(alice, workspace, BUTTON, note(tasks))
    start(alice, workflow)
    monkeypatch.setattr(CreateEntry, "run", after(CreateEntry, lose_database))
    work_until_killed()
    assert runs_of(workflow)[0].status == "running"
    lease_ends()
    settle()
    assert runs_of(workflow)[0].status == "succeeded"
    assert entries_in(alice, tasks, "what") == [("x",)]


def test_a_database_that_dies_while_an_entry_is_written_fails_no_run(
    alice, workspace, tasks, monkeypatch
):
    """What writes entries says a lost database in words; these are not the step's failure."""
    workflow = make_workflow(alice, workspace, BUTTON, note(tasks))
    start(alice, workflow)
    from records import entries

    original, left = entries.run, [1]

    def run(sql, params):
        if left and sql.startswith("INSERT"):
            left.pop()
            lose_database()
        return original(sql, params)

    monkeypatch.setattr(entries, "run", run)
    work_until_killed()
    assert left == []
    assert runs_of(workflow)[0].status == "running"
    lease_ends()
    settle()
    assert runs_of(workflow)[0].status == "succeeded"
    assert entries_in(alice, tasks, "what") == [("x",)]


def test_an_answer_from_outside_outlives_a_database_that_dies(
    alice, workspace, tasks, receiver, monkeypatch
):
    workflow = make_workflow(alice, workspace, BUTTON, call(receiver), note(tasks))
    start(alice, workflow)
    monkeypatch.setattr(HttpRequest, "run", after(HttpRequest, lose_database_between))
    settle()
    (run,) = runs_of(workflow)
    assert run.status == "succeeded"
    assert run.fence == 1  # it was this very worker that went on
    assert steps_of(run)["call"].output["status"] == 200
    assert len(receiver.requests) == 1


def lose_database_between():
    """As lose_database, between two transactions, where the loss is noticed by the next one."""
    with pytest.raises(DatabaseError):
        lose_database()


def test_a_failed_attempt_is_counted_once_although_its_record_was_lost(
    alice, workspace, settings, monkeypatch
):
    settings.AUTOMATIONS_ALLOWED_HOSTS = ["127.0.0.1:1"]
    step = {"id": "call", "type": "http_request", "url": "http://127.0.0.1:1/", "retries": 3}
    workflow = make_workflow(alice, workspace, BUTTON, step)
    start(alice, workflow)
    original, left = engine.Walk._conclude, [1]

    def conclude(self, *args):
        original(self, *args)
        if left:
            left.pop()
            lose_database()

    monkeypatch.setattr(engine.Walk, "_conclude", conclude)
    engine.work()
    (run,) = runs_of(workflow)
    assert left == []
    assert run.status == "waiting"
    assert steps_of(run)["call"].attempts == 2


@pytest.mark.parametrize(
    ("more", "when", "requests", "status"),
    [
        ({}, before, 0, "waiting"),
        ({}, after, 1, "waiting"),
        ({"when_unknown": "again"}, before, 1, "succeeded"),
        ({"when_unknown": "again"}, after, 2, "succeeded"),
        ({"method": "PUT"}, after, 2, "succeeded"),
    ],
)
def test_what_nobody_can_know_is_asked_unless_it_may_be_done_again(
    alice, workspace, receiver, monkeypatch, more, when, requests, status
):
    workflow = make_workflow(alice, workspace, BUTTON, call(receiver, **more))
    start(alice, workflow)
    monkeypatch.setattr(HttpRequest, "run", when(HttpRequest, die))
    work_until_killed()
    lease_ends()
    settle()
    (run,) = runs_of(workflow)
    assert run.status == status
    assert len(receiver.requests) == requests
    assert steps_of(run)["call"].status == ("unknown" if status == "waiting" else "succeeded")


@pytest.mark.parametrize("state", ["unknown", "started"])
def test_trying_a_run_again_asks_about_what_nobody_knows(
    alice, workspace, receiver, monkeypatch, state
):
    """It used to forget that a call was begun, and made it again unasked."""
    workflow = make_workflow(alice, workspace, BUTTON, call(receiver))
    start(alice, workflow)
    monkeypatch.setattr(HttpRequest, "run", after(HttpRequest, die))
    work_until_killed()
    if state == "unknown":
        lease_ends()
        settle()
    (run,) = runs_of(workflow)
    assert steps_of(run)["call"].status == state
    with acting_as(Actor.system()):
        WorkflowRun.objects.update(status="cancelled", finished_at=timezone.now())
    with alice.acting() as actor:
        run.refresh_from_db()
        running.retry(run=run, actor=actor)
    settle()
    (run,) = runs_of(workflow)
    assert run.status == "waiting"
    assert steps_of(run)["call"].status == "unknown"
    assert len(receiver.requests) == 1


def test_a_step_that_every_worker_dies_of_ends_its_run(alice, workspace, receiver, monkeypatch):
    workflow = make_workflow(alice, workspace, BUTTON, call(receiver, when_unknown="again"))
    start(alice, workflow)
    monkeypatch.setattr(HttpRequest, "run", before(HttpRequest, die, times=10))
    for _ in range(engine.MOST_DEATHS):
        work_until_killed()
        lease_ends()
    (run,) = runs_of(workflow)
    assert run.status == "failed"
    assert run.error_message == "The worker died 5 times while this ran."


def test_deaths_count_no_more_once_a_run_got_on(alice, workspace, receiver, monkeypatch):
    """A long run outlives any number of restarts; it used to be given up after five."""
    steps = [call(receiver, id=f"call_{n}", method="PUT") for n in range(engine.MOST_DEATHS + 1)]
    workflow = make_workflow(alice, workspace, BUTTON, *steps)
    start(alice, workflow)
    original, count = HttpRequest.run, itertools.count(1)

    def every_other_dies(self, go):
        if next(count) % 2 == 0:
            raise Killed
        return original(self, go)

    monkeypatch.setattr(HttpRequest, "run", every_other_dies)
    for _ in range(engine.MOST_DEATHS):
        work_until_killed()
        lease_ends()
    settle()
    assert runs_of(workflow)[0].status == "succeeded"
