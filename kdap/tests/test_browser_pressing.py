"""Pressing a workflow's button in a real browser: in the grid, by keys, in the panel, and plainly."""

import pytest
from playwright.sync_api import expect

from automations.tests.workflows import make_workflow, runs_of, settle
from kdap.tests.grids import cell, kept
from kdap.tests.people import give_role
from records.tests.helpers import add
from workspaces.models import Role

pytestmark = pytest.mark.browser


@pytest.fixture
def novels(alice, books):
    """Eight books; the first two have no price."""
    add(alice, books, *[{"title": f"Book {n}", "price": n if n > 1 else None} for n in range(8)])
    return books


@pytest.fixture
def flow(alice, workspace, novels):
    """A button on books with a price, which fails for that of seven."""
    where = {"field": "price", "op": "filled"}
    seven = {"value": "{{ trigger.entry.price }}", "op": "is", "other": 7}
    steps = [
        {
            "id": "fits",
            "type": "if",
            "condition": seven,
            "then": [{"id": "no", "type": "stop", "failed": True, "reason": "No paper."}],
        },
        {
            "id": "shout",
            "type": "update_entry",
            "record": str(novels.pk),
            "values": {"title": "{{ trigger.entry.title | upper }}"},
        },
    ]
    trigger = {"type": "button", "record": str(novels.pk), "where": where}
    return make_workflow(alice, workspace, trigger, *steps, name="Shout")


def test_many_are_asked_about_and_failures_are_told(alice, novels, flow, open_grid):
    page = open_grid(alice, novels)
    cell(page, 0, 1).click()
    cell(page, 7, 1).click(modifiers=["Shift"])
    page.locator(".grid-run", has_text="Run on 8 entries").click()
    page.locator(".grid-menu").get_by_text("Shout").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("6 of 8 entries match its filter")
    dialog.get_by_role("button", name="Run on 6 entries").click()
    expect(page.locator(".notice")).to_contain_text("runs on 6 entries")
    expect(dialog).to_have_count(0)
    settle()
    expect(page.locator(".notice-bad")).to_contain_text("1 of 6 runs of “Shout” failed: ")
    assert kept(alice, novels, "title")[-2:] == ["BOOK 6", "Book 7"]
    page.locator(".notice-bad").get_by_role("button", name="Show the runs").click()
    page.wait_for_url("**/flows/*/?press=*")
    expect(page.locator(".run-item")).to_have_count(6)


def test_by_keys_alone(alice, novels, flow, open_grid):
    page = open_grid(alice, novels)
    for key in ("ArrowDown", "ArrowDown", "Shift+ArrowDown", "Control+Enter"):
        page.keyboard.press(key)
    expect(page.locator(".grid-menu")).to_contain_text("Run on 2 entries")
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text("“Shout” runs on 2 entries.")
    settle()
    assert kept(alice, novels, "title")[2:4] == ["BOOK 2", "BOOK 3"]


def test_menu_of_a_cell_and_panel(alice, bob, workspace, novels, flow, open_grid):
    page = open_grid(alice, novels)
    cell(page, 3, 1).click(button="right")
    page.locator(".grid-menu").get_by_text("Run “Shout”").click()
    expect(page.locator(".notice")).to_contain_text("“Shout” runs on entry 4.")
    page.keyboard.press("Space")
    page.locator("#panel .entry-buttons button").click()
    expect(page.locator(".notice")).to_have_count(2)
    page.locator(".notice").last.get_by_role("button", name="Show the run").click()
    page.wait_for_url("**/runs/*/")
    assert [run.entry_id for run in runs_of(flow)] == [4, 4]
    give_role(workspace, bob, Role.VIEWER)
    page = open_grid(bob, novels)
    cell(page, 3, 1).click(button="right")
    expect(page.locator(".grid-menu")).not_to_contain_text("Shout")


def test_enter_in_an_entrys_form_saves_and_presses_nothing(alice, novels, flow, open_grid):
    page = open_grid(alice, novels)
    page.goto(f"/r/{novels.pk}/e/4/")
    page.get_by_label("Title").fill("Emma")
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text("saved")
    assert runs_of(flow) == []


def test_without_javascript(alice, novels, flow, open_grid):
    page = open_grid(alice, novels, java_script_enabled=False)
    for number in (1, 3, 4):
        page.get_by_role("checkbox", name=f"Entry {number}", exact=True).check()
    page.get_by_role("button", name="Shout").click()
    page.wait_for_url("**/flows/*/?press=*")
    expect(page.locator("body")).to_contain_text("runs on 2 of 3 entries")
    page.goto(f"/r/{novels.pk}/e/5/")
    page.get_by_role("button", name="Shout").click()
    page.wait_for_url("**/runs/*/")
    assert len(runs_of(flow)) == 3


def test_beside_an_entry_it_waits_until_that_is_saved(alice, visitor, live_server, novels, flow):
    page = visitor()
    cookie = alice.client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page.goto(f"{novels.get_absolute_url()}e/3/")
    button = page.get_by_role("button", name="Shout")
    expect(button).to_be_enabled()
    page.locator("[name=title]").fill("Another")
    expect(button).to_be_disabled()
    page.get_by_role("button", name="Save").click()
    expect(button).to_be_enabled()
