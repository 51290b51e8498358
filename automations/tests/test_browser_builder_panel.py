"""The builder's panel and picture under other hands and on a phone, with a real browser."""

import pytest
from playwright.sync_api import expect

from automations.models import Workflow
from automations.services import change_workflow, create_workflow
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.browser


def keep(id, **values):
    return {"id": id, "type": "set", "name": id, "values": values or {"v": id}}


@pytest.fixture
def flow(alice, workspace):
    definition = {"trigger": {"type": "button"}, "steps": [keep("one"), keep("two"), keep("three")]}
    with alice.acting() as actor:
        return create_workflow(
            workspace=workspace, name="Three", actor=actor, definition=definition
        )


@pytest.fixture
def builder(alice, visitor, live_server, flow):
    """Return a function that opens the steps as Alice."""

    def open_page(query="", **options):
        page = visitor(**({"viewport": {"width": 1440, "height": 900}} | options))
        cookie = alice.client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page.goto(f"/flows/{flow.pk}/steps/{query}")
        return page

    return open_page


def names():
    with acting_as(Actor.system()):
        steps = Workflow.objects.get().structured_definition["steps"]
    return [step["name"] for step in steps]


def write_name(page, name):
    if not page.locator(".more-fields").get_attribute("open"):
        page.locator(".more-fields summary").click()
    page.get_by_label("Name", exact=True).last.fill(name)


def test_a_box_that_the_browser_refuses_holds_back_a_delete_for_good(builder):
    page = builder("?step=two")
    write_name(page, "second")
    page.locator(".panel-form [name=name]").evaluate("box => box.setCustomValidity('No.')")
    page.locator("#node-one").focus()
    page.keyboard.press("Delete")
    page.locator(".panel-form [name=name]").evaluate("box => box.setCustomValidity('')")
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_have_count(0)
    expect(page.locator("#node-two strong")).to_have_text("second")
    assert names() == ["one", "second", "three"]


def test_closing_a_panel_saves_it(builder):
    page = builder("?step=two")
    write_name(page, "second")
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_have_count(0)
    expect(page.locator("#node-two strong")).to_have_text("second")
    expect(page.locator("#node-two")).to_be_focused()
    assert names() == ["one", "second", "three"]


def test_what_is_refused_stays_until_it_is_mended_or_given_up(builder):
    page = builder("?step=two")
    write_name(page, "second")
    page.get_by_label("Try again so often").fill("99")
    page.locator("#node-one").click()
    error = page.locator(".panel-error")
    expect(error).to_contain_text("has to be 10 or less")
    expect(page.get_by_label("Name", exact=True).last).to_have_value("second")
    page.get_by_label("Try again so often").fill("3")
    page.locator("#node-one").click()
    expect(page.locator("#panel-title")).to_have_text("one")
    page.locator("#node-three").click()
    expect(page.locator("#panel-title")).to_have_text("three")
    page.locator(".more-fields summary").click()
    page.get_by_label("Try again so often").fill("99")
    page.keyboard.press("Escape")
    expect(error).to_be_visible()
    page.get_by_label("Close the panel").click()
    expect(page.locator(".panel")).to_have_count(0)
    assert names() == ["one", "second", "three"]


def test_publishing_saves_the_panel_first(builder):
    page = builder("?step=two")
    write_name(page, "second")
    page.click("text=Publish")
    expect(page.locator("dialog[open]")).to_contain_text("Publish and switch on?")
    assert names() == ["one", "second", "three"]


def test_another_page_of_the_workflow_opens_after_saving(builder):
    page = builder("?step=two")
    write_name(page, "second")
    page.click(".flow-tabs >> text=Overview")
    page.wait_for_url("**/flows/*/")
    assert names() == ["one", "second", "three"]


def test_what_is_refused_is_brought_into_view(builder, make_record):
    page = builder("?step=new&at=/steps/0&type=send_email", viewport={"width": 1440, "height": 500})
    page.fill(".panel-form [name=subject]", "x" * 1001)
    page.click("text=Add the step")
    expect(page.locator("#panel-refused")).to_contain_text("Not saved")
    wrong = page.locator(".panel-error").first
    expect(wrong).to_be_in_viewport()
    assert page.evaluate("document.activeElement.closest('.panel-body') !== null")


def test_a_conflict_is_settled_by_a_person(builder, flow, alice):
    page = builder("?step=two")
    write_name(page, "mine")
    with alice.acting() as actor:
        steps = [keep("one"), keep("two") | {"name": "theirs"}, keep("three")]
        definition = {"trigger": {"type": "button"}, "steps": steps}
        change_workflow(workflow=flow, actor=actor, structured_definition=definition)
    page.locator("#node-one").click()
    expect(page.locator(".panel [role=alert]")).to_contain_text("Somebody changed this")
    expect(page.locator("#node-two strong")).to_have_text("theirs")
    page.locator("#node-one").click()  # leaving overwrites nothing
    expect(page.locator("#notices")).to_contain_text("Save yours first")
    assert names() == ["one", "theirs", "three"]
    page.locator(".panel").get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#node-two strong")).to_have_text("mine")


def test_the_keyboard_stays_where_it_is_when_a_panel_is_drawn_anew(builder, make_record):
    make_record("Books", title="text")
    page = builder("?step=trigger")
    kind = page.get_by_label("Starts when")
    kind.focus()
    kind.select_option("An entry is added")
    expect(page.get_by_label("Record", exact=True)).to_be_visible()
    expect(kind).to_be_focused()
    page.get_by_label("Record", exact=True).select_option("Books")
    page.locator(".panel").get_by_role("button", name="Save", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".node-trigger")).to_contain_text("When an entry is added to “Books”")
    expect(page.locator(".panel").get_by_role("button", name="Save", exact=True)).to_be_focused()


def test_the_picture_gets_smaller_and_stays_so(builder):
    page = builder()
    before = page.locator("#node-two").bounding_box()["width"]
    page.get_by_role("button", name="Smaller").click()
    page.get_by_role("button", name="Smaller").click()
    assert page.locator("#node-two").bounding_box()["width"] < before * 0.7
    page.locator("#node-two").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator(".canvas .node strong").nth(1)).to_have_text("two")
    expect(page.locator(".canvas")).to_have_attribute("data-zoom", "60")


def test_a_finger_carries_a_step_by_its_grip(builder):
    page = builder(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    grip = page.locator("#node-three .node-grip").bounding_box()
    place = page.locator('.add-step[data-place="/steps/0"]').bounding_box()
    x, y = grip["x"] + 10, grip["y"] + 10
    touch = page.context.new_cdp_session(page)
    points = [{"x": x - part * 8, "y": y + (place["y"] - y) * part / 10} for part in range(11)]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    for point in points[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    expect(page.locator(".add-step.is-target")).to_have_attribute("data-place", "/steps/0")
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator(".canvas .node strong").nth(1)).to_have_text("three")
    assert names() == ["three", "one", "two"]
    expect(page.locator(".panel")).to_have_count(0)
