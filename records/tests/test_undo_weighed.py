"""The preview of a large undo only reads: nobody waits for it, and it says what will happen."""

import pytest
from django.db import connection

from records import undo as taking_back
from records.entries import create_entries, update_entries, upsert_entries
from records.tests.helpers import add
from records.tests.test_undo import cells, change, does, restructure, takes_back
from workspaces import operations
from workspaces.access import acting_as
from workspaces.operations import undo


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch):
    monkeypatch.setattr(operations, "WEIGHED", 0)


@pytest.fixture
def record(make_record):
    return make_record(title="text", price="integer", code={"type": "text", "unique": True})


@pytest.fixture
def read(monkeypatch):
    """What was found out by reading: the answers of `weigh`."""
    answers, weigh = [], taking_back.weigh

    def noted(*args):
        answers.append(weigh(*args))
        return answers[-1]

    for type in ("entries.created", "entries.updated"):
        monkeypatch.setitem(operations._weighers, type, noted)
    return answers


def same_as_done(person, operation, **how):
    """Preview, then undo; both say the same, which is returned."""
    seen = takes_back(person, operation, preview=True, **how)
    done = takes_back(person, operation, **how)
    assert (seen.restored, seen.kept) == (done.restored, done.kept)
    assert seen.examples == done.examples
    return seen.restored, seen.kept


@pytest.mark.parametrize("force", [False, True])
def test_an_update_is_counted_by_reading(alice, record, read, force):
    a, b, c = add(alice, record, *({"title": "x", "price": 1} for _ in range(3)))
    done = change(alice, record, {id: {"title": "y", "price": 2} for id in (a, b, c)})
    change(alice, record, {a: {"price": 3}, b: {"price": 1}})
    assert same_as_done(alice, done, force=force) == ((5, 0) if force else (4, 1))
    assert read == [True]


def test_cells_that_do_not_fit_any_more_are_counted_by_reading(alice, record, read):
    a, b = add(alice, record, {"title": "x"}, {"title": "5"})
    done = change(alice, record, {a: {"title": "1"}, b: {"title": "2"}})
    restructure(alice, record, {"op": "change_field", "field": "title", "type": "integer"})
    assert same_as_done(alice, done) == (1, 1)
    assert read == [True]


@pytest.mark.parametrize("force", [False, True])
def test_new_entries_are_counted_by_reading(alice, record, read, force):
    actor = alice.actor
    with acting_as(actor):
        ids = create_entries(record=record, rows=[{"price": 1}] * 4, actor=actor).ids
    change(alice, record, {ids[0]: {"price": 2}})
    assert same_as_done(alice, actor.operation, force=force) == ((4, 0) if force else (3, 1))
    assert read == [True]


def test_both_at_once(alice, record, read):
    add(alice, record, {"code": "a", "price": 1})
    rows = [{"code": "a", "price": 2}, {"code": "b", "price": 2}]
    done = does(alice, upsert_entries, record=record, rows=rows, keys=["code"])
    restructure(alice, record, {"op": "change_field", "field": "code", "unique": False})
    assert same_as_done(alice, done) == (2, 0)
    assert read == [True]


def test_an_entry_written_twice_is_tried(alice, record, read):
    actor = alice.actor
    with acting_as(actor):
        [id] = create_entries(record=record, rows=[{"price": 1}], actor=actor).ids
        update_entries(record=record, changes={id: {"price": 2}}, actor=actor)
    assert same_as_done(alice, actor.operation)[0] > 0
    assert read == [False]
    assert cells(alice, record, "price") == []


def test_a_value_that_may_be_taken_is_tried(alice, record, read):
    a, b = add(alice, record, {"code": "a"}, {"code": "b"})
    done = change(alice, record, {a: {"code": "x"}})
    change(alice, record, {b: {"code": "a"}})
    assert same_as_done(alice, done) == (0, 1)
    assert read == [False]


def test_asking_only_reads_and_then_does(alice, record, read):
    [a] = add(alice, record, {"price": 1})
    done = change(alice, record, {a: {"price": 2, "title": "x"}})
    change(alice, record, {a: {"price": 3}})
    assert takes_back(alice, done, ask=True).operation is None
    assert cells(alice, record, "title") == ["x"]
    assert read == [True]
    assert takes_back(alice, done).operation
    assert cells(alice, record, "title") == [None]


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_preview(alice, record):
    [a] = add(alice, record, {"price": 1})
    done = change(alice, record, {a: {"price": 2}})
    other = connection.copy()
    try:
        with alice.acting() as actor:
            seen = undo(operation_id=done, actor=actor, preview=True)
            with other.cursor() as cursor:
                cursor.execute("BEGIN; SELECT kdap_bind(NULL, true, NULL, NULL, NULL, NULL, NULL)")
                cursor.execute("SET LOCAL lock_timeout = '1s'")
                cursor.execute(f"UPDATE {record.table_name} SET price = 5")
                assert cursor.rowcount == 1
                cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert seen.restored == 1
