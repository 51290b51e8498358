"""Reading: conditions, order, keys, sums."""

import pytest

from records.cursors import decode_cursor, encode_cursor
from records.query import Query
from records.tests.helpers import add, column
from workspaces.errors import Invalid


@pytest.fixture
def record(alice, make_record):
    made = make_record(
        title="text",
        pages="integer",
        price="decimal",
        state={"type": "choice", "options": {"choices": ["Used", "New"]}},
        tags={"type": "choices", "options": {"choices": ["a", "b"]}},
        sold="boolean",
        day="date",
    )
    add(
        alice,
        made,
        {
            "title": "Faust",
            "pages": 100,
            "price": "9.90",
            "state": "New",
            "tags": ["a", "b"],
            "sold": True,
            "day": "2026-01-01",
        },
        {
            "title": "Emma",
            "pages": 300,
            "price": "5.00",
            "state": "Used",
            "tags": ["a"],
            "sold": False,
            "day": "2026-02-01",
        },
        {"title": "100%_sure", "pages": 300},
        {"title": None, "pages": None, "price": "7.00", "state": "New"},
    )
    return made


def titles(person, record, **query):
    with person.acting():
        return column(record, "title", **query)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"field": "pages", "op": "gt", "value": 100}, ["Emma", "100%_sure"]),
        ({"field": "pages", "op": "is", "value": "1e2"}, ["Faust"]),
        ({"field": "pages", "op": "is_not", "value": 300}, ["Faust", None]),
        ({"field": "pages", "op": "gt", "value": 99.5}, ["Faust", "Emma", "100%_sure"]),
        ({"field": "price", "op": "between", "value": [5, 7]}, ["Emma", None]),
        ({"field": "price", "op": "is", "value": 9.9}, ["Faust"]),
        ({"field": "title", "op": "contains", "value": "%_"}, ["100%_sure"]),
        ({"field": "title", "op": "starts", "value": "f"}, ["Faust"]),
        ({"field": "title", "op": "not_contains", "value": "a"}, ["100%_sure", None]),
        ({"field": "title", "op": "in", "value": ["Emma", "Faust"]}, ["Faust", "Emma"]),
        ({"field": "title", "op": "empty"}, [None]),
        ({"field": "state", "op": "is", "value": "new"}, ["Faust", None]),
        ({"field": "state", "op": "not_in", "value": ["New"]}, ["Emma", "100%_sure"]),
        ({"field": "tags", "op": "has", "value": "b"}, ["Faust"]),
        ({"field": "tags", "op": "has_none", "value": ["b"]}, ["Emma", "100%_sure", None]),
        ({"field": "sold", "op": "no"}, ["Emma", "100%_sure", None]),
        ({"field": "day", "op": "gte", "value": "2026-02-01"}, ["Emma"]),
        ({"not": {"field": "pages", "op": "gt", "value": 100}}, ["Faust", None]),
        (
            {
                "or": [
                    {"field": "title", "op": "is", "value": "Emma"},
                    {"field": "sold", "op": "yes"},
                ]
            },
            ["Faust", "Emma"],
        ),
        ({"and": []}, ["Faust", "Emma", "100%_sure", None]),
        ({"field": "entry_id", "op": "lte", "value": 1}, ["Faust"]),
    ],
)
def test_conditions(where, found, alice, record):
    assert titles(alice, record, where=where) == found


@pytest.mark.parametrize(
    ("where", "pointer"),
    [
        ({"field": "nothing", "op": "is", "value": 1}, "/field"),
        ({"field": "pages", "op": "contains", "value": 1}, "/op"),
        ({"and": [{"field": "pages", "op": "gt", "value": "many"}]}, "/and/0/value"),
        ({"field": "pages", "op": "between", "value": [1]}, "/value"),
        ({"field": "state", "op": "is", "value": "Lost"}, "/value"),
        ({"field": ["pages"], "op": "is"}, "/field"),
        ({"and": "all"}, ""),
        ("pages > 1", ""),
        ({"field": "title", "op": "contains", "value": {"$ne": 1}}, "/value"),
        ({"field": "title", "op": "is", "value": "  "}, "/value"),
        ({"field": "tags", "op": "has", "value": []}, "/value"),
        ({"field": "tags", "op": "has", "value": [""]}, "/value"),
        ({"field": "tags", "op": "has", "value": ","}, "/value"),
        ({"or": [{"field": "tags", "op": "has_any", "value": [[]]}]}, "/or/0/value"),
        ({"field": "tags", "op": "has_all", "value": ["a", []]}, "/value"),
        ({"field": "tags", "op": "has_none", "value": [None]}, "/value"),
    ],
)
def test_a_condition_that_makes_no_sense_says_where(where, pointer, alice, record):
    with alice.acting(), pytest.raises(Invalid) as error:
        Query(record, where=where)
    assert error.value.problems[0]["pointer"] == pointer


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59-00:01", "0001-01-01T00:00+14:00"]
)
@pytest.mark.parametrize("key", ["at", "created_at"])
def test_a_moment_outside_the_years_is_refused(key, moment, alice, make_record):
    made = make_record(at="datetime")
    where = {"and": [{"field": key, "op": "lt", "value": moment}]}
    with alice.acting(), pytest.raises(Invalid, match="outside the times") as error:
        Query(made, where=where)
    assert error.value.problems[0]["pointer"] == "/and/0/value"


def test_a_moment_may_have_any_offset(alice, make_record):
    made = make_record(title="text", at="datetime")
    at = "2026-02-28T10:00:00+23:59"
    add(alice, made, {"title": "Faust", "at": at}, {"title": "Emma", "at": "2026-02-27T10:01:01Z"})
    where = {"field": "at", "op": "lte", "value": at}
    assert titles(alice, made, where=where) == ["Faust"]


def test_conditions_nest_only_so_deep(alice, record):
    where = {"field": "pages", "op": "empty"}
    for _ in range(50):
        where = {"not": where}
    with alice.acting(), pytest.raises(Invalid, match="nest"):
        Query(record, where=where)


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        (["title"], ["100%_sure", "Emma", "Faust", None]),
        (["-title"], ["Faust", "Emma", "100%_sure", None]),
        (["pages", "-title"], ["Faust", "Emma", "100%_sure", None]),
        (["state", "title"], ["Emma", "Faust", None, "100%_sure"]),
        (["-entry_id"], [None, "100%_sure", "Emma", "Faust"]),
    ],
)
def test_order_with_empty_cells_last_and_choices_as_listed(sort, found, alice, record):
    assert titles(alice, record, sort=sort) == found


@pytest.mark.parametrize(
    "sort", [["title"], ["-title"], ["pages", "-price"], ["-pages", "state"], []]
)
def test_keyset_pages_give_the_same_as_one_page(sort, alice, record):
    with alice.acting():
        query = Query(record, sort=sort)
        whole = [row[0] for row in query.rows()]
        paged, key = [], None
        while rows := query.rows(after=key, limit=1):
            paged.append(rows[0][0])
            key = query.keys([rows[0][0]])[rows[0][0]]
            key = decode_cursor(encode_cursor(key))
    assert paged == whole


def test_anchors_name_every_nth_row(alice, record):
    with alice.acting():
        query = Query(record, sort=["-title"])
        count, keys = query.anchors(2)
        assert count == 4
        assert [row[0] for row in query.rows(after=keys[0])] == [row[0] for row in query.rows()][2:]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("emma", ["Emma"]),
        ("300", ["Emma", "100%_sure"]),
        ("used", ["Emma"]),
        ("%", ["100%_sure"]),
        ("\x00", None),
    ],
)
def test_search_looks_in_every_field(search, found, alice, record):
    everything = ["Faust", "Emma", "100%_sure", None]
    assert titles(alice, record, search=search) == (everything if found is None else found)


def test_sums_by_group(alice, record):
    with alice.acting():
        answer = Query(record).aggregate([("count", None), ("sum", "price")], group_by=["state"])
    assert answer == [
        {"state": "Used", "count": 1, "sum_price": "5.00"},
        {"state": "New", "count": 2, "sum_price": "16.90"},
        {"state": None, "count": 1, "sum_price": None},
    ]


@pytest.mark.parametrize("cursor", ["", "!!", "eyJ9", "W1tdXQ", "é"])
def test_a_cursor_that_is_none_of_ours_is_refused(cursor):
    with pytest.raises(Invalid):
        decode_cursor(cursor)


def test_a_page_is_one_query_at_any_size(alice, record, django_assert_num_queries):
    add(alice, record, *[{"title": f"Book {n}"} for n in range(50)])
    with alice.acting():
        query = Query(record, sort=["title"])
        with django_assert_num_queries(1):
            query.rows(limit=1)
        with django_assert_num_queries(1):
            query.rows(limit=50)


@pytest.mark.parametrize("days", ["²", "9" * 5000, "-1", "100001", None])
def test_a_number_of_days_that_is_none(alice, record, days):
    with alice.acting(), pytest.raises(Invalid, match="number of days"):
        Query(record, where={"field": "day", "op": "last_days", "value": days})
