"""Changing a structure: said before, done whole, nothing lost."""

import pytest

from records.models import StructureVersion
from records.names import history_name
from records.services import change_structure, preview_structure
from records.tests.helpers import add, column, sql
from workspaces.errors import Conflict, DestructiveChange, Forbidden, InvalidStructure, Missing


@pytest.fixture
def record(alice, make_record):
    made = make_record(
        title="text",
        pages="integer",
        state={"type": "choice", "options": {"choices": ["New", "Used"]}},
    )
    add(
        alice,
        made,
        {"title": "12", "pages": 12, "state": "New"},
        {"title": "Faust", "pages": None, "state": "Used"},
    )
    return made


def change(person, record, *changes, **how):
    with person.acting() as actor:
        return change_structure(record=record, changes=list(changes), actor=actor, **how)


def preview(person, record, *changes):
    with person.acting() as actor:
        return preview_structure(record=record, changes=list(changes), actor=actor)


def read(person, record, key):
    with person.acting():
        return column(record, key)


def test_a_preview_counts_and_shows_the_cells_that_would_be_lost(alice, record):
    said = preview(alice, record, {"op": "change_field", "field": "title", "type": "integer"})
    assert said["sentences"] == ["Convert “Title” from Text to Integer."]
    [impact] = said["impact"]
    assert (impact["lost"], impact["examples"]) == (1, [{"entry_id": 2, "value": "Faust"}])
    assert said["destructive"]
    assert read(alice, record, "title") == ["12", "Faust"]


def test_losing_cells_needs_a_word(alice, record):
    convert = {"op": "change_field", "field": "title", "type": "integer"}
    with pytest.raises(DestructiveChange, match="1 cell"):
        change(alice, record, convert)
    change(alice, record, convert, confirmed=True)
    assert read(alice, record, "title") == [12, None]


def test_a_conversion_keeps_the_old_column_in_table_and_history(alice, record):
    change(
        alice, record, {"op": "change_field", "field": "title", "type": "integer"}, confirmed=True
    )
    [kept] = record.structure.shelf
    assert kept.reason == "converted"
    with alice.acting():
        assert sql(f"SELECT {kept.column} FROM {record.table_name} ORDER BY 1") == [
            ("12",),
            ("Faust",),
        ]
        sql(f"SELECT {kept.column} FROM {history_name(record.table_name)}")


def test_a_conversion_is_no_change_of_entries(alice, record):
    with alice.acting():
        before = sql(f"SELECT entry_id, _ev, updated_at FROM {record.table_name} ORDER BY 1")
    change(alice, record, {"op": "change_field", "field": "title", "type": "long_text"})
    change(alice, record, {"op": "change_field", "field": "pages", "type": "text"})
    with alice.acting():
        assert (
            sql(f"SELECT entry_id, _ev, updated_at FROM {record.table_name} ORDER BY 1") == before
        )


def test_a_deleted_field_comes_back_with_its_cells(alice, record):
    change(alice, record, {"op": "delete_field", "field": "title"}, confirmed=True)
    assert [field.key for field in record.structure.fields] == ["pages", "state"]
    change(alice, record, {"op": "add_field", "field": {"label": "Title", "type": "boolean"}})
    change(alice, record, {"op": "restore_field", "field": record.structure.shelf[0].field.id})
    assert [field.key for field in record.structure.fields] == [
        "title_2",
        "pages",
        "state",
        "title",
    ]
    assert read(alice, record, "title_2") == ["12", "Faust"]


def test_renaming_and_moving_touch_no_column(alice, record):
    plan = change(
        alice,
        record,
        {"op": "change_field", "field": "title", "label": "Name"},
        {"op": "move_field", "field": "state", "position": 0},
    )
    assert not plan.touches_columns
    assert [field.label for field in record.structure.fields] == ["State", "Name", "Pages"]
    assert read(alice, record, "title") == ["12", "Faust"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"op": "change_field", "field": "pages", "required": True}, "1 cell of “Pages” are empty"),
        (
            {"op": "change_field", "field": "pages", "options": {"minimum": 100}},
            "break the new rule",
        ),
        ({"op": "change_field", "field": "pages", "type": "rating"}, "can’t become rating"),
        (
            {"op": "add_field", "field": {"label": "N", "type": "integer", "required": True}},
            "Give a default",
        ),
        ({"op": "change_field", "field": "nothing", "label": "x"}, "no field"),
        ({"op": "change_field", "field": "title", "color": "red"}, "has no “color”"),
        ({"op": "change_field", "field": "title", "type": "spaceship"}, "no field type"),
        ({"op": "change_field", "field": "title", "type": "autonumber"}, "can't become"),
        ({"op": "explode"}, "op is one of"),
        ({"op": "add_field", "field": {"label": "x"}}, "label and a type"),
        ({"op": "move_field", "field": "title", "position": -1}, "whole number"),
        ({"op": "restore_field", "field": "title"}, "no deleted field"),
        ("nonsense", "object"),
    ],
)
def test_what_can_not_be_done_is_said_and_changes_nothing(alice, record, changes, sentence):
    with pytest.raises((InvalidStructure, DestructiveChange), match=sentence):
        change(alice, record, changes)
    assert record.version == 1


def test_removing_a_choice_in_use_counts_its_cells(alice, record):
    kept = [record.structure.field("state").options["choices"][0]]
    remove = {"op": "change_field", "field": "state", "options": {"choices": kept}}
    assert preview(alice, record, dict(remove))["impact"][0]["lost"] == 1
    change(alice, record, remove, confirmed=True)
    assert read(alice, record, "state") == ["New", None]


def options(*choices):
    return {"choices": [{"id": id, "label": label} for id, label in choices]}


def test_a_choice_renamed_beside_a_removed_one_keeps_its_cells(alice, record):
    renamed = {"op": "change_field", "field": "state", "options": options((1, "Fresh"))}
    [impact] = preview(alice, record, dict(renamed))["impact"]
    assert (impact["lost"], impact["examples"]) == (1, [{"entry_id": 2, "value": "Used"}])
    change(alice, record, renamed, confirmed=True)
    assert read(alice, record, "state") == ["Fresh", None]


def test_a_choice_given_the_label_of_a_removed_one_keeps_its_own_cells(alice, record):
    swapped = {"op": "change_field", "field": "state", "options": options((1, "Used"))}
    change(alice, record, swapped, confirmed=True)
    assert read(alice, record, "state") == ["Used", None]


def test_one_choice_becomes_several_and_one_again_by_its_id(alice, record):
    several = options((1, "Fresh"), (2, "Worn"))
    change(
        alice,
        record,
        {"op": "change_field", "field": "state", "type": "choices", "options": several},
    )
    assert read(alice, record, "state") == [["Fresh"], ["Worn"]]
    single = options((1, "As new"), (2, "Old"))
    change(
        alice, record, {"op": "change_field", "field": "state", "type": "choice", "options": single}
    )
    assert read(alice, record, "state") == ["As new", "Old"]


def test_several_choices_lose_only_the_removed_one(alice, make_record):
    tags = {"type": "choices", "options": options((1, "red"), (2, "green"), (3, "blue"))}
    record = make_record(tags=tags)
    add(alice, record, {"tags": ["blue", "red"]}, {"tags": ["green"]}, {"tags": ["blue"]}, {})
    fewer = {"op": "change_field", "field": "tags", "options": options((1, "crimson"), (3, "blue"))}
    assert preview(alice, record, dict(fewer))["impact"][0]["lost"] == 1
    change(alice, record, fewer, confirmed=True)
    assert read(alice, record, "tags") == [["blue", "crimson"], None, ["blue"], None]


def test_choices_given_as_labels_are_known_again_by_their_labels(alice, record):
    turned = {
        "op": "change_field",
        "field": "state",
        "options": {"choices": ["Used", "Lost", "new"]},
    }
    change(alice, record, turned)
    assert read(alice, record, "state") == ["new", "Used"]


def test_every_version_is_kept_with_its_sentences(alice, record):
    change(alice, record, {"op": "change_field", "field": "title", "label": "Name"})
    change(alice, record, {"op": "add_field", "field": {"label": "Year", "type": "integer"}})
    with alice.acting():
        kept = list(
            StructureVersion.objects.filter(record=record).values_list("version", "summary")
        )
    assert kept == [
        (3, "Add the field “Year” (Integer)."),
        (2, "Rename “Title” to “Name”."),
        (1, "Made the record."),
    ]


def test_the_second_of_two_changes_is_told_what_changed(alice, record):
    change(alice, record, {"op": "change_field", "field": "title", "label": "Name"}, version=1)
    with pytest.raises(Conflict, match="Rename “Title” to “Name”"):
        change(alice, record, {"op": "delete_field", "field": "pages"}, version=1, confirmed=True)


def test_a_new_field_with_a_default_fills_the_entries_there_are(alice, record):
    change(
        alice,
        record,
        {
            "op": "add_field",
            "field": {"label": "Copies", "type": "integer", "default": 3, "required": True},
        },
    )
    assert read(alice, record, "copies") == [3, 3]


def test_a_new_autonumber_numbers_the_entries_there_are(alice, record):
    change(
        alice,
        record,
        {
            "op": "add_field",
            "field": {"label": "No", "type": "autonumber", "options": {"start": 10}},
        },
    )
    add(alice, record, {"title": "third"})
    assert read(alice, record, "no") == [10, 11, 12]


def test_only_those_who_may_change_structures(bob, charlie, record):
    with pytest.raises(Forbidden):
        change(bob, record, {"op": "delete_field", "field": "title"})
    with pytest.raises(Missing):
        change(charlie, record, {"op": "delete_field", "field": "title"})


def test_models_follow_the_structure_at_once(alice, record):
    old = record.model
    change(alice, record, {"op": "add_field", "field": {"label": "Year", "type": "integer"}})
    assert record.model is not old
    with alice.acting():
        record.model.objects.update(year=2026)
    assert read(alice, record, "year") == [2026, 2026]


def test_history_goes_on_over_a_structure_change(alice, record):
    change(alice, record, {"op": "change_field", "field": "pages", "type": "text"})
    with alice.acting():
        sql(f"UPDATE {record.table_name} SET pages = 'many'")
        assert sql(f"SELECT pages FROM {history_name(record.table_name)} ORDER BY entry_id") == [
            ("12",),
            (None,),
        ]
