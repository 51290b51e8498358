"""Every change of entries, by any door, leaves its old image and one event a statement."""

import threading

import psycopg
import pytest
from django.db import DatabaseError, connection, connections, transaction

from records.entries import create_entries, delete_entries, update_entries
from records.names import history_name
from records.tests.helpers import add, events, sql
from workspaces.access import Actor, acting_as


def images(record):
    """Return the twin's rows as (entry_id, x, from, until, op)."""
    return sql(
        f"SELECT entry_id, x, _ev, _ev_to, _op FROM {history_name(record.table_name)} ORDER BY _ev_to, entry_id"
    )


@pytest.fixture
def record(make_record):
    return make_record(x="integer", y="text")


def test_insert_writes_one_event_and_no_image(alice, record):
    ids = add(alice, record, {"x": 1}, {"x": 2})
    with alice.acting():
        [event] = events(record, "entries.created")
        assert (event.count, event.payload, event.user_id) == (2, {"ids": ids}, alice.user.pk)
        assert sql(f"SELECT DISTINCT _ev FROM {record.table_name}") == [(event.id,)]
        assert images(record) == []


def test_update_keeps_what_was(alice, bob, record):
    [id] = add(alice, record, {"x": 1, "y": "a"})
    with bob.acting() as actor:
        update_entries(record=record, changes={id: {"x": 2}}, actor=actor)
        created, updated = events(record, "entries.created") + events(record, "entries.updated")
        assert images(record) == [(id, 1, created.id, updated.id, "U")]
        assert (updated.changed, updated.count, updated.user_id) == (["x"], 1, bob.user.pk)
        assert sql(f"SELECT updated_by FROM {record.table_name}") == [(bob.user.pk,)]
        assert sql(f"SELECT created_by FROM {record.table_name}") == [(alice.user.pk,)]


def test_an_update_that_changes_nothing_is_no_event(alice, record):
    [id] = add(alice, record, {"x": 1})
    with alice.acting() as actor:
        update_entries(record=record, changes={id: {"x": 1}}, actor=actor)
        sql(f"UPDATE {record.table_name} SET x = 5 WHERE false")
        sql(f"DELETE FROM {record.table_name} WHERE false")
        assert events(record, "entries.updated") == events(record, "entries.deleted") == []


def test_delete_keeps_the_last_image(alice, record):
    [id] = add(alice, record, {"x": 1})
    with alice.acting() as actor:
        delete_entries(record=record, ids=[id], actor=actor)
        [event] = events(record, "entries.deleted")
        assert [(image[0], image[3], image[4]) for image in images(record)] == [(id, event.id, "D")]


def test_raw_sql_and_the_orm_are_no_way_around_it(alice, record):
    with alice.acting():
        entry = record.model.objects.create(x=1)
        record.model.objects.filter(pk=entry.pk).update(x=2)
        sql(f"UPDATE {record.table_name} SET x = x + 1")
        entry.delete()
        assert [image[1] for image in images(record)] == [1, 2, 3]
        assert [event.type for event in events(record)][1:] == [
            "entries.created",
            "entries.updated",
            "entries.updated",
            "entries.deleted",
        ]


def test_copy_is_no_way_around_it(alice, record):
    """COPY FROM is refused under row security, so nothing can slip past the wall either."""
    copy = f"COPY {record.table_name} (x) FROM STDIN"
    refused = pytest.raises(psycopg.errors.FeatureNotSupported)
    with refused, alice.acting(), connection.cursor() as cursor, cursor.copy(copy):
        pass


def test_insert_on_conflict_logs_both_parts(alice, make_record):
    record = make_record(x={"type": "integer", "unique": True}, y="text")
    [id] = add(alice, record, {"x": 1, "y": "old"})
    with alice.acting():
        sql(
            f"INSERT INTO {record.table_name} (x, y) VALUES (1, 'new'), (2, 'new') "
            "ON CONFLICT (x) DO UPDATE SET y = EXCLUDED.y"
        )
        assert [event.count for event in events(record, "entries.created")] == [1, 1]
        [event] = events(record, "entries.updated")
        assert (event.payload, event.changed) == ({"ids": [id]}, ["y"])


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE {t}",
        "DELETE FROM {h}",
        "UPDATE {h} SET x = 0",
        "TRUNCATE {h}",
        "DELETE FROM events",
        "UPDATE events SET payload = '{{}}'",
        "TRUNCATE events",
        "UPDATE {t} SET entry_id = 99",
    ],
)
def test_the_past_can_not_be_rewritten(statement, alice, record):
    [id] = add(alice, record, {"x": 1})
    with alice.acting() as actor:
        update_entries(record=record, changes={id: {"x": 2}}, actor=actor)
        names = {"t": record.table_name, "h": history_name(record.table_name)}
        with pytest.raises(DatabaseError), transaction.atomic():
            sql(statement.format(**names))


def test_large_updates_after_small_ones_use_a_fresh_plan(alice, record):
    with alice.acting():
        sql(f"INSERT INTO {record.table_name} (x) SELECT n FROM generate_series(1, 3000) n")
        for n in range(12):
            sql(f"UPDATE {record.table_name} SET x = -x WHERE x = %s", [n + 1])
        sql(f"UPDATE {record.table_name} SET x = x + 1")
        event = events(record, "entries.updated")[-1]
        assert event.count == 3000
        assert set(event.payload) == {"first", "last"}
        assert len(images(record)) == 3012


def test_structure_changes_are_logged_with_both_structures(alice, record):
    from records.services import change_structure

    with alice.acting() as actor:
        change_structure(
            record=record,
            actor=actor,
            changes=[{"op": "change_field", "field": "x", "label": "Count"}],
        )
        [event] = events(record, "structure.changed")
    assert event.payload["sentences"] == ["Rename “X” to “Count”."]
    assert event.version == 2


def test_definitions_have_versions_without_gaps(alice, record):
    from records.services import change_record

    with alice.acting() as actor:
        for name in ("A", "B", "C"):
            change_record(record=record, actor=actor, name=name)
        versions = [event.version for event in events(record) if event.version]
    assert versions == [1, 2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_intervals_never_invert_under_concurrent_writers(alice, make_record):
    """Statements that wait for a row lock may hold the older tag; history must not show it."""
    record = make_record(x="integer")
    add(alice, record, {"x": 0})
    failures = []

    def write():
        try:
            for _ in range(30):
                with acting_as(Actor(user=alice.user)):
                    sql(f"UPDATE {record.table_name} SET x = x + 1")
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with acting_as(Actor.system()):
        twin = history_name(record.table_name)
        assert sql(f"SELECT count(*) FROM {twin} WHERE _ev >= _ev_to") == [(0,)]
        chained = (
            f"SELECT count(*) FROM {twin} a WHERE NOT EXISTS (SELECT 1 FROM {twin} b WHERE "
            "b.entry_id = a.entry_id AND b._ev = a._ev_to) AND NOT EXISTS (SELECT 1 FROM "
            f"{record.table_name} t WHERE t.entry_id = a.entry_id AND t._ev = a._ev_to)"
        )
        assert sql(chained) == [(0,)]
        written = sql(f"SELECT sum(x) FROM {record.table_name}")[0][0]
        assert written == sql(f"SELECT count(*) FROM {twin}")[0][0]
    assert not failures


def test_an_operation_has_one_id(alice, record):
    with alice.acting() as actor:
        made = create_entries(record=record, rows=[{"x": 1}], actor=actor)
        update_entries(record=record, changes={made.ids[0]: {"x": 2}}, actor=actor)
        operations = {event.operation_id for event in events(record) if event.version is None}
    assert operations == {actor.operation}
