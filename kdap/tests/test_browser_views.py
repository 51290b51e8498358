"""Views in a real browser: saved from what one sees, changed, reset, undone."""

import pytest
from playwright.sync_api import expect

from kdap.tests.grids import cell

pytestmark = pytest.mark.browser


def test_saving_changing_and_resetting_a_view(alice, shelf, open_grid):
    page = open_grid(alice, shelf, "?sort=-price")
    page.click("#grid-views > summary")
    page.click("text=Save as a new view…")
    page.fill("dialog[open] [name=name]", "Dear first")
    page.click("dialog[open] .btn-primary")
    page.wait_for_url("**/?view=*")
    page.wait_for_selector("#grid[data-ready]")
    expect(page.locator("#grid-views > summary")).to_contain_text("Dear first")
    expect(cell(page, 0, 1)).to_have_text("5.00")
    expect(page.locator("#grid-view-changed")).to_be_hidden()

    page.fill("[data-search]", "Book 2")
    expect(cell(page, 0, 1)).to_have_text("2.00")
    expect(page.locator("#grid-view-changed")).to_be_visible()
    page.click("[data-view=reset]")
    expect(cell(page, 0, 1)).to_have_text("5.00")
    expect(page.locator("[data-search]")).to_have_value("")
    expect(page.locator("#grid-view-changed")).to_be_hidden()

    page.fill("[data-search]", "Book 2")
    expect(page.locator("#grid-view-changed")).to_be_visible()
    page.click("[data-view=save]")
    expect(page.locator("#grid-view-changed")).to_be_hidden()
    assert "search" not in page.url
    page.reload()
    page.wait_for_selector("#grid[data-ready]")
    expect(cell(page, 0, 1)).to_have_text("2.00")
    expect(page.locator("[data-search]")).to_have_value("Book 2")


def test_undoing_what_was_saved(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.click("#grid-views > summary")
    page.click("text=Save as a new view…")
    page.fill("dialog[open] [name=name]", "Everything")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?view=*")
    page.wait_for_selector("#grid[data-ready]")
    page.click("[data-grid=height]")
    page.click("text=Tall")
    page.click("[data-view=save]")
    page.click(".notice >> text=Undo")
    page.wait_for_url("**/?view=*")
    page.wait_for_selector('#grid[data-ready][data-height="normal"]')


def test_exports_follow_what_is_shown(alice, shelf, open_grid):
    page = open_grid(alice, shelf)
    page.fill("[data-search]", "Book 2")
    page.wait_for_url("**/?search=*")
    page.click("a.only-wide[data-follows]")
    expect(page.locator("body")).to_contain_text("1 entry: those that this view shows")
