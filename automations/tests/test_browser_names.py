"""The longest names in a real browser: nothing scrolls sideways, nothing covers another."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from automations.tests.workflows import BUTTON, make_workflow, settle, start

pytestmark = pytest.mark.browser
NAME = "Donaudampfschiff" * 7 + "fahrtsge"
KEEP = {"id": "keep", "type": "set", "values": {"a": 1}}


@pytest.fixture
def flow(alice, workspace):
    return make_workflow(alice, workspace, BUTTON, KEEP, name=NAME)


@pytest.fixture(params=[1440, 390])
def page(visitor, live_server, alice, request):
    page = visitor(viewport={"width": request.param, "height": 900})
    cookie = alice.client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    return page


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_long_name_of_a_workflow_stays_in_its_place(page, alice, workspace, flow):
    (run,) = start(alice, flow)
    settle()
    addresses = [reverse(name, args=[workspace.pk]) for name in ("workflows", "runs")]
    for url in (*addresses, flow.get_absolute_url(), run.get_absolute_url()):
        page.goto(url)
        assert fits(page), url
    page.goto(addresses[0])
    link, card = page.locator(".flow-list .item a").first, page.locator(".card:has(.flow-list)")
    name, around = link.bounding_box(), card.bounding_box()
    assert name["x"] + name["width"] <= around["x"] + around["width"]


def test_dialogs_about_a_long_name_fit(page, flow):
    page.goto(flow.get_absolute_url())
    page.get_by_role("link", name="Run now").click()
    dialog = page.locator("dialog[open]")
    expect(dialog.locator("h2")).to_contain_text(NAME)
    assert dialog.evaluate(
        "e => [...e.querySelectorAll('*')].every(p => p.scrollWidth <= e.clientWidth)"
    )


def test_the_admins_list_keeps_a_long_name_narrow(page, alice, flow):
    with alice.acting():
        alice.user.is_staff = alice.user.is_superuser = True
        alice.user.save()
    page.goto(reverse("admin:automations_workflow_changelist"))
    name = page.locator("#result_list").get_by_role("link", name=NAME).first
    assert name.bounding_box()["width"] <= 520
