"""Reading the log: nothing skipped, nothing twice, nobody kept waiting."""

import threading
from functools import partial

import pytest
from django.db import connection

from automations import dispatch, engine, pilot, services, shifts
from automations.models import Firing
from automations.tests.test_claiming import explain, rows_read
from automations.tests.workflows import add, entries_in, make_workflow, runs_of, settle
from records.services import create_record
from workspaces.access import Actor, acting_as
from workspaces.models import Member
from workspaces.services import create_workspace

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text")


@pytest.fixture
def workflow(alice, workspace, books, make_record):
    tasks = make_record("Tasks", what="text")
    note = {
        "id": "note",
        "type": "create_entry",
        "record": str(tasks.pk),
        "values": {"what": "{{ trigger.entry.title }}"},
    }
    trigger = {"type": "entry_created", "record": str(books.pk)}
    return make_workflow(alice, workspace, trigger, note)


def titles(workflow):
    return [run.trigger_data["entry"]["title"] for run in runs_of(workflow)]


class Slow(threading.Thread):
    """Somebody whose transaction wrote an entry and takes its time to commit."""

    def __init__(self, person, record, title):
        super().__init__()
        self.person, self.record, self.title = person, record, title
        self.wrote, self.may_commit = threading.Event(), threading.Event()
        self.start()
        self.wrote.wait(20)

    def run(self):
        try:
            with self.person.acting():
                add(self.person, self.record, {"title": self.title})
                self.wrote.set()
                self.may_commit.wait(20)
        finally:
            connection.close()

    def commit(self):
        self.may_commit.set()
        self.join(20)


def test_nobody_waits_for_a_long_transaction_and_it_is_not_forgotten(alice, books, workflow):
    slow = Slow(alice, books, "long import")
    add(alice, books, {"title": "quick"})
    settle()
    assert titles(workflow) == ["quick"]
    add(alice, books, {"title": "another"})
    settle()
    slow.commit()
    settle()
    settle()
    assert titles(workflow) == ["quick", "another", "long import"]


def test_what_was_rolled_back_fires_nothing(alice, books, workflow):
    class Changed(Exception):
        pass

    def mind():
        with alice.acting():
            add(alice, books, {"title": "never"})
            raise Changed

    with pytest.raises(Changed):
        mind()
    settle()
    assert runs_of(workflow) == []


def test_the_pilot_sees_that_there_is_nothing_to_do(alice, books, workflow):
    settle()
    assert not any(pilot.due().values())
    add(alice, books, {"title": "Dune"})
    assert pilot.due()["events"]
    dispatch.route()
    assert not pilot.due()["events"]
    assert pilot.due()["firings"]
    dispatch.expand()
    assert pilot.due()["runs"]
    settle()
    assert not any(pilot.due().values())


def test_a_large_statement_fires_each_entry_in_parts(alice, books, workflow, monkeypatch):
    monkeypatch.setattr(dispatch, "ENTRIES_AT_ONCE", 100)
    add(alice, books, *({"title": f"Book {n}"} for n in range(450)))
    dispatch.route()
    with acting_as(Actor.system()):
        assert Firing.objects.count() == 1
    dispatch.expand()
    assert sorted(titles(workflow)) == sorted(f"Book {n}" for n in range(450))
    with acting_as(Actor.system()):
        assert not Firing.objects.exists()


def test_a_listener_that_may_not_read_any_more_pauses_and_says_why(
    alice, bob, workspace, books, workflow
):
    with acting_as(Actor.system()):
        Member.objects.filter(user=alice.user).delete()
    add(bob, books, {"title": "Dune"})
    settle()
    with bob.acting():
        workflow.refresh_from_db()
    assert workflow.state == "paused"
    assert "can't read what it listens to any more" in workflow.paused_because
    assert runs_of(workflow) == []
    assert entries_in(bob, books, "title") == [("Dune",)]


def test_a_shift_makes_runs_and_carries_them_out_in_turn(alice, books, workflow, monkeypatch):
    """While a large import is made into runs, what others fired does not wait for its end."""
    monkeypatch.setattr(dispatch, "ENTRIES_AT_ONCE", 2)
    add(alice, books, *({"title": str(n)} for n in range(6)))
    dispatch.route()
    order = []
    for module, verb in ((dispatch, "_expand_some"), (engine, "claim")):
        original = getattr(module, verb)
        told = partial(lambda verb, original: order.append(verb) or original(), verb, original)
        monkeypatch.setattr(module, verb, told)
    monkeypatch.setattr(shifts, "MAKING_SECONDS", 0.001)
    monkeypatch.setattr(shifts, "RUNNING_SECONDS", 0.001)
    shifts.work(30)
    assert order.index("claim") < len(order) - 1 - order[::-1].index("_expand_some")
    assert len(titles(workflow)) == 6
    assert {run.status for run in runs_of(workflow)} == {"succeeded"}


@pytest.fixture
def neighbour(bob):
    """Bob's Books in a workspace of his own, with a workflow that listens to them."""
    with bob.acting() as actor:
        room = create_workspace(name="Next door", actor=actor)
        title = {"label": "Title", "type": "text"}
        room.books = create_record(workspace=room, name="Books", fields=[title], actor=actor)
    keep = {"id": "keep", "type": "set", "values": {"x": 1}}
    trigger = {"type": "entry_created", "record": str(room.books.pk)}
    room.workflow = make_workflow(bob, room, trigger, keep)
    return room


def test_workspaces_take_turns_whoever_fired_first(alice, bob, books, workflow, neighbour):
    for n in range(4):
        add(alice, books, {"title": f"Alice {n}"})
    for n in range(2):
        add(bob, neighbour.books, {"title": f"Bob {n}"})
    dispatch.route()
    made = []
    while dispatch._expand_some() is not None:
        made.append((len(runs_of(workflow)), len(runs_of(neighbour.workflow))))
    assert made == [(1, 0), (1, 1), (2, 1), (2, 2), (3, 2), (4, 2)]
    assert titles(workflow) == [f"Alice {n}" for n in range(4)]
    assert titles(neighbour.workflow) == ["Bob 0", "Bob 1"]


def test_who_had_many_runs_before_does_not_wait_for_a_neighbours_many(
    alice, bob, books, workflow, neighbour
):
    add(bob, neighbour.books, {"title": "his first"})
    settle()
    add(alice, books, *({"title": f"before {n}"} for n in range(30)))
    settle()
    add(bob, neighbour.books, *({"title": f"many {n}"} for n in range(40)))
    _make_all()
    add(alice, books, {"title": "now"})
    _make_all()
    assert books.workspace_id in [engine.claim().workspace_id for _ in range(3)]


def _make_all():
    dispatch.route()
    while dispatch._expand_some() is not None:
        pass


def test_a_paused_workflow_with_many_firings_takes_its_turn_only(
    alice, bob, books, workflow, neighbour
):
    for n in range(4):
        add(alice, books, {"title": str(n)})
    add(bob, neighbour.books, {"title": "Bob"})
    dispatch.route()
    with alice.acting() as actor:
        workflow.refresh_from_db()
        services.pause(workflow=workflow, actor=actor)
    dispatch._expand_some()
    dispatch._expand_some()
    assert titles(neighbour.workflow) == ["Bob"]


@pytest.mark.parametrize("due", [True, False])
def test_ten_thousand_firings_cost_nothing_to_look_at(alice, bob, books, workflow, neighbour, due):
    add(alice, books, {"title": "many"})
    dispatch.route()
    many = """
        INSERT INTO workflow_firings
            (version_id, workspace_id, events, position, attempts, not_before, created_at)
        SELECT version_id, workspace_id, events, 0, 0, not_before, created_at
        FROM workflow_firings, generate_series(1, 10000)
    """
    with acting_as(Actor.system()), connection.cursor() as cursor:
        cursor.execute(many)
        if not due:
            cursor.execute("UPDATE workflow_firings SET not_before = now() + interval '1 hour'")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE workflow_firings")
    room = workflow.workspace_id
    for statement, params in [
        (f"SELECT ({pilot.DUE['firings']})", None),
        (dispatch.ROOMS, None),
        (dispatch.NEXT, [room]),
    ]:
        looked, whole = rows_read(explain(statement, params))
        assert looked < 10, statement
        assert [table for table, rows in whole if table == "workflow_firings" and rows > 1] == []
