"""What is pressed twice in a real browser happens once."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visitor, live_server, alice):
    page = visitor(viewport={"width": 1440, "height": 900})
    cookie = alice.client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    return page


def test_a_draft_is_made_once(page, alice, shop, workspace):
    page.goto(reverse("workflow_sentence_new", args=[workspace.pk]))
    page.locator(".sentence-examples a").first.click()
    expect(page.locator("#meaning .said")).to_contain_text("falls below 10")
    page.get_by_role("button", name="Make a draft").dblclick()
    expect(page.get_by_role("link", name="Try it out")).to_be_visible()
    with alice.acting():
        assert workspace.workflows.count() == 1


def test_an_undo_is_asked_for_once_and_shown(page, alice, workspace, make_record):
    books = make_record("Books", title="text")
    note = {"id": "note", "type": "create_entry", "record": str(books.pk), "values": {"title": "A"}}
    (run,) = start(alice, make_workflow(alice, workspace, BUTTON, note))
    settle()
    page.goto(run.get_absolute_url())
    page.get_by_role("link", name="Undo…").click()
    page.locator("dialog[open]").get_by_role("button", name="Undo").dblclick()
    expect(page.locator(".run-facts")).to_contain_text("Undone by Alice")
    expect(page.locator(".notice")).to_have_count(1)
    expect(page.locator(".notice")).to_contain_text("1 taken back.")
    expect(page.get_by_role("link", name="Redo…")).to_be_visible()


def test_a_plain_form_is_sent_once(page, alice, workspace):
    workflow = make_workflow(
        alice, workspace, BUTTON, {"id": "keep", "type": "set", "values": {"a": 1}}
    )
    (run,) = start(alice, workflow)
    settle()
    page.goto(run.get_absolute_url())
    page.get_by_role("button", name="Run again").dblclick()
    page.wait_for_url(lambda url: str(run.pk) not in url)
    assert len(runs_of(workflow)) == 2
    page.go_back()
    expect(page.get_by_role("button", name="Run again")).to_be_enabled()
    expect(page.locator("form[aria-busy]")).to_have_count(0)


def test_a_bad_form_can_be_sent_again(page, alice, workspace):
    keep = {"id": "keep", "type": "set", "values": {"a": 1}}
    workflow = make_workflow(alice, workspace, BUTTON, keep)
    page.goto(workflow.get_absolute_url())
    page.get_by_role("link", name="Run now").first.click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Input").fill("no JSON")
    dialog.get_by_role("button", name="Run now").click()
    expect(dialog).to_contain_text("This is no JSON.")
    dialog.get_by_label("Input").fill("{}")
    dialog.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/runs/**")
    assert len(runs_of(workflow)) == 1
