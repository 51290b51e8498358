"""Moving far and selecting several ranges in the grid, with a real browser."""

import pytest
from playwright.sync_api import expect

from kdap.tests.grids import cell, copied, kept, paste
from records.tests.helpers import add, sql

pytestmark = pytest.mark.browser


def active(page):
    """(row, column) of the active cell, counted from 0."""
    return page.evaluate(
        """() => {
            const cell = document.getElementById("active-cell");
            const row = cell.closest(".grid-row").getAttribute("aria-rowindex");
            return [Number(row) - 2, Number(cell.getAttribute("aria-colindex")) - 1];
        }"""
    )


def also(page, *places):
    """Click cells with Ctrl held."""
    for row, index in places:
        cell(page, row, index).click(modifiers=["Control"])


@pytest.fixture
def gappy(books, alice):
    """A thousand books; numbers 3, 4 and 401 to 600 have no title."""
    with alice.acting():
        sql(
            f'INSERT INTO "{books.table_name}" (title, price) '
            "SELECT CASE WHEN i NOT IN (3, 4) AND i NOT BETWEEN 401 AND 600 THEN 'Book ' || i END, i "
            "FROM generate_series(1, 1000) AS i"
        )
    return books


def test_ctrl_and_arrows_go_to_edges(alice, gappy, open_grid):
    page = open_grid(alice, gappy)
    expect(page.locator(".grid-count")).to_have_text("1,000 entries")

    def goes(*keys_and_places):
        for key, place in keys_and_places:
            page.keyboard.press(key)
            page.wait_for_function(
                """([row, index]) => {
                    const cell = document.getElementById("active-cell");
                    return cell?.ariaColIndex === String(index + 1)
                        && cell.closest(".grid-row").ariaRowIndex === String(row + 2);
                }""",
                arg=place,
            )

    goes(
        ("Control+ArrowDown", [1, 0]),
        ("Control+ArrowDown", [4, 0]),
        ("Control+ArrowDown", [399, 0]),  # past what was fetched
        ("Control+ArrowDown", [600, 0]),
        ("Control+ArrowDown", [999, 0]),
        ("Control+ArrowUp", [600, 0]),
        ("Control+ArrowUp", [399, 0]),
        ("Control+Home", [0, 0]),
        ("Control+ArrowRight", [0, 1]),
        ("Control+ArrowRight", [0, 4]),
        ("Control+ArrowLeft", [0, 1]),
    )


def test_ctrl_shift_and_arrows_stretch_to_edges(alice, gappy, open_grid):
    page = open_grid(alice, gappy)
    cell(page, 4, 0).click()
    page.keyboard.press("Control+Shift+ArrowDown")
    expect(page.locator(".grid-sums")).to_contain_text("396 cells")
    page.keyboard.press("Control+Shift+ArrowRight")
    expect(page.locator(".grid-sums")).to_contain_text("792 cells")
    expect(page.locator(".grid-sums")).to_contain_text("Sum 80,190")  # 5 to 400


def test_ranges_are_added_with_ctrl(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 0, 1).click()
    also(page, (2, 1), (4, 1))
    expect(page.locator(".cell.in")).to_have_count(3)
    expect(page.locator(".grid-sums")).to_contain_text("Sum 9")
    assert copied(page) == "1.00\n3.00\n5.00"
    also(page, (2, 1))  # a second time takes it out again
    expect(page.locator(".grid-sums")).to_contain_text("Sum 6")
    paste(page, "7")
    expect(cell(page, 4, 1)).to_have_text("7.00")
    page.keyboard.press("Delete")
    expect(cell(page, 0, 1)).to_have_text("")
    expect(page.locator(".mark-waiting")).to_have_count(0)
    assert kept(alice, shelf, "price") == [None, "2.00", "3.00", "4.00", None]


def test_what_overlaps_counts_once(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.locator(".grid-th:has-text('Price') .grid-th-name").click()
    cell(page, 1, 0).click(modifiers=["Control"])
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".grid-sums")).to_contain_text("6 cells")
    expect(page.locator(".grid-sums")).to_contain_text("Sum 15")
    paste(page, "one\ttwo")
    expect(page.locator("#notices")).to_contain_text("Several ranges take one value.")
    assert copied(page) == ""
    expect(page.locator("#notices")).to_contain_text("share their rows or their columns")


def test_rows_and_columns_are_added_with_ctrl(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    heads = page.locator(".grid-th-name")
    heads.nth(0).click()
    heads.nth(2).click(modifiers=["Control"])
    assert copied(page).split("\n")[0] == "Book 1\t"
    number = page.locator(".grid-row .grid-rowhead")
    number.nth(0).click(position={"x": 8, "y": 8})
    number.nth(2).click(position={"x": 8, "y": 8}, modifiers=["Control"])
    expect(page.locator(".grid-row.is-selected")).to_have_count(2)
    assert [line.split("\t")[0] for line in copied(page).split("\n")] == ["Book 1", "Book 3"]
    page.keyboard.press("Escape")
    expect(page.locator(".cell.in")).to_have_count(1)


def test_several_ranges_are_filled_and_deleted(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 0, 0).click()
    page.keyboard.press("Shift+ArrowDown")
    cell(page, 3, 1).click(modifiers=["Control"])
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Control+d")
    expect(cell(page, 1, 0)).to_have_text("Book 1")
    expect(cell(page, 4, 1)).to_have_text("4.00")
    cell(page, 0, 0).click()
    also(page, (2, 3), (2, 4))
    page.keyboard.press("Control+Backspace")
    expect(page.locator(".grid-count")).to_have_text("3 entries")
    assert kept(alice, shelf, "title") == ["Book 1", "Book 4", "Book 5"]


def test_help_names_them(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.keyboard.press("?")
    expect(page.locator(".grid-keys")).to_contain_text("Edge of the filled cells down")
    expect(page.locator(".grid-keys")).to_contain_text("That cell, row or column as well")


def test_a_new_entry_shows_where_the_order_puts_it(alice, shelf, open_grid):
    add(alice, shelf, {"title": "Last", "price": None})
    page = open_grid(alice, shelf, "?sort=-price")
    page.click("[data-grid=add]")
    expect(page.locator(".grid-count")).to_have_text("7 entries")
    expect(cell(page, 6, 0)).to_have_id("active-cell")
    expect(page.locator("#active-cell")).to_be_in_viewport()
    page.keyboard.type("New")
    page.keyboard.press("Enter")
    expect(cell(page, 6, 0)).to_have_text("New")
    page = open_grid(alice, shelf, "?sort=title")
    page.click("[data-grid=add]")
    expect(page.locator(".grid-count")).to_have_text("8 entries")
    expect(cell(page, 7, 0)).to_have_id("active-cell")


def test_a_new_entry_that_the_filter_hides_is_told(alice, shelf, open_grid):
    page = open_grid(alice, shelf, '?where={"field":"price","op":"lt","value":"3"}')
    expect(page.locator(".grid-count")).to_have_text("2 entries found")
    page.click("[data-grid=add]")
    expect(page.locator("#notices")).to_contain_text("Entry added, but the filter hides it.")
    expect(page.locator(".grid-count")).to_have_text("2 entries found")
    expect(page.locator(".grid-scroll")).to_be_focused()
    page.keyboard.press("Shift+Enter")
    assert len(kept(alice, shelf, "title")) >= 6
