"""No workflow, however broken, and no workspace in the trash keeps others from their runs."""

import datetime as dt
import threading
from unittest import mock

import pytest
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from automations import clock, dispatch, pilot, queueing, services, shifts
from automations.agents import running as agents
from automations.models import Subscription, WorkflowRun
from automations.services import delete_workflow
from automations.tests.agents import fresh, give, make_agent
from automations.tests.workflows import (
    BUTTON,
    add,
    make_workflow,
    runs_of,
    settle,
    start,
    steps_of,
)
from records.services import change_structure
from workspaces.access import Actor, acting_as
from workspaces.services import create_workspace, delete_workspace, restore_workspace

pytestmark = pytest.mark.django_db(transaction=True)
KEEP = {"id": "keep", "type": "set", "values": {"x": 1}}
HOURLY = {"type": "schedule", "every": 1, "unit": "hours"}
WAIT = {"id": "wait", "type": "wait", "amount": 1, "unit": "hours"}
AGO = dt.timedelta(minutes=2)


@pytest.fixture
def elsewhere(charlie):
    """Charlie's own workspace."""
    with charlie.acting() as actor:
        return create_workspace(name="Elsewhere", actor=actor)


@pytest.fixture
def tasks(make_record):
    return make_record("Tasks", due="datetime", what="text")


def due(record, **more):
    return {"type": "date_reached", "record": str(record.pk), "field": "due"} | more


def all_due():
    with acting_as(Actor.system()):
        Subscription.objects.filter(next_at__isnull=False).update(next_at=timezone.now() - AGO)


def restructure(person, record, *changes):
    with person.acting() as actor:
        change_structure(record=record, changes=list(changes), actor=actor)


def state(workflow):
    with acting_as(Actor.system()):
        workflow.refresh_from_db()
    return workflow.state, workflow.paused_because


def fails_for(monkeypatch, where, name, wrong):
    """Let `where.name` do `wrong` for workflows that are called “Poison”."""
    right = getattr(where, name)

    def work(first, *args):
        version = getattr(first, "version", first)
        return wrong() if version.workflow.name == "Poison" else right(first, *args)

    monkeypatch.setattr(where, name, work)


def raises():
    raise TypeError("unhashable type: 'dict'")


def asks_for_nonsense():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


class TestOneThatBreaks:
    @pytest.mark.parametrize("wrong", [raises, asks_for_nonsense])
    def test_while_runs_are_made(
        self, alice, workspace, charlie, elsewhere, tasks, monkeypatch, wrong
    ):
        trigger = {"type": "entry_created", "record": str(tasks.pk)}
        poison = make_workflow(alice, workspace, trigger, KEEP, name="Poison")
        other = make_workflow(charlie, elsewhere, BUTTON, KEEP)
        fails_for(monkeypatch, dispatch, "_limited", wrong)
        (_,) = add(alice, tasks, {"what": "Read"})
        dispatch.route()
        start(charlie, other)
        shifts.work()
        assert [run.status for run in runs_of(other)] == ["succeeded"]
        for _ in range(dispatch.MOST_ATTEMPTS):
            with acting_as(Actor.system()):
                dispatch.Firing.objects.update(not_before=timezone.now())
            shifts.work(0.2)
        assert state(poison)[0] == "paused"
        assert "It can't read what it listens to any more" in state(poison)[1]

    @pytest.mark.parametrize("wrong", [raises, asks_for_nonsense])
    def test_while_the_clock_is_looked_at(
        self, alice, charlie, workspace, elsewhere, monkeypatch, mailoutbox, wrong
    ):
        poison = make_workflow(alice, workspace, HOURLY, KEEP, name="Poison")
        other = make_workflow(charlie, elsewhere, HOURLY, KEEP)
        fails_for(monkeypatch, clock, "_queue", wrong)
        all_due()
        pilot.look_once()
        settle()
        assert len(runs_of(other)) == 1
        assert state(poison)[0] == "paused"
        assert [mail.to for mail in mailoutbox] == [[alice.user.email]]

    def test_a_date_that_became_a_text(self, alice, workspace, charlie, elsewhere, tasks):
        workflow = make_workflow(alice, workspace, due(tasks), KEEP)
        other = make_workflow(charlie, elsewhere, HOURLY, KEEP)
        restructure(alice, tasks, {"op": "change_field", "field": "due", "type": "text"})
        all_due()
        clock.tick()
        assert len(runs_of(other)) == 1
        assert state(workflow) == ("paused", "“Due” of “Tasks” is no date any more.")

    def test_a_date_that_is_gone(self, alice, workspace, tasks, mailoutbox):
        workflow = make_workflow(alice, workspace, due(tasks), KEEP)
        restructure(alice, tasks, {"op": "delete_field", "field": "due"})
        all_due()
        clock.tick()
        settle()
        assert state(workflow)[0] == "paused"
        assert len(mailoutbox) == 1

    def test_a_table_that_is_busy_is_waited_for(self, alice, workspace, tasks, monkeypatch):
        from workspaces.errors import Conflict

        def busy(*_):
            raise Conflict("It is busy.")

        workflow = make_workflow(alice, workspace, due(tasks), KEEP)
        monkeypatch.setattr(clock, "_dated", busy)
        all_due()
        clock.tick()
        assert state(workflow) == ("active", "")


class TestTrash:
    def test_a_workspace_in_the_trash_does_nothing_and_goes_on_when_restored(
        self, alice, workspace, tasks
    ):
        ticks = make_workflow(alice, workspace, HOURLY, KEEP, name="Ticks")
        dates = make_workflow(alice, workspace, due(tasks), KEEP, name="Dates")
        trigger = {"type": "entry_created", "record": str(tasks.pk)}
        fired = make_workflow(alice, workspace, trigger, KEEP, name="Fired")
        waits = make_workflow(alice, workspace, BUTTON, WAIT, KEEP, name="Waits")
        start(alice, waits)
        settle()
        start(alice, waits)
        add(alice, tasks, {"due": (timezone.now() - AGO).isoformat()})
        dispatch.route()
        task = give(alice, make_agent(alice, workspace), {"task": "Read"})
        with alice.acting() as actor:
            delete_workspace(workspace=workspace, actor=actor)
        with acting_as(Actor.system()):
            Subscription.objects.filter(workflow=dates).update(scanned_to=timezone.now() - 2 * AGO)
        self.hasten()
        pilot.look_once()
        settle()
        assert agents.work() == 0
        assert [len(runs_of(workflow)) for workflow in (ticks, dates, fired)] == [0, 0, 0]
        assert [run.status for run in runs_of(waits)] == ["waiting", "waiting"]
        assert {state(workflow)[0] for workflow in (ticks, dates, fired, waits)} == {"active"}
        found = pilot.due()
        assert not any(found[what] for what in ("firings", "agents", "clock"))

        with alice.acting() as actor:
            restore_workspace(workspace=workspace, actor=actor)
        self.hasten()
        clock.tick()
        settle()
        assert [len(runs_of(workflow)) for workflow in (ticks, dates, fired)] == [1, 1, 1]
        self.hasten()
        clock.tick()
        settle()
        assert [run.status for run in runs_of(waits)] == ["succeeded", "succeeded"]
        assert agents.work() == 1
        assert fresh(task).status == "succeeded"

    def hasten(self):
        """Let all that waits for a time be due."""
        all_due()
        with acting_as(Actor.system()):
            past = timezone.now() - AGO
            WorkflowRun.objects.filter(status="waiting").update(wake_at=past)
            for run in WorkflowRun.objects.filter(status="waiting"):
                run.steps.filter(status="waiting").update(wake_at=past)

    def test_a_workflow_in_the_trash_makes_no_runs_of_what_fired_before(
        self, alice, workspace, tasks
    ):
        trigger = {"type": "entry_created", "record": str(tasks.pk)}
        workflow = make_workflow(alice, workspace, trigger, KEEP)
        add(alice, tasks, {"what": "Read"})
        dispatch.route()
        with alice.acting() as actor:
            delete_workflow(workflow=workflow, actor=actor)
        settle()
        assert runs_of(workflow) == []


class TestPublishing:
    """What is due when a new version is published is not lost, and not doubled."""

    def publish(self, alice, workflow, trigger, *steps):
        with alice.acting() as actor:
            workflow.refresh_from_db()
            services.change_workflow(
                workflow=workflow,
                actor=actor,
                structured_definition={"trigger": trigger, "steps": list(steps)},
            )
            services.publish(workflow=workflow, actor=actor)

    def test_a_tick(self, alice, workspace):
        workflow = make_workflow(alice, workspace, HOURLY, KEEP)
        all_due()
        self.publish(alice, workflow, HOURLY | {"missed": "skip"}, KEEP | {"id": "other"})
        clock.tick()
        assert len(runs_of(workflow)) == 1

    def test_another_schedule_begins_anew(self, alice, workspace):
        workflow = make_workflow(alice, workspace, HOURLY, KEEP)
        all_due()
        self.publish(alice, workflow, HOURLY | {"every": 2}, KEEP)
        clock.tick()
        assert runs_of(workflow) == []

    def test_a_date(self, alice, workspace, tasks):
        workflow = make_workflow(alice, workspace, due(tasks), KEEP)
        add(alice, tasks, {"due": (timezone.now() + dt.timedelta(seconds=0.2)).isoformat()})
        threading.Event().wait(0.3)
        self.publish(alice, workflow, due(tasks), KEEP | {"id": "other"})
        for _ in range(2):
            all_due()
            clock.tick()
        assert len(runs_of(workflow)) == 1


def test_a_date_that_is_reached_before_it_is_committed(alice, workspace, tasks):
    workflow = make_workflow(alice, workspace, due(tasks), KEEP)
    written, looked = threading.Event(), threading.Event()

    def write():
        from records.entries import create_entries

        with alice.acting() as actor:
            at = timezone.now() + dt.timedelta(seconds=0.2)
            create_entries(record=tasks, rows=[{"due": at.isoformat()}], actor=actor)
            written.set()
            looked.wait(10)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(10)
    threading.Event().wait(0.4)
    all_due()
    clock.tick()
    looked.set()
    writer.join()
    for _ in range(2):
        all_due()
        clock.tick()
    assert len(runs_of(workflow)) == 1


def test_a_key_is_held_by_who_began_whatever_its_number(alice, workspace):
    """On another machine the clock may be behind, so its later runs have smaller ids."""
    queued = {"concurrency": {"key": "k", "policy": "queue"}}
    workflow = make_workflow(alice, workspace, BUTTON, WAIT, **queued)
    smaller = uuid7()
    start(alice, workflow)
    settle()
    with mock.patch.object(queueing, "uuid7", return_value=smaller):
        start(alice, workflow)
    settle()
    later, first = runs_of(workflow)
    assert (len(steps_of(first)), len(steps_of(later))) == (1, 0)
    with acting_as(Actor.system()):
        WorkflowRun.objects.filter(pk=first.pk).update(wake_at=timezone.now() - AGO)
        first.steps.update(wake_at=timezone.now() - AGO)
    clock.tick()
    settle()
    assert [run.status for run in runs_of(workflow)] == ["waiting", "succeeded"]
    assert len(steps_of(later)) == 1
