"""From an empty workflow to a run that somebody sees, with a real browser."""

import pytest
from playwright.sync_api import expect

from automations.models import Workflow
from automations.services import create_workflow
from automations.tests.workflows import add, entries_in, settle
from kdap.tests.grids import cell, paste
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.browser


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", stock="integer")


@pytest.fixture
def notes(make_record):
    return make_record("Notes", about="text", text="text")


@pytest.fixture
def signed_in(alice, visitor, live_server):
    """Return a function that opens a page as Alice."""

    def open_page(path, **options):
        options = {"viewport": {"width": 1440, "height": 900}} | options
        page = visitor(**options)
        cookie = alice.client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page.goto(path)
        return page

    return open_page


def only_workflow():
    with acting_as(Actor.system()):
        return Workflow.objects.get()


def make_one(page):
    """Make an empty workflow and open its steps."""
    page.get_by_role("link", name="New workflow").first.click()
    page.locator("input[name=name]").fill("Remember new books")
    page.get_by_role("button", name="Make the workflow").click()
    expect(page.locator(".canvas")).to_contain_text("Press + to say what happens then")


def press(page, name):
    page.locator(".panel").get_by_role("button", name=name, exact=True).click()


def test_from_an_empty_workflow_to_a_run(alice, workspace, books, notes, signed_in):
    add(alice, books, {"title": "Emma"})
    page = signed_in(f"/w/{workspace.pk}/workflows/")
    make_one(page)

    page.get_by_text("When somebody presses its button").click()
    page.get_by_label("Starts when").select_option("An entry is added")
    page.get_by_label("Record", exact=True).select_option("Books")
    press(page, "Save")
    expect(page.locator(".node-trigger")).to_contain_text("When an entry is added to “Books”")

    page.get_by_label("Add a step here").click()
    page.locator(".panel").get_by_role("link", name="Add an entry").click()
    page.get_by_label("Record", exact=True).select_option("Notes")
    page.get_by_label("About", exact=True).fill("New: ")
    page.locator(".refs").get_by_role("button", name="Title").click()
    expect(page.get_by_label("About", exact=True)).to_have_value("New: {{ trigger.entry.title }}")
    press(page, "Add the step")
    expect(page.locator("#node-create")).to_contain_text("About = “New: {Title}”")
    expect(page.get_by_text("Ready")).to_be_visible()

    page.get_by_role("link", name="Try it out").click()
    press(page, "Try it out")
    expect(page.locator(".panel")).to_contain_text("It would work")
    expect(page.locator(".panel")).to_contain_text("New: Emma")

    page.get_by_role("link", name="Publish").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(page.locator(".flow-head")).to_contain_text("Version 1")

    page.goto(f"/r/{books.pk}/")
    page.wait_for_selector("#grid[data-ready]")
    cell(page, 0, 0).click()
    paste(page, "Emma\nDune")
    page.get_by_role("button", name="Add 1 entry").click()
    expect(cell(page, 1, 0)).to_have_text("Dune")
    expect(page.locator(".mark-waiting")).to_have_count(0)
    settle()
    assert entries_in(alice, notes, "about") == [("New: Dune",)]

    page.goto(only_workflow().get_absolute_url())
    page.locator("#runs a").first.click()
    expect(page.locator("#run")).to_contain_text("Succeeded")


def test_by_keyboard(alice, workspace, books, signed_in):
    steps = [{"id": id, "type": "set", "values": {"v": id}, "name": id} for id in ("one", "two")]
    with alice.acting() as actor:
        definition = {"trigger": {"type": "button"}, "steps": steps}
        flow = create_workflow(workspace=workspace, name="Keys", actor=actor, definition=definition)
    page = signed_in(f"/flows/{flow.pk}/steps/")
    names = page.locator(".canvas .node strong")
    page.locator("#node-trigger").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#node-one")).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(names).to_have_text(["When somebody presses its button", "two", "one"])
    expect(page.locator("#node-one")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(names).to_have_text(["When somebody presses its button", "one", "two"])
    page.locator("#node-two").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-title")).to_be_focused()
    page.locator(".more-fields summary").click()
    page.get_by_label("Name", exact=True).last.fill("Last")
    page.locator("#node-one").click()  # what was written is saved
    expect(names).to_have_text(["When somebody presses its button", "one", "Last"])
    expect(page.locator("#panel-title")).to_have_text("one")


def test_without_javascript(alice, workspace, books, signed_in):
    with alice.acting() as actor:
        flow = create_workflow(workspace=workspace, name="Plain", actor=actor)
    page = signed_in(
        f"/flows/{flow.pk}/steps/",
        java_script_enabled=False,
        viewport={"width": 390, "height": 844},
    )
    page.locator(".node-trigger").click()
    page.get_by_label("Starts when").select_option("An entry is added")
    press(page, "Show the fields")
    page.get_by_label("Record", exact=True).select_option("Books")
    press(page, "Save")
    page.get_by_role("link", name="Close the panel").click()
    page.get_by_label("Add a step here").click()
    page.locator(".panel").get_by_role("link", name="If … otherwise").click()
    page.get_by_label("Value", exact=True).fill("{{ trigger.entry.stock }}")
    press(page, "Rule")
    page.get_by_label("Value", exact=True).nth(1).fill("{{ today }}")
    press(page, "Add the step")
    page.get_by_role("link", name="Close the panel").click()
    expect(page.locator("#node-if")).to_contain_text("all of ({Stock} is")
