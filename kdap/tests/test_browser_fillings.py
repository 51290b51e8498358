"""Letting an agent fill in a field, in a real browser: select, ask, look, apply, undo."""

import pytest
from playwright.sync_api import expect

from automations.tests.agents import make_agent, work_apart
from kdap.tests.grids import cell, kept
from kdap.tests.people import give_role
from records.tests.helpers import add
from workspaces.models import Role

pytestmark = pytest.mark.browser


@pytest.fixture
def novels(alice, workspace, books):
    """Four books without a genre, and an agent."""
    make_agent(alice, workspace, name="Librarian")
    titles = ("A novel of manners", "Poetry of the sea", "Travel by rail", "Sums")
    add(alice, books, *[{"title": title} for title in titles])
    return books


def test_from_selected_cells_to_undo(alice, novels, open_grid):
    page = open_grid(alice, novels)
    cell(page, 0, 2).click()
    cell(page, 3, 2).click(modifiers=["Shift"])
    page.keyboard.press("Control+e")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("each of the 4 chosen entries")
    expect(dialog.locator("[name=field]")).to_have_value(_field(alice, novels, "genre"))
    expect(dialog.get_by_label("Title")).to_be_checked()
    expect(dialog.get_by_label("Genre")).not_to_be_checked()
    dialog.locator("[name=instruction]").fill("Look at the title.")
    dialog.get_by_role("button", name="Ask it").click()
    page.wait_for_url("**/fillings/*/")
    expect(page.locator("#filling")).to_contain_text("0 of 4 asked")
    page.reload()  # it is all on the server
    work_apart()
    expect(page.locator("#filling")).to_contain_text("Ready to be looked at")
    boxes = page.locator("[name=entry]")
    expect(boxes).to_have_count(3)
    expect(page.locator("tr", has_text="Sums")).to_contain_text("Nothing proposed")
    boxes.nth(2).uncheck()
    page.get_by_role("button", name="Apply what is ticked").click()
    expect(page.locator("#filling")).to_contain_text("Applied")
    expect(page.locator(".badge", has_text="Written")).to_have_count(2)
    assert kept(alice, novels, "genre") == ["Novel", "Poetry", None, None]
    page.get_by_role("link", name="Undo…").click()
    page.locator("dialog[open] .btn-primary").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert kept(alice, novels, "genre") == [None] * 4


def _field(person, record, key):
    with person.acting():
        return record.structure.field(key).id


def test_the_menus_offer_it_to_those_who_may_write(alice, bob, workspace, novels, open_grid):
    page = open_grid(alice, novels)
    cell(page, 0, 2).click(button="right")
    page.locator(".grid-menu").get_by_text("Fill in by an agent…").click()
    expect(page.locator("dialog[open]")).to_contain_text("the chosen entry")
    page.keyboard.press("Escape")
    cell(page, 0, 2).click()
    page.keyboard.press("Alt+ArrowDown")
    page.locator(".grid-menu").get_by_text("Fill empty cells by an agent…").click()
    expect(page.locator("dialog[open] [name=most]")).to_have_value("20")
    give_role(workspace, bob, Role.VIEWER)
    page = open_grid(bob, novels)
    cell(page, 0, 2).click(button="right")
    expect(page.locator(".grid-menu")).to_be_visible()
    expect(page.locator(".grid-menu")).not_to_contain_text("agent")


def test_without_javascript(alice, novels, open_grid):
    page = open_grid(alice, novels, java_script_enabled=False)
    page.goto(f"/r/{novels.pk}/fill/")
    page.select_option("[name=field]", label="Genre")
    page.get_by_role("button", name="Ask it").click()
    page.wait_for_url("**/fillings/*/")
    work_apart()
    page.reload()
    page.get_by_role("button", name="Apply what is ticked").click()
    assert kept(alice, novels, "genre") == ["Novel", "Poetry", "Travel", None]


def test_on_a_phone_what_is_proposed_can_be_read(alice, novels, open_grid):
    page = open_grid(alice, novels)
    page.goto(f"/r/{novels.pk}/fill/")
    page.locator("[name=field]").select_option(label="Genre")
    page.get_by_role("button", name="Ask it").click()
    page.wait_for_url("**/fillings/*/")
    work_apart()
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    cells = page.locator(".filling-new")
    expect(cells).to_have_count(4)
    assert all(cell.bounding_box()["width"] > 250 for cell in cells.all())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    table = page.locator(".table-wrap")
    assert table.evaluate("e => e.scrollWidth <= e.clientWidth")
