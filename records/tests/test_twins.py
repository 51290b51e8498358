"""A long value that a change leaves alone is kept once; whoever reads old images sees it all the same."""

import datetime as dt
import random

import orjson
import pytest
from django.core.management import CommandError

from records import images, trimming
from records.entries import delete_entries, update_entries
from records.erasing import Choice, erase
from records.history import quoted
from records.names import history_name
from records.past import as_of
from records.query import Query
from records.restoring import restore
from records.services import change_record, change_structure
from records.tests.helpers import add, events, sql
from records.tests.test_replay import forged, joined, verify  # noqa: F401 - fixtures
from workspaces.access import Actor, acting_as
from workspaces.operations import undo

pytestmark = pytest.mark.django_db(transaction=True)
OLD, NEW = ("".join(random.Random(n).choices("0123456789abcdef", k=6000)) for n in range(2))


@pytest.fixture
def books(joined, make_record):  # noqa: F811
    return make_record(
        pages="integer", note={"type": "long_text", "personal": True}, data="json", title="text"
    )


@pytest.fixture
def lived(alice, books):
    """Three entries with long notes whose numbers changed before and after a note did."""
    data = {"a": [OLD, 1]}
    ids = add(
        alice,
        books,
        *({"pages": 1, "note": OLD, "data": data, "title": t} for t in ("a", "b", "c")),
    )
    first, _, gone = ids
    change(alice, books, {id: {"pages": 2} for id in ids})
    with alice.acting():
        sql(f"UPDATE {quoted(books.table_name)} SET pages = 3")  # stamped by the trigger
    books.noted = change(alice, books, {first: {"note": NEW}})
    change(alice, books, {id: {"pages": 4} for id in ids})
    with alice.acting() as actor:
        delete_entries(record=books, ids=[gone], actor=actor)
    books.numbered = change(alice, books, {first: {"pages": 5}})
    return ids


def change(person, record, changes):
    actor = person.actor
    with acting_as(actor):
        update_entries(record=record, changes=changes, actor=actor)
    return actor.operation


def marked(record, column="note"):
    """Return how many old images have a mark in a column."""
    same = "to_jsonb(_same)" if column == "data" else "_same"
    [(count,)] = sql(
        f"SELECT count(*) FROM {quoted(history_name(record.table_name))} WHERE {column} = {same}"
    )
    return count


def notes(person, record, at):
    with person.acting():
        rows = Query(as_of(record, str(at)), fields=["note", "data"]).rows(limit=10)
        rows = orjson.loads(orjson.dumps(rows))
        return {row[0]: (row[2], row[3] and row[3]["a"][0]) for row in rows}


def test_old_images_have_a_mark_for_what_did_not_change(alice, books, lived):
    with alice.acting():
        assert (marked(books), marked(books, "data")) == (10, 11)
        assert sql(f"SELECT count(*) FROM {quoted(history_name(books.table_name))}") == [(12,)]
        changed = [event.changed for event in events(books, "entries.updated")]
    assert changed == [["pages"], ["pages"], ["note"], ["pages"], ["pages"]]


def test_large_statements_keep_it_once_too(alice, books):
    add(alice, books, *({"pages": 1, "note": OLD if n % 2 else "short"} for n in range(300)))
    with alice.acting():
        sql(f"UPDATE {quoted(books.table_name)} SET pages = pages + 1")
        assert marked(books) == 150
        [event] = events(books, "entries.created")
    assert {note for note, _ in notes(alice, books, event.id).values()} == {OLD, "short"}
    assert "All agrees" in verify()


def test_the_past_is_whole(alice, books, lived):
    first, _, gone = lived
    with alice.acting():
        created, *updates = [event.id for event in events(books) if "entries" in event.type]
    for event in (created, *updates[:2]):
        assert notes(alice, books, event) == dict.fromkeys(lived, (OLD, OLD))
    for event in updates[2:4]:
        assert notes(alice, books, event)[first] == (NEW, OLD)
        assert notes(alice, books, event)[gone] == (OLD, OLD)
    with alice.acting():
        then = as_of(books, str(created))
        found = Query(then, where={"field": "note", "op": "contains", "value": OLD[:40]})
        assert len(found.rows(limit=10)) == 3
        steps = images.steps_of(books, first)
    told = [[cell.label for cell in step.cells] for step in steps]
    assert told[:-1] == [["Pages"], ["Pages"], ["Note"], ["Pages"], ["Pages"]]
    assert [cell.after for cell in steps[-1].cells if cell.label == "Note"] == [OLD]


def test_it_is_proven_and_built_again(books, lived):
    assert "All agrees" in verify()


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET note = overlay(note PLACING 'x' FROM 5) WHERE length(note) > 100",
        "UPDATE {table} SET note = NULL",
        "UPDATE {table} SET note = 'x'",
    ],
)
def test_forged_notes_are_found(books, lived, forged, live, statement):  # noqa: F811
    forged(books, statement, None if live else history_name(books.table_name))
    with pytest.raises(CommandError, match="does not agree with its images"):
        verify("--quick")


def test_a_mark_instead_of_what_was_there_is_found(books, lived, forged):  # noqa: F811
    forged(
        books,
        "UPDATE {table} SET note = _same WHERE note <> _same AND _op = 'U'",
        history_name(books.table_name),
    )
    with pytest.raises(CommandError, match="does not agree with its images"):
        verify("--quick")


def test_nobody_writes_a_mark(alice, books, lived):
    """What looks like a mark of another image is a value like any other."""
    _, second, _ = lived
    with alice.acting():
        [(mark,)] = sql(
            f"SELECT max(_same) FROM {quoted(history_name(books.table_name))} "
            f"WHERE entry_id = {second}"
        )
        change(alice, books, {second: {"note": mark}})
        now = events(books)[-1].id
    change(alice, books, {second: {"pages": 9}})
    assert notes(alice, books, now)[second] == (mark, OLD)
    assert "All agrees" in verify()


def test_undo_and_restore_bring_the_value_back(alice, books, lived):
    first, *_ = lived
    undo(operation_id=books.noted, actor=alice.actor)
    with alice.acting() as actor:
        created = events(books, "entries.created")[0].id
        table = quoted(books.table_name)
        assert sql(f"SELECT note FROM {table} WHERE entry_id = {first}") == [(OLD,)]
        restore(then=as_of(books, str(created)), actor=actor)
        rows = sql(f"SELECT pages, note, data->'a'->>0 FROM {table} ORDER BY entry_id")
    assert rows == [(1, OLD, OLD)] * 3
    assert "All agrees" in verify()


def test_through_conversions(alice, books, lived):
    """The old column goes to the shelf with its marks, and comes back with them."""
    first, *_ = lived
    with alice.acting():
        created = events(books, "entries.created")[0].id
    for type in ("json", "long_text"):
        with alice.acting() as actor:
            changes = [{"op": "change_field", "field": "note", "type": type}]
            change_structure(record=books, changes=changes, actor=actor, confirmed=True)
        change(alice, books, {first: {"pages": 7}})
        assert notes(alice, books, created)[first] == (OLD, OLD)
    assert "All agrees" in verify()


def test_an_erasure_leaves_no_value_and_no_mark(alice, books, lived):
    actor = alice.actor
    with acting_as(actor):
        tally = erase(record=books, choice=Choice(key="note", value=OLD), actor=actor)
        assert (tally.entries, tally.deleted) == (2, 1)
        tables = (books.table_name, history_name(books.table_name))
        assert all(sql(f"SELECT count(note) FROM {quoted(table)}") == [(0,)] for table in tables)
        assert marked(books, "data") > 0
        created = events(books, "entries.created")[0].id
    assert notes(alice, books, created) == dict.fromkeys(lived, (None, OLD))
    assert "All agrees" in verify()


def test_the_end_of_a_retention_takes_nothing_that_is_needed(alice, books, lived, monkeypatch):
    first, second, _ = lived
    with alice.acting() as actor:
        change_record(record=books, history_days=30, actor=actor)
        third = events(books, "entries.updated")[2]
    later = third.timestamp + dt.timedelta(days=30, microseconds=1)
    monkeypatch.setattr(trimming.timezone, "now", lambda: later)
    assert trimming.trim_all() == {books.pk: 7}
    with acting_as(Actor.system()):
        books.refresh_from_db()
    assert notes(alice, books, books.history_begins)[first] == (NEW, OLD)
    assert notes(alice, books, books.history_begins)[second] == (OLD, OLD)
    said = verify()
    assert "All agrees" in said
