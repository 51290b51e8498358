"""An operation can be taken back as one unit, whatever happened since; nothing is erased."""

import pytest

from kdap.tests.people import give_role
from records import services
from records.entries import create_entries, delete_entries, update_entries, upsert_entries
from records.tests.helpers import add, column, events, sql
from workspaces.access import acting_as
from workspaces.errors import Conflict, Forbidden, Missing
from workspaces.models import Role
from workspaces.operations import stacks, undo, undone


@pytest.fixture
def record(make_record):
    return make_record(title="text", price="integer", note="text")


def does(person, verb, **rest):
    """Let `person` do something as an operation of its own; return its id."""
    actor = person.actor
    with acting_as(actor):
        verb(actor=actor, **rest)
    return actor.operation


def takes_back(person, operation, **rest):
    """Let `person` undo an operation; return the Outcome."""
    actor = person.actor
    with acting_as(actor):
        return undo(operation_id=operation, actor=actor, **rest)


def cells(person, record, key):
    with person.acting():
        record.reload()
        return column(record, key)


def fresh(person, record):
    """Return the record as it is now."""
    with person.acting():
        record.refresh_from_db()
        record.reload()
    return record


def change(person, record, changes):
    return does(person, update_entries, record=record, changes=changes)


def restructure(person, record, *changes):
    return does(
        person, services.change_structure, record=record, changes=list(changes), confirmed=True
    )


class TestEntries:
    def test_an_update_goes_back(self, alice, record):
        a, b = add(alice, record, {"price": 1}, {"price": 2})
        done = change(alice, record, {a: {"price": 10}, b: {"price": 20}})
        outcome = takes_back(alice, done)
        assert (outcome.restored, outcome.kept) == (2, 0)
        assert cells(alice, record, "price") == [1, 2]

    def test_what_was_changed_since_is_kept_and_named(self, alice, record):
        a, b = add(alice, record, {"price": 1, "title": "x"}, {"price": 2})
        done = change(alice, record, {a: {"price": 10}, b: {"price": 20}})
        change(alice, record, {a: {"price": 11}})
        change(alice, record, {b: {"title": "new"}})
        outcome = takes_back(alice, done)
        assert (outcome.restored, outcome.kept) == (1, 1)
        assert outcome.examples == [
            {"entry_id": a, "field": "Price", "detail": "It was changed since."}
        ]
        assert cells(alice, record, "price") == [11, 2]
        assert cells(alice, record, "title") == ["x", "new"]

    def test_by_force_also_what_was_changed_since(self, alice, record):
        [a] = add(alice, record, {"price": 1})
        done = change(alice, record, {a: {"price": 10}})
        change(alice, record, {a: {"price": 11}})
        assert takes_back(alice, done, force=True).restored == 1
        assert cells(alice, record, "price") == [1]

    def test_new_entries_go_unless_changed_since(self, alice, record):
        actor = alice.actor
        with acting_as(actor):
            made = create_entries(record=record, rows=[{"price": 1}, {"price": 2}], actor=actor).ids
        change(alice, record, {made[0]: {"title": "mine"}})
        outcome = takes_back(alice, actor.operation)
        assert (outcome.restored, outcome.kept) == (1, 1)
        assert cells(alice, record, "title") == ["mine"]

    def test_a_change_that_was_itself_undone_is_no_change(self, alice, record):
        actor = alice.actor
        with acting_as(actor):
            [id] = create_entries(record=record, rows=[{"price": 1}], actor=actor).ids
        takes_back(alice, change(alice, record, {id: {"price": 5}}))
        assert takes_back(alice, actor.operation).restored == 1
        assert cells(alice, record, "price") == []

    def test_deleted_entries_come_back_as_they_were(self, alice, record):
        [id] = add(alice, record, {"title": "Emma", "price": 3})
        with alice.acting():
            before = sql(f"SELECT created_at, created_by FROM {record.table_name}")
        done = does(alice, delete_entries, record=record, ids=[id])
        takes_back(alice, done)
        with alice.acting():
            assert sql(f"SELECT created_at, created_by FROM {record.table_name}") == before
            assert sql(f"SELECT entry_id, title, price FROM {record.table_name}") == [
                (id, "Emma", 3)
            ]

    def test_an_entry_that_would_break_a_rule_stays_away_and_says_why(self, alice, make_record):
        record = make_record(code={"type": "text", "unique": True})
        a, _ = add(alice, record, {"code": "A"}, {"code": "B"})
        done = does(alice, delete_entries, record=record, ids=[a, _])
        add(alice, record, {"code": "A"})
        outcome = takes_back(alice, done)
        assert (outcome.restored, outcome.kept) == (1, 1)
        assert "unique" in outcome.examples[0]["detail"]
        assert sorted(cells(alice, record, "code")) == ["A", "B"]

    def test_what_the_database_refuses_is_not_counted_as_restored(self, alice, make_record):
        record = make_record(code={"type": "text", "unique": True})
        [a] = add(alice, record, {"code": "A"})
        done = change(alice, record, {a: {"code": "X"}})
        add(alice, record, {"code": "A"})
        outcome = takes_back(alice, done)
        assert (outcome.restored, outcome.kept) == (0, 1)
        assert "unique" in outcome.examples[0]["detail"]

    def test_a_cell_against_a_rule_of_today_keeps_no_other_from_going_back(
        self, alice, make_record
    ):
        kind = {"type": "choice", "options": {"choices": ["A", "B"]}}
        record = make_record(kind=kind, price="integer")
        ids = add(alice, record, *({"kind": "A", "price": n} for n in range(3)))
        done = change(alice, record, {id: {"kind": "B", "price": 9} for id in ids})
        fewer = {"op": "change_field", "field": "kind", "options": {"choices": ["B"]}}
        restructure(alice, record, fewer)
        outcome = takes_back(alice, done)
        assert (outcome.restored, outcome.kept) == (3, 3)
        assert outcome.examples[0] == {
            "entry_id": ids[0],
            "field": "Kind",
            "detail": "Its field does not take the old value any more.",
        }
        assert cells(alice, record, "price") == [0, 1, 2]

    def test_an_upsert_is_one_operation(self, alice, record):
        add(alice, record, {"title": "a", "price": 1})
        rows = [{"title": "a", "price": 5}, {"title": "b", "price": 6}]
        done = does(alice, upsert_entries, record=record, rows=rows, keys=["title"])
        assert takes_back(alice, done).restored == 2
        assert cells(alice, record, "price") == [1]

    def test_many_rows(self, alice, record):
        """Above the size where events name only the first and the last entry."""
        ids = add(alice, record, *({"price": n} for n in range(500)))
        done = change(alice, record, {id: {"price": -1, "note": "x"} for id in ids})
        change(alice, record, {ids[3]: {"price": 8}})
        outcome = takes_back(alice, done)
        assert (outcome.restored, outcome.kept) == (999, 1)
        assert cells(alice, record, "price") == [0, 1, 2, 8, *range(4, 500)]

    @pytest.mark.parametrize("edited", [[], [7], range(300)])
    def test_many_rows_of_which_some_were_written_since(self, alice, record, edited):
        ids = add(alice, record, *({"price": n} for n in range(300)))
        done = change(alice, record, {id: {"price": -1} for id in ids})
        if edited:
            change(alice, record, {ids[n]: {"title": "new"} for n in edited})
            change(alice, record, {ids[n]: {"price": 5} for n in edited[:1]})
        outcome = takes_back(alice, done)
        kept = len(edited[:1])
        assert (outcome.restored, outcome.kept) == (300 - kept, kept)
        wanted = [5 if n in edited[:1] else n for n in range(300)]
        assert sorted(cells(alice, record, "price")) == sorted(wanted)

    def test_any_order(self, alice, record):
        [a] = add(alice, record, {"price": 1, "title": "x"})
        first = change(alice, record, {a: {"price": 2}})
        second = change(alice, record, {a: {"title": "y"}})
        assert takes_back(alice, first).restored == 1
        assert takes_back(alice, second).restored == 1
        assert (cells(alice, record, "price"), cells(alice, record, "title")) == ([1], ["x"])


class TestRedo:
    def test_undo_of_an_undo_is_redo(self, alice, record):
        [a] = add(alice, record, {"price": 1})
        done = change(alice, record, {a: {"price": 2}})
        back = takes_back(alice, done).operation
        with alice.acting():
            assert undone([done, back]) == {done}
        takes_back(alice, back)
        assert cells(alice, record, "price") == [2]
        with alice.acting():
            assert undone([done, back]) == {back}

    def test_a_long_chain_of_undo_and_redo_is_one_question(
        self, alice, record, django_assert_num_queries
    ):
        [a] = add(alice, record, {"price": 1})
        chain = [change(alice, record, {a: {"price": 2}})]
        for _ in range(5):
            chain.append(takes_back(alice, chain[-1]).operation)
        with alice.acting(), django_assert_num_queries(1):
            assert undone(chain) == {chain[0], chain[2], chain[4]}

    def test_not_twice(self, alice, record):
        [a] = add(alice, record, {"price": 1})
        done = change(alice, record, {a: {"price": 2}})
        takes_back(alice, done)
        with pytest.raises(Conflict, match="undone already"):
            takes_back(alice, done)

    def test_stacks_are_those_of_an_editor(self, alice, record):
        [a] = add(alice, record, {"price": 1})
        first = change(alice, record, {a: {"price": 2}})
        second = change(alice, record, {a: {"price": 3}})

        def mine():
            with alice.acting() as actor:
                back, forth = stacks(actor, record.pk)
                return back[1:], forth  # without making the entry

        assert mine() == ([first, second], [])
        undid = takes_back(alice, second).operation
        assert mine() == ([first], [undid])
        redid = takes_back(alice, undid).operation
        assert mine() == ([first, redid], [])
        takes_back(alice, redid)
        newest = change(alice, record, {a: {"price": 9}})
        assert mine() == ([first, newest], [])

    def test_another_persons_work_is_not_on_mine(self, alice, bob, record):
        [a] = add(alice, record, {"price": 1})
        theirs = change(bob, record, {a: {"price": 2}})
        with alice.acting() as actor:
            assert theirs not in stacks(actor, record.pk)[0]


class TestPreview:
    def test_it_counts_and_changes_nothing(self, alice, record):
        [a] = add(alice, record, {"price": 1})
        done = change(alice, record, {a: {"price": 2}})
        outcome = takes_back(alice, done, preview=True)
        assert (outcome.restored, outcome.operation) == (1, None)
        assert cells(alice, record, "price") == [2]
        assert takes_back(alice, done).restored == 1

    def test_asking_stops_only_when_something_would_be_kept(self, alice, record):
        a, b = add(alice, record, {"price": 1}, {"price": 1})
        one, two = (
            change(alice, record, {a: {"price": 2}}),
            change(alice, record, {b: {"price": 2}}),
        )
        change(alice, record, {a: {"price": 3}})
        assert takes_back(alice, one, ask=True).operation is None
        assert takes_back(alice, two, ask=True).operation is not None


class TestWhoMay:
    def test_another_persons_operation_needs_an_admin(self, alice, bob, record):
        [a] = add(alice, record, {"price": 1})
        done = change(alice, record, {a: {"price": 2}})
        with pytest.raises(Forbidden):
            takes_back(bob, done)
        theirs = change(bob, record, {a: {"price": 3}})
        assert takes_back(alice, theirs).restored == 1

    def test_a_stranger_finds_nothing(self, alice, charlie, record):
        [a] = add(alice, record, {"price": 1})
        with pytest.raises(Missing):
            takes_back(charlie, change(alice, record, {a: {"price": 2}}))

    def test_rights_are_those_at_undo_time(self, alice, bob, workspace, record):
        [a] = add(alice, record, {"price": 1})
        done = change(bob, record, {a: {"price": 2}})
        give_role(workspace, bob, Role.VIEWER)
        with pytest.raises(Forbidden):
            takes_back(bob, done)

    def test_in_the_trash_nothing_is_undone(self, alice, record):
        [a] = add(alice, record, {"price": 1})
        done = change(alice, record, {a: {"price": 2}})
        does(alice, services.delete_record, record=record)
        with pytest.raises(Conflict, match="trash"):
            takes_back(alice, done)


class TestDefinitions:
    def test_a_record_goes_to_the_trash_and_back(self, alice, workspace, record):
        done = does(alice, services.delete_record, record=record)
        takes_back(alice, done)
        assert fresh(alice, record).deleted_at is None

    def test_making_a_record_with_entries_goes_back_as_one(self, alice, workspace):
        actor = alice.actor
        with acting_as(actor):
            fields = [{"label": "X", "type": "integer"}]
            made = services.create_record(
                workspace=workspace, name="New", fields=fields, actor=actor
            )
            create_entries(record=made, rows=[{"x": 1}], actor=actor)
        outcome = takes_back(alice, actor.operation)
        assert fresh(alice, made).deleted_at
        assert outcome.restored == 1
        takes_back(alice, outcome.operation)
        assert cells(alice, made, "x") == [1]

    def test_a_new_name_goes_back_unless_renamed_since(self, alice, record):
        first = does(alice, services.change_record, record=record, name="B", color="red")
        does(alice, services.change_record, record=record, name="C")
        outcome = takes_back(alice, first)
        fresh(alice, record)
        assert (record.name, record.color) == ("C", "blue")
        assert (outcome.restored, outcome.kept) == (1, 1)


class TestStructures:
    def test_a_new_field_goes_and_a_deleted_one_comes_back(self, alice, record):
        add(alice, record, {"price": 4})
        spec = {"label": "Extra", "type": "text"}
        added = restructure(alice, record, {"op": "add_field", "field": spec})
        removed = restructure(alice, record, {"op": "delete_field", "field": "price"})
        takes_back(alice, added)
        takes_back(alice, removed)
        assert cells(alice, record, "price") == [4]
        assert "extra" not in record.structure.key_set()

    def test_labels_and_rules_go_back_where_they_still_are(self, alice, record):
        done = restructure(
            alice,
            record,
            {"op": "change_field", "field": "price", "label": "Cost", "required": True},
        )
        restructure(alice, record, {"op": "change_field", "field": "price", "label": "Fee"})
        outcome = takes_back(alice, done)
        field = fresh(alice, record).structure.field("price")
        assert (field.label, field.required) == ("Fee", False)
        assert outcome.examples == [{"detail": "“Fee”: its label was changed since."}]

    def test_order_goes_back(self, alice, record):
        done = restructure(alice, record, {"op": "move_field", "field": "note", "position": 0})
        takes_back(alice, done)
        assert [f.key for f in fresh(alice, record).structure.fields] == ["title", "price", "note"]

    def test_a_conversion_goes_back_with_the_cells_it_had_but_for_edited_ones(
        self, alice, make_record
    ):
        record = make_record(note="text")
        *_, c = add(alice, record, {"note": "1"}, {"note": "one"}, {"note": "3"})
        done = restructure(
            alice, record, {"op": "change_field", "field": "note", "type": "integer"}
        )
        assert cells(alice, record, "note") == [1, None, 3]
        change(alice, record, {c: {"note": 33}})
        outcome = takes_back(alice, done)
        assert cells(alice, record, "note") == ["1", "one", "33"]
        takes_back(alice, outcome.operation)
        assert cells(alice, record, "note") == [1, None, 33]

    def test_an_old_edit_goes_back_through_a_conversion(self, alice, record):
        a, b = add(alice, record, {"price": 1}, {"price": 2})
        done = change(alice, record, {a: {"price": 10}, b: {"price": 20}})
        restructure(alice, record, {"op": "change_field", "field": "price", "type": "text"})
        change(alice, record, {b: {"price": "many"}})
        outcome = takes_back(alice, done)
        assert (outcome.restored, outcome.kept) == (1, 1)
        assert cells(alice, record, "price") == ["1", "many"]

    def test_what_a_conversion_taken_back_left_comes_back_as_it_was(self, alice, record):
        """Cells edited while it lasted keep the edit; the others are what they were before it."""
        a, b = add(alice, record, {"title": "one"}, {"title": "two"})
        restructure(alice, record, {"op": "change_field", "field": "title", "type": "integer"})
        edited = change(alice, record, {a: {"title": 1}})
        removed = does(alice, delete_entries, record=record, ids=[a, b])
        restructure(alice, record, {"op": "revert_field", "field": "title", "version": 2})
        takes_back(alice, removed)
        assert cells(alice, record, "title") == ["1", "two"]
        takes_back(alice, edited)
        assert cells(alice, record, "title") == ["one", "two"]

    def test_an_edit_during_a_conversion_that_was_done_again_goes_back(self, alice, record):
        [a] = add(alice, record, {"title": "1"})
        converted = restructure(
            alice, record, {"op": "change_field", "field": "title", "type": "integer"}
        )
        back = takes_back(alice, converted).operation
        edited = change(alice, record, {a: {"title": "2"}})
        takes_back(alice, back)
        assert cells(alice, record, "title") == [2]
        assert takes_back(alice, edited).restored == 1
        assert cells(alice, record, "title") == [1]

    def test_an_old_edit_goes_back_in_a_deleted_field(self, alice, record):
        [a] = add(alice, record, {"price": 1})
        done = change(alice, record, {a: {"price": 10}})
        removed = restructure(alice, record, {"op": "delete_field", "field": "price"})
        assert takes_back(alice, done).restored == 1
        takes_back(alice, removed)
        assert cells(alice, record, "price") == [1]

    def test_entries_deleted_before_a_conversion_come_back_converted(self, alice, record):
        [a] = add(alice, record, {"price": 1})
        done = does(alice, delete_entries, record=record, ids=[a])
        restructure(
            alice,
            record,
            {"op": "change_field", "field": "price", "type": "text"},
            {"op": "add_field", "field": {"label": "Kind", "type": "text", "default": "book"}},
        )
        takes_back(alice, done)
        assert cells(alice, record, "price") == ["1"]
        assert cells(alice, record, "kind") == ["book"]


def test_an_undo_is_in_the_log_like_anything(alice, record):
    [a] = add(alice, record, {"price": 1})
    done = change(alice, record, {a: {"price": 2}})
    outcome = takes_back(alice, done)
    with alice.acting():
        newest = events(record)[-1]
        assert (newest.undo_of, newest.operation_id) == (done, outcome.operation)
        assert newest.cause["undo_of"] == str(done)
