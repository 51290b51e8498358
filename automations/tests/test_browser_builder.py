"""From an empty workflow to a run that somebody sees, with a real browser."""

import re

import pytest
from playwright.sync_api import expect

from automations.models import Workflow
from automations.services import change_workflow, create_workflow
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


def test_saving_is_shown_when_the_picture_was_drawn_anew_meanwhile(
    alice, workspace, books, signed_in
):
    page = signed_in(f"/w/{workspace.pk}/workflows/")
    make_one(page)
    page.get_by_text("When somebody presses its button").click()
    page.get_by_label("Starts when").select_option("An entry is added")
    page.get_by_label("Record", exact=True).select_option("Books")
    expect(page.locator("[data-unsaved]")).to_have_count(1)
    page.evaluate("""document.addEventListener("htmx:before:request", () => {
        const builder = document.getElementById("builder");
        builder.outerHTML = builder.outerHTML;
    }, {once: true})""")
    press(page, "Save")
    expect(page.locator(".node-trigger")).to_contain_text("When an entry is added to “Books”")


def test_an_answer_that_comes_late_does_not_replace_a_younger_one(alice, workspace, signed_in):
    page = signed_in(f"/w/{workspace.pk}/workflows/")
    make_one(page)
    page.evaluate("""() => {
        const real = window.fetch, [first, second] = document.querySelectorAll("nav a");
        window.fetch = async (url, options) => {
            const answer = await real(url, options);
            if (String(url).includes("trigger")) await new Promise((r) => setTimeout(r, 600));
            document.body.dataset.last = url;
            return answer;
        };
        const place = { target: "#builder", swap: "outerHTML" };
        htmx.ajax("GET", "?step=trigger", { ...place, source: first });
        htmx.ajax("GET", "?step=words", { ...place, source: second });
    }""")
    expect(page.locator("body")).to_have_attribute("data-last", re.compile("trigger"))
    page.wait_for_timeout(200)
    expect(page.locator(".panel")).to_have_attribute("data-kind", "words")


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


@pytest.fixture
def ordered(alice, workspace):
    """Three steps; the second has two branches, of which one is empty."""
    one, two, three = (
        {"id": id, "type": "set", "values": {"v": id}, "name": id} for id in ("one", "two", "three")
    )
    rule = {"value": "{{ today }}", "op": "filled"}
    fork = {"id": "fork", "type": "if", "name": "fork", "condition": rule, "then": [two]}
    definition = {"trigger": {"type": "button"}, "steps": [one, fork, three]}
    with alice.acting() as actor:
        return create_workflow(
            workspace=workspace, name="Order", actor=actor, definition=definition
        )


def outline():
    """Return the names of the steps of the only draft, those of branches in lists."""
    first, *rest = only_workflow().structured_definition["steps"]
    made = []
    for step in (first, *rest):
        made.append(step["id"])
        made += [[inner["id"] for inner in step.get(name, [])] for name in ("then", "otherwise")]
    return [item for item in made if item]


def middle(locator):
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, start, to, *, drop=True):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 10, start[1] + 10, steps=2)
    expect(page.locator(".canvas")).to_have_class("canvas is-carrying")
    page.mouse.move(*to, steps=8)
    if drop:
        page.mouse.up()


def test_a_step_is_dragged_into_an_empty_branch(ordered, signed_in):
    page = signed_in(f"/flows/{ordered.pk}/steps/")
    empty = page.get_by_label("Add a step here, in “Otherwise”")
    drag(page, middle(page.locator("#node-one")), middle(empty), drop=False)
    expect(empty).to_have_class("add-step is-place is-target")
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator(".node-ghost")).to_have_count(0)
    assert outline() == ["one", "fork", ["two"], "three"]
    expect(page.locator("#panel-title")).to_have_count(0)

    drag(page, middle(page.locator("#node-one")), middle(empty))
    expect(page.locator("#notices")).to_contain_text("“one” is moved.")
    assert outline() == ["fork", ["two"], ["one"], "three"]
    page.locator("#notices").get_by_role("button", name="Undo").click()
    expect(page.locator(".canvas .node strong").nth(1)).to_have_text("one")
    assert outline() == ["one", "fork", ["two"], "three"]

    page.keyboard.down("Alt")
    drag(page, middle(page.locator("#node-three")), middle(empty))
    page.keyboard.up("Alt")
    expect(page.locator("#notices")).to_contain_text("A copy of “three” is there.")
    assert outline() == ["one", "fork", ["two"], ["three_2"], "three"]


def test_a_step_is_carried_by_keyboard(ordered, signed_in):
    page = signed_in(f"/flows/{ordered.pk}/steps/")
    said = page.locator("#carry-said")
    page.locator("#node-three").focus()
    page.keyboard.press("Space")
    expect(said).to_contain_text("“three” is picked up")
    page.keyboard.press("ArrowUp")
    expect(said).to_have_text("Place 5 of 6: in “Otherwise” of “fork”.")
    page.keyboard.press("End")
    expect(said).to_have_text("Place 6 of 6: where it is.")
    page.keyboard.press("Escape")
    expect(said).to_have_text("It stays where it is.")
    page.keyboard.press("Space")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(said).to_have_text("Place 2 of 6: before “fork”.")
    page.keyboard.press("Space")
    expect(page.locator(".canvas .node strong").nth(2)).to_have_text("three")
    expect(page.locator("#node-three")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator(".canvas .node strong").nth(2)).to_have_text("fork")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".canvas .node strong").nth(2)).to_have_text("three")
    assert outline() == ["one", "three", "fork", ["two"]]


def test_what_is_written_is_saved_before_a_step_is_moved(ordered, signed_in):
    page = signed_in(f"/flows/{ordered.pk}/steps/?step=two")
    page.locator(".more-fields summary").click()
    page.get_by_label("Name", exact=True).last.fill("second")
    empty = page.get_by_label("Add a step here, in “Otherwise”")
    drag(page, middle(page.locator("#node-three")), middle(empty))
    expect(page.locator("#notices")).to_contain_text("“three” is moved.")
    expect(page.locator("#panel-title")).to_have_text("second")
    assert outline() == ["one", "fork", ["two"], ["three"]]


def test_choosing_a_step_leaves_the_picture_alone(ordered, alice, signed_in):
    page = signed_in(f"/flows/{ordered.pk}/steps/")
    page.evaluate("document.querySelector('.canvas').dataset.mark = 'same'")
    page.locator("#node-two").click()
    expect(page.locator("#panel-title")).to_have_text("two")
    expect(page.locator("#panel-title")).to_be_focused()
    expect(page.locator("#node-two")).to_have_attribute("aria-current", "true")
    page.locator("#node-one").click()
    expect(page.locator("#panel-title")).to_have_text("one")
    expect(page.locator(".canvas .is-chosen")).to_have_count(1)
    assert page.url.endswith("?step=one")
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_have_count(0)
    expect(page.locator("#node-one")).to_be_focused()
    expect(page.locator(".canvas")).to_have_attribute("data-mark", "same")

    with alice.acting() as actor:  # somebody else
        steps = only_workflow().structured_definition["steps"]
        definition = {"trigger": {"type": "button"}, "steps": steps[:2]}
        change_workflow(workflow=ordered, actor=actor, structured_definition=definition)
    page.locator("#node-two").click()
    expect(page.locator("#node-three")).to_have_count(0)
    expect(page.locator("#panel-title")).to_have_text("two")
