"""Public forms in a real browser: made and answered, with scripts and without."""

import pytest
from playwright.sync_api import expect

from records.entries import create_entries
from records.models import Record
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def tickets(make_record, settings, live_server):
    """A record for support, whose forms have addresses on the test's server."""
    settings.SITE_URL = live_server.url
    return make_record(
        "Tickets",
        subject={"type": "text", "required": True},
        email={"type": "email", "unique": True},
        urgency={"type": "choice", "options": {"choices": ["Low", "High"]}},
        answer="long_text",
    )


def signed_in(person, page, live_server):
    cookie = person.client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    return page


def rows(record, *keys):
    with acting_as(Actor.system()):
        model = Record.objects.get(pk=record.pk).model
        return list(model.objects.order_by("pk").values_list(*keys))


def order(page):
    """Return the labels of the editor's rows as they stand."""
    return page.locator("[data-row] .check strong").all_inner_texts()


def row_of(page, label):
    """Return the editor's row of a field."""
    return page.locator(f'[data-row]:has(.check strong:text-is("{label}"))')


def new_form(page, record, name):
    """Make a form from the record's page; leave its editor open."""
    page.goto(f"/r/{record.pk}/")
    page.locator(".topbar-actions a", has_text="Forms").first.click()
    page.locator(".page-actions a", has_text="New form").click()
    page.fill("[name=name]", name)
    page.click("text=Make the form")
    page.wait_for_selector("#design")


def test_a_form_is_made_and_answered(alice, tickets, visitor, live_server):
    page = signed_in(alice, visitor(), live_server)
    new_form(page, tickets, "Support")
    row_of(page, "Answer").get_by_role("checkbox").first.uncheck()
    page.get_by_role("button", name="Move Urgency up").press("Enter")
    assert order(page) == ["Subject", "Urgency", "Email", "Answer"]
    expect(page.get_by_role("button", name="Move Urgency up")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Move Urgency down")).to_be_focused()
    row_of(page, "Subject").locator(".item-grip").hover()
    page.mouse.down()
    last = row_of(page, "Email").bounding_box()
    page.mouse.move(last["x"] + 20, last["y"] + last["height"] - 4, steps=5)
    page.mouse.up()
    assert order(page) == ["Urgency", "Email", "Subject", "Answer"]
    email = row_of(page, "Email")
    email.locator("summary").click()
    email.get_by_label("Asked as").fill("Where do we reach you?")
    email.get_by_label("Must be answered").check()
    page.fill("[name=thanks]", "We answer soon.")
    page.click("text=Save the form")
    expect(page.locator(".notice")).to_contain_text("saved")
    assert order(page) == ["Urgency", "Email", "Subject", "Answer"]

    stranger = visitor(viewport=PHONE)
    stranger.goto(page.locator("#address").inner_text())
    assert stranger.locator(".field-label").all_inner_texts()[1:] == [
        "Where do we reach you?",
        "Subject",
    ]
    stranger.get_by_label("Urgency").select_option("High")
    stranger.get_by_label("Where do we reach you?").fill("nobody")
    stranger.get_by_label("Subject").fill("Broken")
    stranger.click("text=Send")
    expect(stranger.locator(".field-error")).to_contain_text("is no e-mail")
    expect(stranger.get_by_label("Subject")).to_have_value("Broken")
    stranger.get_by_label("Where do we reach you?").fill("ann@example.com")
    stranger.get_by_role("button", name="Send").dblclick()
    expect(stranger.locator("main")).to_contain_text("We answer soon.")
    stranger.reload()
    assert rows(tickets, "subject", "email", "urgency") == [("Broken", "ann@example.com", 2)]

    page.reload()
    expect(page.locator(".page-head")).to_contain_text("1 answer")
    page.click("text=Close")
    stranger.click("text=Send another answer")
    expect(stranger.locator("main")).to_contain_text("This form is closed.")


def test_the_same_without_scripts(alice, tickets, visitor, live_server):
    with alice.acting() as actor:
        row = {"subject": "First", "email": "ann@example.com"}
        create_entries(record=tickets, rows=[row], actor=actor)
    page = signed_in(alice, visitor(viewport=PHONE, java_script_enabled=False), live_server)
    page.goto(f"/r/{tickets.pk}/forms/")
    page.locator(".page-actions a", has_text="New form").click()
    page.fill("[name=name]", "Support")
    page.click("text=Make the form")
    page.get_by_role("button", name="Move Email up").click()
    assert order(page) == ["Email", "Subject", "Urgency", "Answer"]
    row_of(page, "Answer").get_by_role("checkbox").first.uncheck()
    page.fill("[name=title]", "How can we help?")
    page.click("text=Save the form")
    expect(page.locator(".notice")).to_contain_text("saved")

    stranger = visitor(viewport=PHONE, java_script_enabled=False)
    stranger.goto(page.locator("#address").inner_text())
    expect(stranger.locator("h1")).to_have_text("How can we help?")
    stranger.get_by_label("Email").fill("ann@example.com")
    stranger.get_by_label("Subject").fill("Second")
    stranger.click("text=Send")
    expect(stranger.locator(".field-error")).to_contain_text("must be unique")
    expect(stranger.get_by_label("Subject")).to_have_value("Second")
    stranger.get_by_label("Email").fill("bea@example.com")
    stranger.click("text=Send")
    expect(stranger.locator("main")).to_contain_text("Your answer has arrived.")
    assert rows(tickets, "subject") == [("First",), ("Second",)]
