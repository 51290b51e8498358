"""Big records are searched by an index, with the same results as without it."""

import pytest
from django.core.cache import cache

from records import indexes, search
from records.catalogue import differences
from records.entries import update_entries
from records.purging import purge_record
from records.query import Query
from records.services import change_structure
from records.tests.helpers import add, column, sql
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
SOUGHT = ["faust", "FAU", "au", "1808", "1,808", "12.5", "100%", "a_b", "hard", "red, gre", "zzz"]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    cache.clear()
    monkeypatch.setattr(indexes, "BIG", 1000)
    monkeypatch.setattr(search.make_search, "delay", lambda id: None)


@pytest.fixture
def record(alice, make_record):
    made = make_record(
        title="text",
        note="long_text",
        year="integer",
        price="decimal",
        cover={"type": "choice", "options": {"choices": ["Hardcover", "Paperback"]}},
        colours={"type": "choices", "options": {"choices": ["red", "green", "blue"]}},
    )
    add(
        alice,
        made,
        {"title": "Faust", "year": 1808, "cover": "Hardcover"},
        {"title": "Emma", "price": "12.50", "note": "100% pure"},
        {"title": "a_b", "colours": ["red", "green"]},
        {"note": "about fau", "year": 12},
        {"title": "1808"},
    )
    with alice.acting():
        sql(
            f"INSERT INTO {made.table_name} (title) SELECT 'x' || "
            "translate(g::text, '0123456789', 'klmnopqrst') FROM generate_series(1, 3000) g"
        )
        sql(f"ANALYZE {made.table_name}")
    return made


def found(person, record, text):
    with person.acting():
        return [row[0] for row in Query(record, search=text).rows(limit=1000)]


def door(record):
    with acting_as(Actor.system()):
        return search.door_name(record, search.Words(record.reload()))


def has_door(record):
    return sql("SELECT to_regclass(%s) IS NOT NULL", [f'"{door(record)}"']) == [(True,)]


def test_the_index_finds_what_reading_every_entry_finds(alice, record):
    before = {text: found(alice, record, text) for text in SOUGHT}
    assert before["faust"] == [1]
    assert before["1808"] == [1, 5]
    assert before["red, gre"] == [3]
    search.make_search(str(record.pk))
    assert has_door(record)
    assert {text: found(alice, record, text) for text in SOUGHT} == before
    with alice.acting():
        assert Query(record, search="faust").count() == 1


def test_the_index_is_really_used(alice, record):
    search.make_search(str(record.pk))
    with alice.acting():
        ids = search.candidates(record, record.structure, "faust", "%faust%")
        assert ids == [1]
        sql("SET LOCAL enable_seqscan = off")
        plan = "\n".join(row[0] for row in sql(f"EXPLAIN SELECT entry_id FROM {door(record)}"))
    assert "_search_" in plan


def test_the_door_has_the_same_wall(alice, bob, charlie, record):
    search.make_search(str(record.pk))
    with alice.acting():
        search.candidates(record, record.structure, "faust", "%faust%")
    for person, seen in ((alice, 1), (bob, 1), (charlie, 0)):
        with person.acting():
            sql("SELECT set_config('kdap.sought', '%%faust%%', true)")
            assert sql(f"SELECT count(*) FROM {door(record)}") == [(seen,)]


def test_what_is_written_is_found_at_once(alice, record):
    search.make_search(str(record.pk))
    with alice.acting() as actor:
        update_entries(record=record, changes={1: {"title": "Egmont"}}, actor=actor)
    assert found(alice, record, "egmont") == [1]
    assert found(alice, record, "faust") == []


def test_a_change_of_columns_takes_the_door_away_until_it_is_made_anew(alice, record):
    search.make_search(str(record.pk))
    for change in (
        {"op": "change_field", "field": "year", "type": "text"},
        {"op": "delete_field", "field": "note"},
    ):
        with alice.acting() as actor:
            change_structure(record=record, changes=[change], actor=actor, confirmed=True)
        assert not has_door(record)
        assert found(alice, record, "faust") == [1]
        search.make_search(str(record.pk))
        assert has_door(record)
        assert len(indexes.search_names(record)) == 1
    assert found(alice, record, "808") == [1, 5]
    with acting_as(Actor.system()):
        assert differences(record, record.structure) == []


def test_only_big_records_ask_for_it_and_only_once(alice, record, make_record, monkeypatch):
    asked = []
    monkeypatch.setattr(search.make_search, "delay", asked.append)
    small = make_record("Small", title="text")
    for _ in range(2):
        found(alice, record, "faust")
        found(alice, small, "faust")
    assert asked == [str(record.pk)]


def test_without_trigrams_every_entry_is_read(alice, record, monkeypatch):
    monkeypatch.setattr(search, "has_trigrams", lambda: False)
    search.make_search(str(record.pk))
    assert not has_door(record)
    assert found(alice, record, "faust") == [1]


def test_very_many_hits_are_read_one_by_one(alice, record, monkeypatch):
    search.make_search(str(record.pk))
    monkeypatch.setattr(search, "MOST", 2)
    with alice.acting():
        assert search.candidates(record, record.structure, "xlm", "%xlm%") is None
        assert Query(record, search="xlm").count() == len(column(record, "title", search="xlm"))


def test_a_record_removed_for_good_takes_its_door_along(record):
    search.make_search(str(record.pk))
    name = door(record)
    with acting_as(Actor.system()):
        purge_record(record)
    assert sql("SELECT to_regclass(%s)", [f'"{name}"']) == [(None,)]
