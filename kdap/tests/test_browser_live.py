"""What others do shows within seconds, without disturbing what one is at."""

import pytest
from playwright.sync_api import expect

from kdap.tests.grids import cell
from records.entries import delete_entries, update_entries
from records.services import change_structure
from records.tests.helpers import add, sql

pytestmark = pytest.mark.browser

LIGHT = """() => document.getAnimations()
    .map((animation) => animation.effect.target)
    .filter((element) => element.classList.contains("cell"))
    .map((element) => element.textContent)"""


def change(person, record, *changes):
    with person.acting() as actor:
        update_entries(record=record, changes=dict(changes), actor=actor)


@pytest.fixture
def ids(shelf, alice):
    """The ids of the five books."""
    with alice.acting():
        return [id for (id,) in sql(f'SELECT entry_id FROM "{shelf.table_name}" ORDER BY 1')]


def test_cells_of_others_show_and_light_up(alice, bob, shelf, ids, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 2, 1).click()
    change(bob, shelf, (ids[1], {"title": "Bob’s", "price": 50}))
    expect(cell(page, 1, 0)).to_have_text("Bob’s")
    assert page.evaluate(LIGHT) == ["Bob’s", "50.00"]
    expect(page.locator("#active-cell")).to_have_text("3.00")


def test_ones_own_edits_do_not_light_up(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    with page.expect_response("**/news?**"):
        page.keyboard.type("Mine")
        page.keyboard.press("Enter")
        expect(page.locator(".mark-waiting")).to_have_count(0)
    with page.expect_response("**/news?**"):
        pass
    assert page.evaluate(LIGHT) == []
    expect(cell(page, 0, 0)).to_have_text("Mine")


def test_new_and_deleted_entries_keep_ones_place(alice, bob, shelf, ids, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 3, 0).click()
    with bob.acting() as actor:
        delete_entries(record=shelf, ids=ids[:2], actor=actor)
    expect(page.locator(".grid-count")).to_have_text("3 entries")
    expect(page.locator("#active-cell")).to_have_text("Book 4")
    add(bob, shelf, {"title": "Bob’s"})
    expect(page.locator(".grid-count")).to_have_text("4 entries")
    expect(cell(page, 3, 0)).to_have_text("Bob’s")


def test_an_open_editor_goes_on_with_its_own_entry(alice, bob, shelf, ids, open_grid):
    page = open_grid(alice, shelf, "?sort=price")
    page.keyboard.press("F2")
    page.keyboard.press("End")
    page.keyboard.type(" and more")
    change(bob, shelf, (ids[0], {"price": 100}))  # it goes to the end
    expect(cell(page, 4, 1)).to_have_text("100.00")
    page.keyboard.press("Enter")
    expect(cell(page, 4, 0)).to_have_text("Book 1 and more")
    expect(cell(page, 0, 0)).to_have_text("Book 2")


def test_new_fields_show(alice, bob, shelf, open_grid):
    page = open_grid(alice, shelf)
    with alice.acting() as actor:
        spec = {"op": "add_field", "field": {"label": "Shelf", "type": "text"}}
        change_structure(record=shelf, changes=[spec], actor=actor)
    expect(page.locator(".grid-th:has-text('Shelf')")).to_be_visible()


def test_where_one_looks_stays_in_a_long_table(alice, bob, books, open_grid):
    with alice.acting():
        sql(
            f'INSERT INTO "{books.table_name}" (title) '
            "SELECT 'Book ' || i FROM generate_series(1, 3000) AS i"
        )
    page = open_grid(alice, books)
    expect(page.locator(".grid-count")).to_have_text("3,000 entries")
    page.keyboard.press("Control+End")
    page.keyboard.press("Home")
    expect(cell(page, 2999, 0)).to_be_in_viewport()
    with bob.acting():
        sql(f'DELETE FROM "{books.table_name}" WHERE entry_id <= 10')
        sql(f"UPDATE \"{books.table_name}\" SET title = 'x' WHERE entry_id > 2000")
    expect(page.locator(".grid-count")).to_have_text("2,990 entries")
    expect(cell(page, 2989, 0)).to_have_text("x")
    expect(cell(page, 2989, 0)).to_be_in_viewport()
    expect(page.locator("#active-cell")).to_be_in_viewport()
