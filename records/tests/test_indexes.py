"""Big records get an index for the order they are read in."""

import pytest
from django.core.cache import cache
from django.db import IntegrityError

from records import indexes
from records.query import Query
from records.tests.helpers import sql
from workspaces.access import Actor, acting_as


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    cache.clear()
    monkeypatch.setattr(indexes, "BIG", 1000)


def fill(person, record, rows):
    with person.acting():
        sql(
            f"INSERT INTO {record.table_name} (x, s) SELECT g, 1 + g %% 2 FROM generate_series(1, %s) g",
            [rows],
        )
        sql(f"ANALYZE {record.table_name}")


def choice():
    return {"type": "choice", "options": {"choices": ["a", "b"]}}


@pytest.mark.parametrize("sort", [["-x"], ["x"], ["s", "-x"], ["-created_at"]])
@pytest.mark.django_db(transaction=True)
def test_the_order_people_read_in_becomes_an_index_that_is_used(sort, alice, make_record):
    record = make_record(x="integer", s=choice())
    fill(alice, record, 3000)
    with alice.acting():
        query = Query(record, sort=sort)
        order = query.order
    indexes.make_index(str(record.pk), indexes.index_name(record, order), order)
    with acting_as(Actor.system()):
        statement = f"SELECT entry_id FROM {query.table} ORDER BY {order} LIMIT 10"
        plan = "\n".join(line for (line,) in sql(f"EXPLAIN {statement}"))
    assert indexes.index_name(record, order) in plan
    assert "Sort" not in plan


def test_only_big_records_ask_and_only_once(alice, make_record):
    small, big = (
        make_record("Small", x="integer", s=choice()),
        make_record("Big", x="integer", s=choice()),
    )
    fill(alice, small, 10)
    fill(alice, big, 2000)
    with alice.acting():
        assert not indexes.wish(Query(small, sort=["x"]))
        assert not indexes.wish(Query(big))
        assert indexes.wish(Query(big, sort=["x"]))
        assert not indexes.wish(Query(big, sort=["x"]))


@pytest.mark.django_db(transaction=True)
def test_there_are_never_more_than_the_limit(alice, make_record, monkeypatch):
    monkeypatch.setattr(indexes, "MOST_PER_RECORD", 2)
    record = make_record(x="integer", s=choice())
    for sort in (["x"], ["-x"], ["s"], ["-s"]):
        with alice.acting():
            order = Query(record, sort=sort).order
        indexes.make_index(str(record.pk), indexes.index_name(record, order), order)
    count = "SELECT count(*) FROM pg_indexes WHERE indexname LIKE %s"
    assert sql(count, [f"a{record.number}\\_%"]) == [(2,)]


@pytest.mark.django_db(transaction=True)
def test_half_made_indexes_are_swept_but_not_those_being_made(alice, make_record):
    record = make_record(x="integer", s=choice())
    with alice.acting():
        sql(f"INSERT INTO {record.table_name} (x) VALUES (1), (1)")
    with acting_as(Actor.system()):
        order = Query(record, sort=["x"]).order
    name = indexes.index_name(record, order)
    with pytest.raises(IntegrityError):
        sql(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {record.table_name} (x)")
    half_made = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    assert sql(half_made) == [(1,)]
    indexes.sweep()
    assert sql(half_made) == [(0,)]
