"""The grid's page and its blocks: any row, in any order, in the same few statements."""

import re

import orjson
import pytest
from django.conf import settings
from django.urls import reverse

from kdap.tests.people import give_role
from records import fields
from records.forms import ICONS
from records.grid import BLOCK, Asked
from records.tests.helpers import add, sql
from workspaces.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(make_record):
    return make_record(
        title="text",
        price="decimal",
        genre={"type": "choice", "options": {"choices": ["Novel", "Poetry"]}},
    )


@pytest.fixture
def many(books, alice):
    """Five hundred and fifty books, cheaper ones last."""
    with alice.acting():
        sql(
            f'INSERT INTO "{books.table_name}" (title, price, genre) '
            "SELECT 'Book ' || i, 1000 - i, 1 + i % 2 FROM generate_series(1, 550) AS i"
        )
    return books


def get(client, view, record, **params):
    return client.get(reverse(view, args=[record.pk]), params)


def test_page_shows_rows_and_describes_the_record(alice, books):
    add(alice, books, {"title": "Emma", "price": "9.90", "genre": "Novel"})
    page = get(alice.client, "record", books)
    assert page.status_code == 200
    html = page.content.decode()
    assert "Emma" in html
    data = orjson.loads(html.split('id="grid-data">')[1].split("</script>")[0])
    assert [field["key"] for field in data["fields"]] == ["title", "price", "genre"]
    assert data["rows"][0][2:] == ["Emma", "9.90", "Novel"]
    assert data["rights"] == {"write": True, "structure": True}


def test_page_keeps_markup_of_values_apart(alice, books):
    add(alice, books, {"title": "</script><script>alert(1)</script>"})
    html = get(alice.client, "record", books).content.decode()
    assert "<script>alert" not in html


def test_plain_pages_reach_every_row(alice, many):
    page = get(alice.client, "record", many, page=11).content.decode()
    assert "Book 501" in page
    assert "Page 11 of 11" in page


def test_stranger_finds_nothing(charlie, books):
    for view in ("record", "record_rows", "record_extent", "record_shape"):
        assert get(charlie.client, view, books).status_code == 404


def test_signed_out_is_told_so(client, books):
    assert get(client, "record", books).status_code == 302
    assert get(client, "record_rows", books).status_code == 401


def test_viewer_reads_only(workspace, bob, books):
    give_role(workspace, bob, Role.VIEWER)
    html = get(bob.client, "record", books).content.decode()
    assert '"write":false' in html
    answer = bob.client.post(
        reverse("record_cells", args=[books.pk]), {"rows": [{}]}, content_type="application/json"
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("sort", ["", "price", "-genre,title"])
def test_blocks_are_the_whole_in_order(alice, many, sort):
    client = alice.client
    found = []
    for block in range(3):
        found += get(client, "record_rows", many, block=block, sort=sort).json()["rows"]
    assert len({row[0] for row in found}) == 550
    with alice.acting():
        sorts = [key for key in sort.split(",") if key]
        expected = Asked(many, sort=tuple(sorts)).query.rows(limit=1000)
    assert [row[0] for row in found] == [row[0] for row in expected]


def test_blocks_past_the_near_ones_come_by_anchors(alice, many, monkeypatch):
    monkeypatch.setattr("records.grid.NEAR", 0)
    rows = get(alice.client, "record_rows", many, block=2).json()["rows"]
    assert rows[0][2] == f"Book {2 * BLOCK + 1}"
    assert get(alice.client, "record_rows", many, block=9).json()["rows"] == []


def test_anchors_stay_until_a_row_could_move(alice, many, monkeypatch):
    monkeypatch.setattr("records.grid.OVERTAKING", 0)  # a test is one transaction, never finished
    with alice.acting():
        asked = Asked(many, sort=("price",))
        first = asked.anchors()
        sql(f"UPDATE \"{many.table_name}\" SET title = 'Other' WHERE entry_id = 7")
        assert asked.anchors().event == first.event
        sql(f'UPDATE "{many.table_name}" SET price = 5000 WHERE entry_id = 7')
        moved = asked.anchors()
        assert moved.event > first.event
        sql(f'DELETE FROM "{many.table_name}" WHERE entry_id = 8')
        assert asked.anchors().count == 549


def test_extent_counts_what_is_asked_for(alice, many):
    where = orjson.dumps({"field": "genre", "op": "is", "value": "Novel"}).decode()
    assert get(alice.client, "record_extent", many).json()["count"] == 550
    assert get(alice.client, "record_extent", many, where=where).json()["count"] == 275
    assert get(alice.client, "record_extent", many, where=where, deep=1).json()["count"] == 275
    assert get(alice.client, "record_extent", many, search="Book 54").json()["count"] == 11


def test_wrong_filters_are_named_with_a_pointer(alice, books):
    where = orjson.dumps({"and": [{"field": "price", "op": "gt", "value": "dear"}]}).decode()
    answer = get(alice.client, "record_rows", books, where=where)
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["pointer"] == "/and/0/value"
    page = get(alice.client, "record", books, where=where)
    assert page.status_code == 422
    assert "is no number" in page.content.decode()
    assert get(alice.client, "record", books, where="{oops").status_code == 422


@pytest.mark.parametrize("block", ["-1", "x", "1.5", "٣", "9" * 20])
def test_odd_blocks_are_refused(alice, books, block):
    assert get(alice.client, "record_rows", books, block=block).status_code == 422


def test_rows_of_an_older_structure_are_refused(alice, books):
    answer = get(alice.client, "record_rows", books, v=99)
    assert answer.status_code == 409
    assert answer.json()["version"] == 1


def test_sums_of_everything_and_of_a_span(alice, many):
    client = alice.client
    whole = get(client, "record_sums", many, of="sum:price,filled:title").json()
    assert whole == {"sum:price": "398475.00", "filled:title": 550}
    part = get(client, "record_sums", many, of="sum:price", first=1, count=2).json()
    assert part == {"sum:price": "1995.00"}
    assert get(client, "record_sums", many, of="sum:title").status_code == 422
    assert get(client, "record_sums", many, of="evil:price").status_code == 422


def test_state_is_kept_for_each_person(alice, bob, books):
    url = reverse("record_state", args=[books.pk])
    state = {"widths": {"f1": 300}, "hidden": ["f2"], "evil": 1, "height": 5}
    assert alice.client.post(url, state, content_type="application/json").status_code == 200
    kept = get(alice.client, "record_shape", books).json()["state"]
    assert kept == {"widths": {"f1": 300}, "hidden": ["f2"]}
    assert get(bob.client, "record_shape", books).json()["state"] == {}


def test_blocks_cost_the_same_anywhere(alice, many, django_assert_max_num_queries):
    client = alice.client
    get(client, "record_rows", many, block=1, sort="price")
    with django_assert_max_num_queries(14):
        get(client, "record_rows", many, block=2, sort="price")


def test_icons_of_types_and_scripts_are_in_the_sprite():
    static = settings.BASE_DIR / "static/kdap"
    known = set(re.findall(r'id="([\w-]+)"', (static / "img/icons.svg").read_text()))
    used = {kind.icon for kind in fields.TYPES.values()} | set(ICONS)
    for path in (static / "js").rglob("*.js"):
        used |= set(re.findall(r"""\bicon(?:\(|: )"([\w-]+)\"""", path.read_text()))
    assert used - known == set()
