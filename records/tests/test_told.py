"""Large UPDATEs say which columns they set: history, events and digests are those of any other."""

import random

import pytest

from records.history import quoted, stamped
from records.names import history_name
from records.replay import check_digests
from records.tests.helpers import events, sql
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 300  # more than a few, so that the statement is looked at as a whole
LONG, OTHER = ("".join(random.Random(n).choices("0123456789abcdef", k=6000)) for n in range(2))


@pytest.fixture
def books(alice, make_record):
    """Entries 1 to MANY: pages and stars as their number; every second has a long note."""
    record = make_record(pages="integer", stars="integer", note="long_text", data="json")
    with alice.acting():
        sql(
            f"INSERT INTO {quoted(record.table_name)} (pages, stars, note, data) "
            "SELECT n, n, CASE WHEN n %% 2 = 0 THEN %s ELSE 'short' END, to_jsonb(%s::text) "
            "FROM generate_series(1, %s) n",
            [LONG, LONG, MANY],
        )
    return record


def write(alice, record, sets, told, where="true"):
    """Run one large UPDATE that says it sets `told`; return its event."""
    with alice.acting():
        own = stamped(record.number, told)
        sql(f"UPDATE {quoted(record.table_name)} SET {sets}, {own} WHERE {where}")
        return events(record)[-1]


def old_images(alice, record, columns):
    with alice.acting():
        twin = quoted(history_name(record.table_name))
        return sql(f"SELECT {columns} FROM {twin} ORDER BY _ev_to, entry_id")


def agrees(record):
    """Whether each event's digest is that of the images there are."""
    with acting_as(Actor.system()):
        return check_digests(record).problems == []


def test_one_column(alice, books):
    event = write(alice, books, "pages = pages + 1", ["pages"])
    assert (event.changed, event.count) == (["pages"], MANY)
    assert old_images(alice, books, "pages, _op")[:2] == [(1, "U"), (2, "U")]
    assert agrees(books)


def test_of_several_columns_only_those_that_differ(alice, books):
    event = write(alice, books, "stars = stars, pages = 7", ["stars", "pages"], "pages <> 7")
    assert (event.changed, event.count) == (["pages"], MANY - 1)
    assert agrees(books)


def test_long_values_that_were_left_alone_are_not_kept_again(alice, books):
    write(alice, books, "pages = 0", ["pages"])
    assert old_images(alice, books, "note = _same")[:2] == [(False,), (True,)]
    assert old_images(alice, books, "data = to_jsonb(_same)")[:2] == [(True,), (True,)]
    assert agrees(books)


@pytest.mark.parametrize(
    "sets",
    [
        f"note = '{OTHER}'",
        "note = 'little'",
        "note = NULL",
        f"data = to_jsonb('{OTHER}'::text)",
        # A value that another entry stores out of line.
        "note = (SELECT note FROM {t} o WHERE o.entry_id % 2 <> t.entry_id % 2 LIMIT 1)",
    ],
)
def test_a_long_value_is_kept_although_it_was_not_told(alice, books, sets):
    sets = sets.replace("{t}", quoted(books.table_name))
    with alice.acting():
        own = stamped(books.number, ["pages"])
        sql(f"UPDATE {quoted(books.table_name)} AS t SET pages = pages + 1, {sets}, {own}")
        assert set(events(books)[-1].changed) == {"pages", sets.partition(" ")[0]}
    if sets.startswith("note"):
        assert old_images(alice, books, "note")[:2] == [("short",), (LONG,)]
    else:
        assert old_images(alice, books, "data")[0] == (f'"{LONG}"',)
    assert agrees(books)


def test_what_nobody_told_is_compared(alice, books):
    event = write(alice, books, "stars = 0", ["what_is_this"])
    assert event.changed == ["stars"]
    with alice.acting():
        sql(f"UPDATE {quoted(books.table_name)} SET pages = 0, note = 'x'")
        assert set(events(books)[-1].changed) == {"pages", "note"}
    assert agrees(books)


@pytest.mark.parametrize(
    "query",
    [
        "WITH other AS (UPDATE {t} SET stars = 0 WHERE entry_id <= {half} RETURNING 1) "
        "UPDATE {t} SET pages = 0, {own} WHERE entry_id > {half}",
        "WITH other AS (UPDATE {t} SET pages = 0, {own} WHERE entry_id > {half} RETURNING 1) "
        "UPDATE {t} SET stars = 0 WHERE entry_id <= {half}",
        "WITH other AS (UPDATE {t} SET stars = 0, {other} WHERE entry_id <= {half} RETURNING 1) "
        "UPDATE {t} SET pages = 0, {own} WHERE entry_id > {half}",
        "MERGE INTO {t} AS t USING {t} AS s ON t.entry_id = s.entry_id "
        "WHEN MATCHED AND t.entry_id > {half} THEN UPDATE SET pages = 0, {own} "
        "WHEN MATCHED THEN UPDATE SET stars = 0",
    ],
)
def test_parts_of_one_query_that_tell_different_things(alice, books, query):
    table = quoted(books.table_name)
    with alice.acting():
        [(first,)] = sql(f"SELECT min(entry_id) FROM {table}")
        own, other = (stamped(books.number, [column]) for column in ("pages", "stars"))
        sql(query.format(t=table, own=own, other=other, half=first + MANY // 2))
        told = events(books, "entries.updated")
        assert {column for event in told for column in event.changed} == {"pages", "stars"}
    assert agrees(books)


def test_what_was_told_is_forgotten_with_its_statement(alice, books):
    with alice.acting():
        table = quoted(books.table_name)
        sql(f"UPDATE {table} SET pages = 0, {stamped(books.number, ['pages'])}")
        sql(f"UPDATE {table} SET stars = 0")
        assert [event.changed for event in events(books)[-2:]] == [["pages"], ["stars"]]
    assert agrees(books)


def test_rows_written_since_a_statement_began_get_a_newer_version(alice, books):
    """As when it waited for another's lock: its tag is older than what some rows carry."""
    table = quoted(books.table_name)
    with alice.acting():
        sql(f"UPDATE {table} SET stars = -1 WHERE entry_id % 3 = 0")
        [(ahead,)] = sql("SELECT nextval('events_event_id_seq')")
        sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        sql(f"UPDATE {table} SET _ev = {ahead + 1} WHERE entry_id % 3 = 0")
        sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    event = write(alice, books, "pages = 0", ["pages"])
    assert event.changed == ["pages"]
    with alice.acting():
        assert sql(f"SELECT count(*) FROM {table} WHERE pages = 0") == [(MANY,)]
        assert sql(
            f"SELECT bool_and(_ev < _ev_to) FROM {quoted(history_name(books.table_name))}"
        ) == [(True,)]
