"""Taking back what one did, in the grid and on the structure page, with a real browser."""

import re

import pytest
from playwright.sync_api import expect

from kdap.tests.grids import cell, kept, paste
from records.models import Record
from records.tests.helpers import add

pytestmark = pytest.mark.browser


def settled(page):
    """Wait until the server has answered what the grid sent."""
    expect(page.locator(".mark-waiting")).to_have_count(0)


def press(page, name):
    """Press a button of the toast that was shown last."""
    page.locator("#notices > :last-child").get_by_role("button", name=name, exact=True).click()


def test_keys_walk_back_and_forth(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    for text in ("One", "Two"):
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    settled(page)
    page.keyboard.press("Control+z")
    expect(cell(page, 1, 0)).to_have_text("Book 2")
    page.keyboard.press("Control+z")
    expect(cell(page, 0, 0)).to_have_text("Book 1")
    page.keyboard.press("Control+Shift+z")
    expect(cell(page, 0, 0)).to_have_text("One")
    page.keyboard.press("Control+y")
    expect(cell(page, 1, 0)).to_have_text("Two")
    page.keyboard.press("Control+y")
    expect(page.locator("#notices")).to_contain_text("There is nothing to redo.")
    assert kept(alice, shelf, "title")[:2] == ["One", "Two"]


def test_an_open_editor_keeps_its_own_undo(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.keyboard.type("One")
    page.keyboard.press("Enter")
    settled(page)
    page.keyboard.press("F2")
    page.keyboard.type("x")
    page.keyboard.press("Control+z")
    page.keyboard.press("Escape")
    expect(cell(page, 0, 0)).to_have_text("One")
    assert kept(alice, shelf, "title")[:2] == ["One", "Book 2"]


def test_each_toast_undoes_what_it_says(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 0, 1).click()
    paste(page, "10\n20\n30")
    expect(page.locator("#notices")).to_contain_text("3 cells pasted")
    page.keyboard.press("Escape")
    cell(page, 4, 1).click()
    page.keyboard.type("99")
    page.keyboard.press("Enter")
    settled(page)
    press(page, "Undo")  # the paste, though something else was done since
    expect(cell(page, 0, 1)).to_have_text("1.00")
    assert kept(alice, shelf, "price") == ["1.00", "2.00", "3.00", "4.00", "99.00"]
    press(page, "Redo")
    expect(cell(page, 0, 1)).to_have_text("10.00")
    expect(page.locator("#notices")).to_contain_text("Did again")


def test_buttons_undo_emptying_and_say_when_there_is_no_more(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 0, 0).click()
    cell(page, 2, 1).click(modifiers=["Shift"])
    page.keyboard.press("Delete")
    expect(page.locator("#notices")).to_contain_text("6 cells emptied")
    page.get_by_role("button", name="Undo", exact=True).first.click()
    expect(cell(page, 0, 0)).to_have_text("Book 1")
    redo = page.locator("[data-undo=redo]")
    expect(redo).to_have_attribute("aria-disabled", "false")
    redo.click()
    expect(cell(page, 0, 0)).to_have_text("")
    expect(redo).to_have_attribute("aria-disabled", "true")


def test_deleted_and_added_entries(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.keyboard.press("Control+Backspace")
    expect(page.locator("#notices")).to_contain_text("Entry deleted")
    expect(page.locator(".grid-count")).to_have_text("4 entries")
    press(page, "Undo")
    expect(page.locator(".grid-count")).to_have_text("5 entries")
    expect(cell(page, 0, 0)).to_have_text("Book 1")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".grid-count")).to_have_text("6 entries")
    page.keyboard.press("Control+z")
    expect(page.locator(".grid-count")).to_have_text("5 entries")


def test_many_are_deleted_only_after_asking(alice, shelf, open_grid):
    add(alice, shelf, {"title": "Book 6"})
    page = open_grid(alice, shelf)
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+Backspace")
    expect(page.locator("dialog[open]")).to_contain_text("Delete 6 entries?")
    page.click("dialog[open] >> text=Cancel")
    expect(page.locator(".grid-count")).to_have_text("6 entries")


def test_a_paste_past_the_end_is_undone_whole(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 4, 0).click()
    paste(page, "x\ny\nz")
    page.click("dialog[open] .btn-primary")
    expect(page.locator("#notices")).to_contain_text("3 rows pasted")
    expect(page.locator(".grid-count")).to_have_text("7 entries")
    page.keyboard.press("Control+z")
    expect(page.locator(".grid-count")).to_have_text("5 entries")
    expect(cell(page, 4, 0)).to_have_text("Book 5")
    assert kept(alice, shelf, "title")[4:] == ["Book 5"]
    press(page, "Redo")
    expect(page.locator(".grid-count")).to_have_text("7 entries")
    assert kept(alice, shelf, "title")[4:] == ["x", "y", "z"]


def test_a_paste_that_would_be_longer_can_be_left_alone(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 4, 0).click()
    paste(page, "x\ny")
    page.click("dialog[open] >> text=Cancel")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(cell(page, 4, 0)).to_have_text("Book 5")
    assert kept(alice, shelf, "title")[4:] == ["Book 5"]


def test_what_others_changed_since_is_shown_first(alice, bob, shelf, open_grid):
    page, other = open_grid(alice, shelf), open_grid(bob, shelf)
    cell(page, 0, 1).click()
    paste(page, "10\n20")
    settled(page)
    expect(cell(other, 0, 1)).to_have_text("10.00")
    cell(other, 0, 1).click()
    other.keyboard.type("50")
    other.keyboard.press("Enter")
    settled(other)
    page.keyboard.press("Control+z")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("1 would stay as they are")
    expect(dialog).to_contain_text("“Price”: It was changed since.")
    dialog.get_by_role("button", name="Undo", exact=True).click()
    expect(cell(page, 1, 1)).to_have_text("2.00")
    expect(cell(page, 0, 1)).to_have_text("50.00")
    expect(page.locator("#notices")).to_contain_text("1 thing is kept.")


def test_changes_made_since_can_be_taken_back_too(alice, bob, shelf, open_grid):
    page = open_grid(alice, shelf)
    cell(page, 0, 1).click()
    paste(page, "10\n20")
    settled(page)
    other = open_grid(bob, shelf)
    cell(other, 0, 1).click()
    other.keyboard.type("50")
    other.keyboard.press("Enter")
    settled(other)
    page.keyboard.press("Control+z")
    page.click("dialog[open] >> text=also what was changed since")
    expect(cell(page, 0, 1)).to_have_text("1.00")


def test_fields_come_back(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.hover(".grid-th[aria-colindex='2']")
    page.click("[aria-label='Menu of Price']")
    page.click("text=Delete the field")
    page.click("#dialog .btn-danger")
    expect(page.locator(".grid-th:has-text('Price')")).to_have_count(0)
    press(page, "Undo")
    expect(page.locator(".grid-th:has-text('Price')")).to_have_count(1)
    expect(cell(page, 0, 1)).to_have_text("1.00")


def test_the_structure_page_undoes(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.goto(f"/r/{shelf.pk}/structure/")
    page.click("[aria-label='Move Price up']")
    first = page.locator("[data-field] strong").first
    expect(first).to_contain_text("Price")
    page.keyboard.press("Control+z")
    expect(first).to_contain_text("Title")
    page.click("[data-undo=redo]")
    expect(first).to_contain_text("Price")
    with alice.acting():
        assert Record.objects.get(pk=shelf.pk).structure.fields[0].label == "Price"


def test_readers_have_no_buttons_and_nothing_to_undo(alice, bob, workspace, shelf, open_grid):
    page = open_grid(bob, shelf)
    expect(page.locator("[data-undo=undo]")).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(page.locator("#notices")).to_have_text(re.compile("There is nothing to undo."))
