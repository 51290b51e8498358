"""Writing entries: whole calls, clear refusals, nobody overwrites somebody unseen."""

import pytest

from kdap.tests.people import give_role
from records.entries import create_entries, delete_entries, update_entries, upsert_entries
from records.services import change_structure
from records.tests.helpers import add, column, events, sql
from workspaces.access import Actor, acting_as
from workspaces.errors import Forbidden, Invalid, KdapError, Missing, PreconditionFailed
from workspaces.models import Role


@pytest.fixture
def record(make_record):
    return make_record(
        title={"type": "text", "required": True},
        isbn={"type": "text", "unique": True},
        pages="integer",
    )


def test_a_call_is_whole_or_nothing(alice, record):
    rows = [{"title": "Faust"}, {"title": "Emma", "pages": "many"}, {"pages": 1}]
    with pytest.raises(Invalid) as error:
        add(alice, record, *rows)
    assert [problem["pointer"] for problem in error.value.problems] == ["/1/pages", "/2/title"]
    with alice.acting():
        assert column(record, "title") == []


def test_ids_come_back_in_the_order_given(alice, record):
    ids = add(alice, record, *[{"title": f"Book {n:04}"} for n in range(2000)])
    with alice.acting():
        titles = dict(sql(f"SELECT entry_id, title FROM {record.table_name}"))
    assert [titles[id] for id in ids] == [f"Book {n:04}" for n in range(2000)]


def test_one_call_is_one_statement_and_one_event(alice, record, django_assert_num_queries):
    add(alice, record, *[{"title": f"{n}"} for n in range(50)])
    with alice.acting():
        [event] = events(record, "entries.created")
    assert event.count == 50


@pytest.mark.parametrize("rows", [1, 50])
def test_writing_takes_as_many_queries_for_one_as_for_fifty(
    rows, alice, record, django_assert_num_queries
):
    with alice.acting() as actor, django_assert_num_queries(4):
        # Membership, savepoint, insert, release.
        create_entries(record=record, rows=[{"title": "x"}] * rows, actor=actor)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "at least one"),
        ("rows", "at least one"),
        ([5], "object"),
        ([{"title": "x", "entry_id": 5}], "no field"),
        ([{"title": "x", "'; DROP TABLE users; --": 1}], "no field"),
        ([{"title": ""}], "required"),
        ([{"title": "x"}] * 10_001, "At most 10,000"),
    ],
)
def test_nonsense_is_refused(rows, sentence, alice, record):
    with alice.acting() as actor, pytest.raises(Invalid, match=sentence):
        create_entries(record=record, rows=rows, actor=actor)


def test_a_second_equal_value_in_a_unique_field_is_named(alice, record):
    add(alice, record, {"title": "Faust", "isbn": "1"})
    with pytest.raises(Invalid, match="“Isbn” must be unique") as error:
        add(alice, record, {"title": "Emma", "isbn": "1"})
    assert error.value.problems[0]["pointer"] == "/isbn"


def test_changing_an_entry_that_somebody_changed_meanwhile_is_refused(alice, bob, record):
    [id] = add(alice, record, {"title": "Faust"})
    with alice.acting() as actor:
        [(seen,)] = sql(f"SELECT _ev FROM {record.table_name}")
    with bob.acting() as actor:
        update_entries(record=record, changes={id: {"pages": 9}}, actor=actor)
    with alice.acting() as actor, pytest.raises(PreconditionFailed):
        update_entries(record=record, changes={id: {"pages": 1}}, actor=actor, versions={id: seen})
    with alice.acting() as actor, pytest.raises(PreconditionFailed):
        delete_entries(record=record, ids=[id], actor=actor, versions={id: seen})
    with alice.acting():
        assert column(record, "pages") == [9]


def test_entries_may_change_different_fields_in_one_call(alice, record):
    one, two = add(alice, record, {"title": "a"}, {"title": "b"})
    with alice.acting() as actor:
        update_entries(
            record=record, changes={one: {"pages": 1}, two: {"title": "B", "pages": 2}}, actor=actor
        )
        assert (column(record, "title"), column(record, "pages")) == (["a", "B"], [1, 2])


def test_entries_that_are_gone_are_named(alice, record):
    with alice.acting() as actor, pytest.raises(Missing, match="Entry 99"):
        update_entries(record=record, changes={99: {"pages": 1}}, actor=actor)
    with alice.acting() as actor, pytest.raises(Missing, match="Entry 99"):
        delete_entries(record=record, ids=[99], actor=actor)


def test_upsert_counts_new_changed_and_unchanged(alice, record):
    add(alice, record, {"title": "Faust", "isbn": "1"}, {"title": "Emma", "isbn": "2"})
    rows = [
        {"isbn": "3", "title": "Ulysses"},
        {"isbn": "1", "title": "Faust I"},
        {"isbn": "2", "title": "Emma"},
    ]
    with alice.acting() as actor:
        written, *counts = upsert_entries(record=record, rows=rows, keys=["isbn"], actor=actor)
        assert counts == [1, 1, 1]
        assert written.ids[1:] == [1, 2]
        assert column(record, "title", sort=["isbn"]) == ["Faust I", "Emma", "Ulysses"]


@pytest.mark.parametrize(
    ("rows", "keys", "sentence"),
    [
        ([{"title": "x"}], ["isbn"], "no value"),
        ([{"isbn": "1", "title": "x"}, {"isbn": "1", "title": "y"}], ["isbn"], "same key"),
        ([{"isbn": "1"}], [], "Name the fields"),
        ([{"isbn": "1"}], ["nothing"], "Name the fields"),
        ([{"title": "Twin", "pages": 3}], ["title"], "Several entries"),
    ],
)
def test_upserts_that_can_not_be_meant_are_refused(rows, keys, sentence, alice, record):
    add(alice, record, {"title": "Twin"}, {"title": "Twin"})
    with alice.acting() as actor, pytest.raises(Invalid, match=sentence):
        upsert_entries(record=record, rows=rows, keys=keys, actor=actor)


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
def test_strangers_find_nothing_and_viewers_may_not(verb, alice, charlie, workspace, record):
    [id] = add(alice, record, {"title": "x"})
    calls = {
        "create": lambda actor: create_entries(record=record, rows=[{"title": "y"}], actor=actor),
        "update": lambda actor: update_entries(
            record=record, changes={id: {"pages": 1}}, actor=actor
        ),
        "delete": lambda actor: delete_entries(record=record, ids=[id], actor=actor),
    }
    with charlie.acting() as actor, pytest.raises(Missing):
        calls[verb](actor)
    give_role(workspace, charlie, Role.VIEWER)
    with charlie.acting() as actor, pytest.raises(Forbidden):
        calls[verb](actor)


def test_a_stale_structure_is_a_conflict_and_no_crash(alice, record):
    """Another process changed the structure after this one read it."""
    with alice.acting():
        stale = type(record).objects.get(pk=record.pk)
        assert stale.structure
    with alice.acting() as actor:
        change_structure(
            record=record, actor=actor, changes=[{"op": "delete_field", "field": "pages"}]
        )
    with alice.acting() as actor, pytest.raises(KdapError, match="structure was changed"):
        create_entries(record=stale, rows=[{"title": "x", "pages": 1}], actor=actor)


def test_one_operation_keeps_one_id_over_several_calls(alice, record):
    with acting_as(Actor(user=alice.user, cause={"door": "test"})) as actor:
        create_entries(record=record, rows=[{"title": "a"}], actor=actor)
        create_entries(record=record, rows=[{"title": "b"}], actor=actor)
        found = events(record, "entries.created")
    assert {event.operation_id for event in found} == {actor.operation}
    assert found[0].cause == {"door": "test"}
