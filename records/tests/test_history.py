"""Every change of entries, by any door, leaves its old image and one event a statement."""

import threading

import psycopg
import pytest
from django.db import DatabaseError, connection, connections, transaction

from records.entries import create_entries, delete_entries, update_entries
from records.history import stamped
from records.names import history_name
from records.tables import hang_all_triggers
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


def test_a_statement_may_stamp_its_rows_itself(alice, bob, record):
    """Its rows, images and event are the same as those of one that leaves it to the triggers."""
    first, _ = add(alice, record, {"x": 1}, {"x": 2})
    with bob.acting():
        sql(f"UPDATE {record.table_name} SET x = 2, {stamped(record.number, ['x'])} WHERE x <> 2")
        [event] = events(record, "entries.updated")
        assert (event.payload, event.changed, event.count) == ({"ids": [first]}, ["x"], 1)
        seen = sql(f"SELECT entry_id, _ev, updated_by FROM {record.table_name} ORDER BY 1")
        assert seen[0] == (first, event.id, bob.user.pk)
        assert seen[1][1:] == (events(record, "entries.created")[0].id, alice.user.pk)
        assert [image[0] for image in images(record)] == [first]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {t} SET x = 5000, {own}, _ev = _ev + 1000 WHERE entry_id = {id}",
        "UPDATE {t} SET x = 5000, {own}, _ev = _ev + 1000",
        "UPDATE {t} SET x = 5000, {own}, created_at = '2001-01-01' WHERE entry_id = {id}",
        "UPDATE {t} SET x = 5000, {own}, created_by = NULL",
        "UPDATE {t} SET x = 5000, {own}, updated_at = '2001-01-01'",
        "UPDATE {t} SET x = 5000, {own}, updated_by = NULL",
        "UPDATE {t} SET {own}, entry_id = 70000 WHERE entry_id = {id}",
        "INSERT INTO {t} (x, _ev) VALUES (1, 7000000007)",
        "INSERT INTO {t} (x, _ev) SELECT n, 7000000007 FROM generate_series(1, 300) n",
    ],
)
def test_nobody_writes_a_wrong_stamp(statement, alice, record):
    own = stamped(record.number, ["x"])
    for given in ("_ev", "updated_at", "updated_by"):
        if f"{{own}}, {given} =" in statement:
            own = ", ".join(part for part in own.split(", ", 2) if not part.startswith(given))
    with alice.acting():
        sql(f"INSERT INTO {record.table_name} (x) SELECT n FROM generate_series(1, 300) n")
        [(id,)] = sql(f"SELECT max(entry_id) FROM {record.table_name}")
        with pytest.raises(DatabaseError, match="can't be"), transaction.atomic():
            sql(statement.format(t=record.table_name, own=own, id=id))


@pytest.mark.parametrize(
    "forged",
    [
        "created_at = '2001-01-01'",
        "created_by = NULL",
        "updated_at = '2001-01-01'",
        "updated_by = NULL",
        "_ev = 1",
    ],
)
def test_nobody_writes_who_and_when(forged, alice, bob, record):
    add(alice, record, {"x": 1})
    system = f"SELECT created_at, created_by, updated_at, updated_by, _ev FROM {record.table_name}"
    with bob.acting():
        [before] = sql(system)
        sql(f"UPDATE {record.table_name} SET x = 9, {forged}")
        [event] = events(record, "entries.updated")
        [(made, by, now, who, tag)] = sql(system)
        assert (made, by) == before[:2]
        assert (who, tag) == (bob.user.pk, event.id)
        assert now > before[2]


def test_large_updates_leave_unchanged_rows_alone(alice, record):
    with alice.acting():
        sql(f"INSERT INTO {record.table_name} (x) SELECT n % 3 FROM generate_series(1, 900) n")
        for wanted, count in ((1, 600), (1, 0), (2, 900)):
            sql(f"UPDATE {record.table_name} SET x = {wanted}")
            tag = events(record)[-1].id
            assert len([image for image in images(record) if image[3] == tag]) == count or not count
        found = events(record, "entries.updated")
        assert [(event.count, event.changed) for event in found] == [(600, ["x"]), (900, ["x"])]
        assert sql(f"SELECT DISTINCT _ev FROM {record.table_name}") == [(found[1].id,)]


def test_long_values_are_compared_by_what_they_say(alice, make_record):
    """Values out of line are the same when they are the same stored value, or say the same."""
    record = make_record(x="integer", note="long_text")
    other = "repeat('é', 100) || string_agg(md5(({n})::text), '') FROM generate_series(1, 300) k"
    with alice.acting():
        table = record.table_name
        sql(f"INSERT INTO {table} (x, note) SELECT 1, {other.format(n='k')}")
        sql(f"UPDATE {table} SET x = 2")
        sql(f"UPDATE {table} SET note = note || ''")
        sql(f"UPDATE {table} SET note = (SELECT {other.format(n='k + 1')})")
        sql(f"UPDATE {table} SET note = NULL")
        changed = [event.changed for event in events(record, "entries.updated")]
        assert changed == [["x"], ["note"], ["note"]]
        kept = sql(f"SELECT length(note), note = _same FROM h_{table} ORDER BY _ev")
        assert kept == [(36, True), (9700, None), (9700, None)]


def test_tables_of_an_older_version_get_the_new_triggers(alice, record):
    with alice.acting():
        sql(f"DROP TRIGGER stamp ON {record.table_name}")
        sql(f"DROP FUNCTION stamp_{record.table_name}()")
    with acting_as(Actor.system()):
        hang_all_triggers()
    [id] = add(alice, record, {"x": 1})
    with alice.acting() as actor:
        update_entries(record=record, changes={id: {"x": 2}}, actor=actor)
        assert len(images(record)) == 1


def test_fields_may_be_called_like_anything(alice, make_record):
    """Nothing in the functions of a table is called as a column can be."""
    words = ["rows", "latest", "tag", "moved", "still", "named", "fields", "sum", "fine"]
    words += ["memory", "mark", "kept", "stale", "fresh"]
    record = make_record(**dict.fromkeys(words, "integer"), note="long_text")
    ids = add(alice, record, *({"tag": n, "note": "n"} for n in range(300)))
    with alice.acting() as actor:
        sql(f"UPDATE {record.table_name} SET tag = tag + 1")
        update_entries(record=record, changes={ids[0]: {"tag": 7}}, actor=actor)
        delete_entries(record=record, ids=ids[:1], actor=actor)
        sql(f"DELETE FROM {record.table_name}")
        assert [event.count for event in events(record)][1:] == [300, 300, 1, 1, 299]
