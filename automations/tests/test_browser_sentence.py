"""A sentence that is checked while somebody types it, with a real browser."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visitor, live_server, alice):
    page = visitor(viewport={"width": 1440, "height": 900})
    cookie = alice.client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    return page


def test_a_sentence_is_checked_while_it_is_typed(page, shop, workspace):
    page.goto(reverse("workflow_sentence_new", args=[workspace.pk]))
    box = page.get_by_label("What should happen, and when?")
    box.fill("When an order is added, dance.")
    expect(page.locator("#meaning mark")).to_have_text("dance")
    box.fill("When an order is added and Total is over 100, set Status to Done.")
    expect(page.locator("#meaning .said")).to_contain_text("– set Status to “Done”")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#meaning .said")).to_contain_text("– set Status to “Done”")
    page.locator(".sentence-examples a").first.click()
    expect(page.locator("#meaning .said")).to_contain_text("falls below 10")
    page.get_by_role("button", name="Make a draft").click()
    expect(page.get_by_role("link", name="Try it out")).to_be_visible()
    page.get_by_role("link", name="See it as steps").click()
    expect(page.locator(".canvas")).to_contain_text("falls below 10")
