"""Working in the grid with a real browser: keys, cells, paste, filters, fields, two people."""

import re

import pytest
from playwright.sync_api import expect

from kdap.tests.grids import cell, copied, kept, paste
from kdap.tests.people import give_role
from kdap.tests.servers import wait_until
from records.models import GridState
from records.tests.helpers import sql
from workspaces.models import Role

pytestmark = pytest.mark.browser


def test_typing_moving_and_refusing(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.keyboard.type("Emma")
    page.keyboard.press("Tab")
    page.keyboard.type("$1,234.50")
    page.keyboard.press("Enter")
    expect(cell(page, 0, 1)).to_have_text("1,234.50")
    page.keyboard.type("dear")
    page.keyboard.press("Enter")
    expect(cell(page, 1, 1)).to_have_class(re.compile("mark-refused"))
    expect(cell(page, 1, 1)).to_have_text("dear")
    page.keyboard.press("ArrowUp")
    expect(page.locator(".mark-card")).to_contain_text("“dear” is no number.")
    page.click("text=Undo my text")
    expect(cell(page, 1, 1)).to_have_text("2.00")
    page.keyboard.press("Delete")
    expect(cell(page, 1, 1)).to_have_text("")
    page.keyboard.press("F2")
    page.keyboard.type("7")
    page.keyboard.press("Escape")
    expect(cell(page, 1, 1)).to_have_text("")
    expect(page.locator(".mark-waiting")).to_have_count(
        0
    )  # cells show what the server has yet to say
    assert kept(alice, shelf, "title")[0] == "Emma"
    assert kept(alice, shelf, "price")[:2] == ["1234.50", None]


def test_choices_boxes_and_dates(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 0, 2).dblclick()
    page.keyboard.type("poe")
    page.keyboard.press("Enter")
    expect(cell(page, 0, 2)).to_have_text("Poetry")
    cell(page, 0, 3).click()
    cell(page, 0, 3).click()
    expect(cell(page, 0, 3).locator(".is-on")).to_be_visible()
    cell(page, 0, 4).click()
    page.keyboard.type("31.05.2026")
    page.keyboard.press("Enter")
    expect(cell(page, 0, 4)).to_have_text("2026-05-31")
    page.keyboard.press("Control+;")
    expect(cell(page, 1, 4)).to_have_text(re.compile(r"\d{4}-\d\d-\d\d"))


def test_pasting_from_a_spreadsheet(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.keyboard.press("Control+End")
    page.keyboard.press("Home")
    paste(page, '"two\nlines"\t(2)\nlast\t3e4\nnew\tnope\n')
    expect(page.locator("dialog[open]")).to_contain_text("Add 2 entries?")
    page.click("dialog[open] .btn-primary")
    expect(page.locator(".grid-count")).to_have_text("7 entries")
    expect(cell(page, 6, 1)).to_have_text("nope")
    assert kept(alice, shelf, "title")[4:] == ["two\nlines", "last", "new"]
    assert kept(alice, shelf, "price")[4:] == ["-2.00", "30000.00", None]


def test_html_is_read_where_text_is_ragged(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    table = "<table><tr><td>one<br>two</td><td>5</td></tr><tr><td>x</td><td>6</td></tr></table>"
    paste(page, "one\ntwo\t5\nx\t6", table)
    expect(cell(page, 1, 1)).to_have_text("6.00")
    assert kept(alice, shelf, "title")[:2] == ["one\ntwo", "x"]


def test_one_value_fills_the_selection_and_copies_out(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 0, 1).click()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    paste(page, "4")
    expect(page.locator("#notices")).to_contain_text("3 cells pasted")
    assert copied(page) == "4.00\n4.00\n4.00"
    expect(page.locator(".grid-sums")).to_contain_text("Sum 12")


def test_filling_down_and_by_the_handle(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 0, 1).click()
    page.keyboard.press("Shift+ArrowDown")
    start, end = page.locator(".grid-fill").bounding_box(), cell(page, 4, 1).bounding_box()
    page.mouse.move(start["x"] + 3, start["y"] + 3)
    page.mouse.down()
    page.mouse.move(end["x"] + 20, end["y"] + 10, steps=4)
    page.mouse.up()
    expect(page.locator("#notices")).to_contain_text("3 cells filled")
    assert kept(alice, shelf, "price") == ["1.00", "2.00", "3.00", "4.00", "5.00"]
    cell(page, 0, 0).click()
    cell(page, 2, 0).click(modifiers=["Shift"])
    page.keyboard.press("Control+d")
    expect(cell(page, 2, 0)).to_have_text("Book 1")


def test_the_later_of_two_people_chooses(alice, bob, shelf, open_grid):
    first, second = open_grid(alice, shelf), open_grid(bob, shelf)
    first.keyboard.type("Hers")
    first.keyboard.press("Enter")
    expect(cell(first, 0, 0)).not_to_have_class(re.compile("mark-waiting"))
    cell(second, 0, 1).click()
    second.keyboard.type("50")
    second.keyboard.press("Enter")
    expect(cell(second, 0, 1)).to_have_text("50.00")
    assert kept(alice, shelf, "title")[0] == "Hers"
    cell(first, 0, 1).click()
    first.keyboard.type("60")
    first.keyboard.press("Enter")
    expect(cell(first, 0, 1)).to_have_class(re.compile("mark-conflict"))
    first.keyboard.press("ArrowUp")
    expect(first.locator(".mark-card")).to_contain_text("Keep theirs: 50.00")
    first.click("text=Keep mine: 60")
    expect(cell(first, 0, 1)).to_have_text("60.00")
    assert kept(alice, shelf, "price")[0] == "60.00"


def test_entries_are_added_opened_and_deleted(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".grid-count")).to_have_text("6 entries")
    page.keyboard.press("Space")
    page.fill("#entry_title", "From the panel")
    page.click("#panel .btn-primary")
    expect(cell(page, 5, 0)).to_have_text("From the panel")
    page.locator("#panel h2").press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    page.keyboard.press("Control+Backspace")
    expect(page.locator(".grid-count")).to_have_text("5 entries")


def test_filters_live_in_the_address(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.click("[data-grid=filter]")
    page.locator(".filter-condition select").first.select_option("price")
    page.get_by_label("Comparison").select_option("gt")
    page.fill(".filter-value input", "3")
    expect(page.locator(".grid-count")).to_have_text("2 entries found")
    page.keyboard.press("Escape")
    page.hover(".grid-th[aria-colindex='2']")
    page.click("[aria-label='Menu of Price']")
    page.click("text=Sort descending")
    expect(cell(page, 0, 1)).to_have_text("5.00")
    page.reload()
    expect(page.locator(".grid-chips")).to_contain_text("Price is more than 3")
    expect(cell(page, 0, 1)).to_have_text("5.00")
    page.click("text=Clear all")
    expect(page.locator(".grid-count")).to_have_text("5 entries")


def test_a_wrong_value_is_told_on_its_chip(alice, shelf, open_grid):
    where = '{"and":[{"field":"price","op":"gt","value":"dear"}]}'
    page = open_grid(alice, shelf, f"?where={where}")
    expect(page.locator(".chip-bad")).to_have_attribute("title", "“dear” is no number.")


def test_fields_are_added_changed_and_deleted(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.click("[aria-label='Add a field']")
    page.fill("#field_label", "Shelf")
    page.click(".type-choice:has-text('Integer')")
    page.click("#dialog .btn-primary")
    expect(page.locator(".grid-th:has-text('Shelf')")).to_be_visible()
    page.locator(".grid-th:has-text('Title')").dblclick()
    page.click(".type-choice:has-text('Decimal')")
    page.click("#dialog .btn-primary")
    expect(page.locator("#plan")).to_contain_text("5 cells of “Title” can’t become decimal")
    expect(page.locator("#plan")).to_contain_text("Book 1")
    page.click("#dialog .btn-danger")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(cell(page, 0, 0)).to_have_text("")
    page.hover(".grid-th[aria-colindex='2']")
    page.click("[aria-label='Menu of Price']")
    page.click("text=Delete the field")
    page.click("#dialog .btn-danger")
    expect(page.locator(".grid-th:has-text('Price')")).to_have_count(0)


def keeps_hidden(answer):
    """Whether an answer is to having kept that a column is hidden."""
    return answer.url.endswith("/state") and answer.request.post_data_json["hidden"]


def test_columns_are_resized_moved_and_hidden(alice, shelf, open_grid):
    page = open_grid(alice, shelf)

    def drag(selector, dx):
        box = page.locator(selector).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + dx, y, steps=5)
        page.mouse.up()

    header = ".grid-th:has-text('{}')"
    before = page.locator(header.format("Price")).bounding_box()["width"]
    drag(header.format("Price") + " .grid-th-edge", 60)
    assert page.locator(header.format("Price")).bounding_box()["width"] == before + 60
    drag(header.format("Genre") + " .grid-th-name", -260)
    expect(page.locator(".grid-th[aria-colindex='2']")).to_contain_text("Genre")
    # The two drags before may be kept only now, by a request of their own.
    with page.expect_response(keeps_hidden):
        drag(header.format("Sold") + " .grid-th-edge", -200)
    expect(page.locator(header.format("Sold"))).to_have_count(0)
    page.reload()
    expect(page.locator(".grid-th[aria-colindex='2']")).to_contain_text("Genre")
    expect(page.locator("[data-grid=fields]")).to_contain_text("1 hidden")


def test_how_columns_look_is_kept_when_the_page_is_left_at_once(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.click("[data-grid=height]")
    page.click(".grid-menu >> text=Extra tall")
    page.goto("/accounts/logout/")
    wait_until(lambda: height_kept(alice, shelf) == "extra")
    assert height_kept(alice, shelf) == "extra"


def height_kept(person, record):
    """The height of rows that a person likes, None before they said so."""
    with person.acting():
        kept = GridState.objects.filter(record=record, user=person.user).first()
    return kept and kept.state["height"]


def test_a_phone_has_room_for_a_search(alice, shelf, visitor, live_server):
    page = visitor(viewport={"width": 390, "height": 844})
    cookie = alice.client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page.goto(f"/r/{shelf.pk}/")
    page.wait_for_selector("#grid[data-ready]")
    assert page.get_by_role("searchbox").bounding_box()["width"] > 300
    page.get_by_role("searchbox").fill("Book 3")
    expect(cell(page, 0, 0)).to_have_text("Book 3")


def test_sums_below_columns(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.locator(".grid-tf[aria-label='Add up Price']").click()
    page.click(".grid-menu >> text=Sum")
    expect(page.locator(".grid-tf.is-set")).to_have_text("Sum15.00")


def test_any_row_of_many_is_reached(alice, books, open_grid):
    with alice.acting():
        sql(
            f'INSERT INTO "{books.table_name}" (title) '
            "SELECT 'Book ' || i FROM generate_series(1, 400000) AS i"
        )
    page = open_grid(alice, books)
    expect(page.locator(".grid-count")).to_have_text("400,000 entries")
    page.keyboard.press("Control+ArrowDown")
    expect(cell(page, 399_999, 0)).to_have_text("Book 400000")
    expect(cell(page, 399_999, 0)).to_be_in_viewport()
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#active-cell")).to_be_in_viewport()
    page.evaluate(
        "() => { const s = document.querySelector('.grid-scroll'); s.scrollTop = s.scrollHeight / 2; }"
    )
    expect(
        page.locator(".grid-row:not(.is-waiting) .cell", has_text=re.compile("^Book 200"))
    ).not_to_have_count(0)
    page.keyboard.press("Control+Home")
    expect(cell(page, 0, 0)).to_have_text("Book 1")


def test_an_empty_record_offers_ways_to_begin(alice, books, open_grid):
    page = open_grid(alice, books)
    expect(page.locator("#grid-empty")).to_contain_text("Import a file")
    page.click("[data-empty=add]")
    expect(page.locator("#grid-empty")).to_be_hidden()
    expect(page.locator(".grid-count")).to_have_text("1 entry")


def test_readers_change_nothing(workspace, alice, bob, shelf, open_grid):
    give_role(workspace, bob, Role.VIEWER)
    page = open_grid(bob, shelf)
    page.keyboard.type("x")
    page.keyboard.press("Delete")
    expect(cell(page, 0, 0)).to_have_text("Book 1")
    expect(page.locator(".cell-editor")).to_have_count(0)
    expect(page.locator(".grid-plus, .grid-add, .grid-fill")).to_have_count(0)
    cell(page, 0, 0).click(button="right")
    expect(page.locator(".grid-menu")).to_contain_text("Copy")
    expect(page.locator(".grid-menu")).not_to_contain_text("Delete")


def test_screen_readers_are_told(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    grid = page.get_by_role("grid", name="Books")
    expect(grid).to_have_attribute("aria-rowcount", "6")
    expect(grid).to_have_attribute("aria-colcount", "5")
    page.keyboard.press("ArrowDown")
    active = page.locator("#active-cell")
    expect(active).to_have_text("Book 2")
    expect(active).to_have_attribute("aria-selected", "true")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("Keys of the grid")


def test_without_scripts_it_is_a_table_with_forms(alice, shelf, open_grid):
    page = open_grid(alice, shelf, java_script_enabled=False)
    expect(page.locator("tbody tr")).to_have_count(5)
    page.locator("tbody th a").first.click()
    page.fill("[name=title]", "Plain")
    page.click(".entry-foot .btn-primary")
    expect(page.locator("tbody tr").first).to_contain_text("Plain")
