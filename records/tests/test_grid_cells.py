"""Changing cells from the grid: each is taken, refused or in conflict by itself."""

import pytest
from django.urls import reverse

from records.tests.helpers import add, column, events

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(make_record):
    return make_record(
        title={"type": "text", "required": True},
        price="decimal",
        isbn={"type": "text", "unique": True},
        number="autonumber",
    )


def post(person, view, record, **data):
    url = reverse(view, args=[record.pk])
    return person.client.post(url, data, content_type="application/json")


def rows_of(person, record):
    return person.client.get(reverse("record_rows", args=[record.pk])).json()["rows"]


def change(row, values, was=None, **rest):
    return {"entry_id": row[0], "version": row[1], "values": values, "was": was or {}, **rest}


def test_many_cells_are_one_operation(alice, books):
    add(alice, books, {"title": "Emma"}, {"title": "Persuasion"})
    rows = rows_of(alice, books)
    changes = [change(rows[0], {"price": "$1,234.50"}), change(rows[1], {"title": "Ulysses"})]
    answer = post(alice, "record_cells", books, changes=changes).json()
    assert answer["changed"] == 2
    assert [row[2:4] for row in answer["rows"]] == [["Emma", "1234.50"], ["Ulysses", None]]
    with alice.acting():
        updates = events(books, "entries.updated")
        assert len({event.operation_id for event in updates}) == 1


def test_bad_cells_are_refused_and_their_neighbours_written(alice, books):
    add(alice, books, {"title": "Emma"}, {"title": "Persuasion"})
    rows = rows_of(alice, books)
    changes = [
        change(rows[0], {"price": "dear", "title": "Emma II"}),
        change(rows[1], {"title": "", "price": "(2)", "number": 7, "ghost": 1}),
    ]
    answer = post(alice, "record_cells", books, changes=changes).json()
    refused = {(item["entry_id"], item["key"]): item["detail"] for item in answer["refused"]}
    assert refused[rows[0][0], "price"] == "“dear” is no number."
    assert refused[rows[1][0], "title"] == "“Title” is required."
    assert {key for _, key in refused} == {"price", "title", "number", "ghost"}
    with alice.acting():
        assert column(books, "title") == ["Emma II", "Persuasion"]
        assert column(books, "price") == [None, "-2.00"]


def test_what_the_database_refuses_is_found_among_many(alice, books):
    add(alice, books, *[{"title": f"Book {n}", "isbn": f"isbn {n}"} for n in range(20)])
    rows = rows_of(alice, books)
    changes = [change(row, {"isbn": f"new {n}"}) for n, row in enumerate(rows)]
    changes[13]["values"]["isbn"] = "new 4"
    answer = post(alice, "record_cells", books, changes=changes).json()
    assert answer["changed"] == 19
    assert [item["entry_id"] for item in answer["refused"]] == [rows[13][0]]
    assert "must be unique" in answer["refused"][0]["detail"]


def test_the_later_writer_of_a_cell_chooses(alice, bob, books):
    add(alice, books, {"title": "Emma", "price": "1"})
    row = rows_of(alice, books)[0]
    post(bob, "record_cells", books, changes=[change(row, {"price": "2"}, {"price": "1.00"})])
    mine = [change(row, {"price": "3", "title": "Emma!"}, {"price": "1.00", "title": "Emma"})]
    answer = post(alice, "record_cells", books, changes=mine).json()
    conflict = {"entry_id": row[0], "key": "price", "theirs": "2.00", "yours": "3"}
    assert answer["conflicts"] == [conflict]
    assert answer["rows"][0][2:4] == ["Emma!", "2.00"]
    forced = [change(row, {"price": "3"}, {"price": "1.00"})]
    post(alice, "record_cells", books, changes=forced, force=True)
    with alice.acting():
        assert column(books, "price") == ["3.00"]


def test_both_meaning_the_same_is_no_conflict(alice, bob, books):
    add(alice, books, {"title": "Emma", "price": "1"})
    row = rows_of(alice, books)[0]
    for person in (bob, alice):
        changes = [change(row, {"price": "2"}, {"price": "1.00"})]
        answer = post(person, "record_cells", books, changes=changes).json()
        assert answer["conflicts"] == []


def test_entries_deleted_meanwhile_are_told(alice, books):
    add(alice, books, {"title": "Emma"}, {"title": "Persuasion"})
    first, second = rows_of(alice, books)
    assert post(alice, "record_delete_entries", books, ids=[first[0]]).json()["deleted"] == 1
    changes = [change(first, {"title": "A"}), change(second, {"title": "B"})]
    answer = post(alice, "record_cells", books, changes=changes).json()
    assert answer["gone"] == [first[0]]
    assert answer["rows"][0][2] == "B"


def test_adding_keeps_what_can_be_taken(alice, books):
    rows = [{"title": "Emma", "price": "dear"}, {"price": "1"}, {"title": "Persuasion"}]
    answer = post(alice, "record_cells", books, rows=rows).json()
    assert [row[2:4] for row in answer["rows"]] == [["Emma", None], ["Persuasion", None]]
    assert answer["refused"][0]["entry_id"] == answer["rows"][0][0]
    assert answer["refused"][1] == {
        "row": 1,
        "key": "price",
        "detail": "“Title” is required.",
        "whole": True,
    }


def test_cells_and_new_rows_are_one_operation(alice, books):
    add(alice, books, {"title": "Emma"})
    changes = [change(rows_of(alice, books)[0], {"title": "Emma II"})]
    rows = [{"title": "Persuasion"}, {"price": "1"}]
    answer = post(alice, "record_cells", books, changes=changes, rows=rows).json()
    assert [row[2] for row in answer["rows"]] == ["Emma II", "Persuasion"]
    assert answer["added"] == [answer["rows"][1][0]]
    assert [(item["row"], item["detail"]) for item in answer["refused"]] == [
        (1, "“Title” is required.")
    ]
    with alice.acting():
        [update], [create] = events(books, "entries.updated"), events(books, "entries.created")[1:]
        assert str(update.operation_id) == str(create.operation_id) == answer["operation"]
    post(alice, "grid_undo", books, operation=answer["operation"])
    with alice.acting():
        assert column(books, "title") == ["Emma"]


def test_cells_stay_as_they_were_when_the_rows_are_odd(alice, books):
    add(alice, books, {"title": "Emma"})
    changes = [change(rows_of(alice, books)[0], {"title": "Emma II"})]
    assert post(alice, "record_cells", books, changes=changes, rows=[1]).status_code == 422
    with alice.acting():
        assert column(books, "title") == ["Emma"]


@pytest.mark.parametrize(
    "changes",
    [None, [], [1], [{"entry_id": 1}], [{"entry_id": True, "values": {}}], [{"values": {}}]],
)
def test_odd_changes_are_refused(alice, books, changes):
    assert post(alice, "record_cells", books, changes=changes).status_code == 422


def test_a_refused_request_leaves_nothing(alice, books):
    add(alice, books, {"title": "Emma"})
    with alice.acting():
        before = len(events(books))
    assert post(alice, "record_delete_entries", books, ids=[1, 10**12]).status_code == 404
    with alice.acting():
        assert len(events(books)) == before


def test_strangers_change_nothing(charlie, alice, books):
    add(alice, books, {"title": "Emma"})
    for view, data in [
        ("record_cells", {"changes": [{"entry_id": 1, "values": {"title": "X"}}]}),
        ("record_cells", {"rows": [{"title": "X"}]}),
        ("record_delete_entries", {"ids": [1]}),
    ]:
        assert post(charlie, view, books, **data).status_code == 404
    with alice.acting():
        assert column(books, "title") == ["Emma"]
