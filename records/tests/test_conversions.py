"""Conversions taken back: every original cell returns, and what was edited since stays."""

import pytest
from django.urls import reverse

from records.entries import update_entries
from records.tests.api import Api
from records.tests.helpers import add, column, events, sql
from records.tests.test_plans import change, preview, read
from workspaces.errors import InvalidStructure


@pytest.fixture
def record(alice, make_record):
    made = make_record(title="text")
    add(alice, made, {"title": "007"}, {"title": "Faust"}, {"title": "12"}, {"title": "3"})
    return made


def convert(person, record, type, **what):
    confirmed = {"op": "change_field", "field": "title", "type": type, **what}
    return change(person, record, confirmed, confirmed=True)


def revert(version):
    return {"op": "revert_field", "field": "title", "version": version}


def write(person, record, id, value):
    with person.acting() as actor:
        update_entries(record=record, changes={id: {"title": value}}, actor=actor)


def test_the_original_cells_come_back_and_no_entry_is_written(alice, record):
    convert(alice, record, "integer")
    with alice.acting():
        before = sql(f"SELECT entry_id, _ev, updated_at FROM {record.table_name} ORDER BY 1")
    plan = change(alice, record, revert(2))
    assert plan.describe() == ["Take back the conversion of “Title” from Text to Integer."]
    assert read(alice, record, "title") == ["007", "Faust", "12", "3"]
    assert record.structure.field("title").type == "text"
    with alice.acting():
        after = sql(f"SELECT entry_id, _ev, updated_at FROM {record.table_name} ORDER BY 1")
    assert after == before


def test_what_was_edited_or_created_since_stays_and_is_historied(alice, record):
    convert(alice, record, "integer")
    write(alice, record, 2, 5)
    write(alice, record, 3, None)
    add(alice, record, {"title": 99})
    [impact] = preview(alice, record, revert(2))["impact"]
    assert impact["sentence"] == "2 cells of “Title” edited since keep their present value."
    change(alice, record, revert(2))
    assert read(alice, record, "title") == ["007", "5", None, "3", "99"]
    with alice.acting():
        last = events(record, "entries.updated")[-1]
        assert (last.count, last.changed) == (3, ["title"])


def test_cells_edited_since_that_can_not_become_the_old_type_are_counted(alice, make_record):
    record = make_record(title="integer")
    add(alice, record, {"title": 1}, {"title": 2})
    convert(alice, record, "text")
    write(alice, record, 1, "one")
    said = preview(alice, record, revert(2))
    [impact] = said["impact"]
    assert (impact["lost"], impact["examples"]) == (1, [{"entry_id": 1, "value": "one"}])
    assert said["destructive"]
    change(alice, record, revert(2), confirmed=True)
    assert read(alice, record, "title") == [None, 2]


def test_conversions_in_a_row_are_taken_back_one_after_the_other(alice, record):
    convert(alice, record, "integer")
    convert(alice, record, "decimal")
    with pytest.raises(InvalidStructure, match="that conversion back first"):
        change(alice, record, revert(2))
    write(alice, record, 4, "4.00")
    change(alice, record, revert(3))
    assert read(alice, record, "title") == [7, None, 12, 4]
    change(alice, record, revert(2))
    assert read(alice, record, "title") == ["007", "Faust", "12", "4"]


def test_taking_back_can_be_taken_back(alice, record):
    convert(alice, record, "integer")
    convert(alice, record, "decimal")
    change(alice, record, revert(3))
    change(alice, record, revert(2))
    assert [item.version for item in record.structure.revertible] == [5]
    change(alice, record, revert(5), confirmed=True)
    assert read(alice, record, "title") == [7, None, 12, 3]
    assert [item.version for item in record.structure.revertible] == [4, 6]
    change(alice, record, revert(4))
    assert read(alice, record, "title") == ["7.00", None, "12.00", "3.00"]
    with alice.acting():
        assert len(record.structure.shelf) == 2


def test_name_and_rules_changed_since_stay(alice, make_record):
    record = make_record(title="integer")
    add(alice, record, {"title": 7})
    convert(alice, record, "text", label="Heading", description="in words")
    change(alice, record, {"op": "change_field", "field": "title", "description": "in digits"})
    change(alice, record, {"op": "change_field", "field": "title", "required": True})
    change(alice, record, revert(2))
    field = record.structure.field("title")
    assert (field.label, field.description) == ("Title", "in digits")
    assert (field.type, field.required) == ("integer", True)


def test_a_removed_choice_comes_back_beside_those_added_since(alice, make_record):
    state = {"type": "choice", "options": {"choices": ["New", "Used", "Lost"]}}
    record = make_record(state=state)
    add(alice, record, {"state": "New"}, {"state": "Used"}, {"state": "Lost"})
    change(
        alice,
        record,
        {"op": "change_field", "field": "state", "options": {"choices": ["New", "Lost"]}},
        confirmed=True,
    )
    choices = {"choices": [{"id": 1, "label": "Fresh"}, {"id": 3, "label": "Lost"}, "Found"]}
    change(alice, record, {"op": "change_field", "field": "state", "options": choices})
    with alice.acting() as actor:
        update_entries(record=record, changes={3: {"state": "Found"}}, actor=actor)
    change(alice, record, {"op": "revert_field", "field": "state", "version": 2})
    assert read(alice, record, "state") == ["Fresh", "Used", "Found"]


def test_an_autonumber_goes_on_counting(alice, make_record):
    record = make_record(title="autonumber", note="text")
    add(alice, record, {"note": "a"}, {"note": "b"})
    convert(alice, record, "integer")
    add(alice, record, {"title": 50})
    change(alice, record, revert(2))
    add(alice, record, {"note": "c"})
    assert read(alice, record, "title") == [1, 2, 3, 4]


def test_rules_that_returning_cells_would_break_are_said(alice, make_record):
    record = make_record(title={"type": "integer", "options": {"maximum": "10"}})
    add(alice, record, {"title": 7}, {"title": 8})
    convert(alice, record, "text")
    write(alice, record, 1, "8")
    change(alice, record, revert(2))
    assert read(alice, record, "title") == [8, 8]
    change(alice, record, revert(3))
    write(alice, record, 2, "9")
    change(alice, record, {"op": "change_field", "field": "title", "unique": True})
    change(alice, record, revert(4))
    assert record.structure.field("title").unique


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (revert(9), "was not converted by that version"),
        (revert("2"), "was not converted by that version"),
        ({"op": "revert_field", "field": "nothing", "version": 2}, "no field"),
    ],
)
def test_what_was_not_converted_can_not_be_taken_back(alice, record, asked, sentence):
    convert(alice, record, "integer")
    with pytest.raises(InvalidStructure, match=sentence):
        change(alice, record, asked)


def test_one_field_is_converted_once_in_a_change(alice, record):
    with pytest.raises(InvalidStructure, match="one step at a time"):
        change(
            alice,
            record,
            {"op": "change_field", "field": "title", "type": "decimal"},
            {"op": "change_field", "field": "title", "type": "integer"},
        )


def test_the_structure_page_offers_it(alice, bob, charlie, record):
    convert(alice, record, "integer")
    address = reverse("field_revert", args=[record.pk, "title", 2])
    page = alice.client.get(reverse("record_structure", args=[record.pk])).content.decode()
    assert "Take the conversion back" in page
    dialog = alice.client.get(reverse("field", args=[record.pk, "title"])).content.decode()
    assert "Take the conversion back" in dialog
    assert "from Text to Integer" in alice.client.get(address).content.decode()
    assert bob.client.post(address).status_code == 403
    assert charlie.client.post(address).status_code == 404
    answer = alice.client.post(address, {"confirmed": "1"}, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    with alice.acting():
        record.reload()
        assert column(record, "title") == ["007", "Faust", "12", "3"]


def test_the_api_lists_and_takes_it_back(alice, record):
    convert(alice, record, "integer")
    client = Api(alice)
    address = f"records/{record.pk}/structure/"
    shown = client.get(address).data["conversions"]
    id = record.structure.field("title").id
    assert shown == [{"field": id, "version": 2, "was": "text"}]
    answer = client.patch(address, {"changes": [revert(2)]})
    assert answer.status_code == 200
    assert answer.data["fields"][0]["type"] == "text"
    with alice.acting():
        record.reload()
        assert column(record, "title") == ["007", "Faust", "12", "3"]
