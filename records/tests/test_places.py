"""Where rows stand: the edges of filled cells, and entries just made."""

from urllib.parse import urlencode

import orjson
import pytest
from django.urls import reverse

from kdap.tests.people import give_role
from records.tests.helpers import add, sql
from workspaces.models import Role

pytestmark = pytest.mark.django_db

CHEAP = orjson.dumps({"field": "price", "op": "lt", "value": "3"}).decode()


@pytest.fixture
def books(make_record):
    return make_record(title="text", price="decimal")


@pytest.fixture
def gappy(books, alice):
    """A thousand books, of which numbers 401 to 600 have no title; dearer ones first."""
    with alice.acting():
        sql(
            f'INSERT INTO "{books.table_name}" (title, price) '
            "SELECT CASE WHEN i NOT BETWEEN 401 AND 600 THEN 'Book ' || i END, 1001 - i "
            "FROM generate_series(1, 1000) AS i"
        )
    return books


def ask(person, view, record, **params):
    return person.client.get(reverse(view, args=[record.pk]), params)


@pytest.mark.parametrize(
    ("key", "sought", "way", "start", "sort", "position"),
    [
        ("title", "empty", "down", 0, "", 400),
        ("title", "filled", "down", 400, "", 600),
        ("title", "filled", "up", 599, "", 399),
        ("title", "empty", "up", 999, "", 599),
        ("title", "empty", "down", 600, "", None),
        ("title", "empty", "up", 399, "", None),
        ("title", "empty", "down", 0, "title", 800),
        ("title", "empty", "down", 0, "price", 400),
        ("price", "empty", "down", 0, "", None),
    ],
)
def test_the_nearest_cell_is_found(alice, gappy, key, sought, way, start, sort, position):
    wanted = {"key": key, "sought": sought, "way": way, "start": start, "sort": sort}
    assert ask(alice, "record_edge", gappy, **wanted).json() == {"position": position}


@pytest.mark.parametrize(
    "wanted",
    [
        {"key": "nothing"},
        {"way": "sideways"},
        {"sought": "green"},
        {"start": "-1"},
        {"start": "x"},
        {"key": ""},
    ],
)
def test_odd_questions_are_refused(alice, gappy, wanted):
    usual = {"key": "title", "sought": "empty", "way": "down", "start": 0}
    assert ask(alice, "record_edge", gappy, **(usual | wanted)).status_code == 422


def test_strangers_find_nothing(charlie, gappy):
    usual = {"key": "title", "sought": "empty", "way": "down", "start": 0}
    assert ask(charlie, "record_edge", gappy, **usual).status_code == 404
    assert ask(charlie, "record_place", gappy, entry=1).status_code == 404


def test_an_entry_stands_where_the_order_shows_it(alice, gappy):
    assert ask(alice, "record_place", gappy, entry=5).json() == {"position": 4}
    assert ask(alice, "record_place", gappy, entry=5, sort="price").json() == {"position": 995}
    assert ask(alice, "record_place", gappy, entry=450, sort="title").json() == {"position": 849}
    assert ask(alice, "record_place", gappy, entry=5, where=CHEAP).json() == {"position": None}
    assert ask(alice, "record_place", gappy, entry=99_999).json() == {"position": None}
    assert ask(alice, "record_place", gappy, entry="x").status_code == 422


def test_added_entries_say_where_they_are(alice, books):
    add(alice, books, {"title": "A", "price": 1}, {"title": "C", "price": 2})

    def added(*rows, **asked):
        url = f"{reverse('record_cells', args=[books.pk])}?{urlencode(asked)}"
        answer = alice.client.post(url, {"rows": list(rows)}, content_type="application/json")
        return {name: answer.json().get(name) for name in ("position", "hidden")}

    assert added({"title": "D"}) == {"position": None, "hidden": None}
    assert added({"title": "B"}, sort="title") == {"position": 1, "hidden": 0}
    assert added({"price": 5}, {"price": 1}, where=CHEAP) == {"position": 2, "hidden": 1}
    assert added({}, where=CHEAP) == {"position": None, "hidden": 1}


def test_readers_look_but_do_not_add(workspace, bob, books):
    give_role(workspace, bob, Role.VIEWER)
    usual = {"key": "title", "sought": "empty", "way": "down", "start": 0}
    assert ask(bob, "record_edge", books, **usual).json() == {"position": None}
