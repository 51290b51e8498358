"""A model drafts a workflow in a real browser: ask, wait, read, take it, change it."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from automations.models import Workflow
from automations.tests.agents import model_server, work_apart
from automations.tests.drafts import TEXT, handed, with_step

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visitor, live_server, alice):
    page = visitor(viewport={"width": 1440, "height": 900})
    cookie = alice.client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    return page


def test_from_words_to_a_trial_and_a_change(settings, page, alice, workspace, fake, large):
    fake(name="Drafter")
    mail = {"type": "send_email", "id": "tell", "to": ["evil@example.org"], "subject": "Large"}
    page.goto(reverse("workflow_sentence_new", args=[workspace.pk]))
    page.get_by_label("What should happen, and when?").fill(TEXT)
    expect(page.locator("#meaning mark").first).to_be_visible()
    with model_server(settings, handed(with_step(large, mail))):
        page.get_by_role("button", name="Draft it with a model").click()
        page.wait_for_url("**/draftings/*/")
        expect(page.locator("#drafting")).to_contain_text("Waiting for a worker")
        work_apart()
        expect(page.locator("#drafting")).to_contain_text("Ready to be read")
    expect(page.locator("mark")).to_have_text("evil@example.org")
    take = page.get_by_role("button", name="Make the workflow")
    take.click()
    expect(page.locator("[name=accepted]:invalid")).to_have_count(1)
    page.get_by_label("I have looked at what is marked").check()
    take.click()
    page.wait_for_url("**/steps/?step=test")
    expect(page.locator(".canvas")).to_contain_text("is added to")
    with alice.acting():
        flow = Workflow.objects.get()
    page.goto(reverse("workflow_sentence", args=[flow.pk]))
    expect(page.locator("#sentence")).to_contain_text("As it was described")
    page.get_by_label("What should be different?").fill("Don't send that mail")
    with model_server(settings, handed(large)):
        page.get_by_role("button", name="Draft the change").click()
        page.wait_for_url("**/draftings/*/")
        work_apart()
        expect(page.locator("#drafting")).to_contain_text("Taken away")
    page.get_by_role("button", name="Take it as the draft").click()
    page.wait_for_url("**/steps/?step=test")
    page.get_by_role("button", name="Undo my last change").click()
    expect(page.locator(".canvas")).to_contain_text("evil@example.org")
