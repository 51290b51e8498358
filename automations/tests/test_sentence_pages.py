"""The pages that take a sentence: works, teammate, stranger, read-only, words marked in place."""

import html
import re

import pytest
from django.urls import reverse

from automations.english.cursor import Problem
from automations.models import Workflow
from automations.sentence_views import pieces
from kdap.tests.people import give_role
from workspaces.models import Role

TEXT = "When an order is added and Total is over 100, set Status to Done."
HTMX = {"HX-Request": "true"}


@pytest.fixture
def new(shop, workspace):
    return reverse("workflow_sentence_new", args=[workspace.pk])


@pytest.fixture
def draft(new, bob):
    """Return the workflow that Bob made of the sentence."""
    assert bob.client.post(new, {"text": TEXT}).status_code == 302
    with bob.acting():
        return Workflow.objects.get()


def words(answer):
    return html.unescape(answer.content.decode())


def test_a_sentence_makes_a_draft(draft, bob):
    assert draft.natural_language_description == TEXT
    assert draft.state == "draft"
    page = words(bob.client.get(reverse("workflow_sentence", args=[draft.pk])))
    assert TEXT in page
    assert "– set Status to “Done”" in page
    assert f"{reverse('workflow_steps', args=[draft.pk])}?step=test" in page
    assert reverse("workflow_publish", args=[draft.pk]) in page


def test_the_draft_is_changed_by_another_sentence(draft, bob):
    url = reverse("workflow_sentence", args=[draft.pk])
    answer = bob.client.post(url, {"text": "When an order is deleted, stop."}, headers=HTMX)
    assert answer.headers["HX-Redirect"] == url
    with bob.acting():
        draft.refresh_from_db()
    assert draft.structured_definition["trigger"]["type"] == "entry_deleted"


def test_what_is_not_understood_is_marked_and_kept(new, bob):
    answer = bob.client.post(new, {"text": "When an order is added, dance with <b>."})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert re.search(r"<mark[^>]*>dance", text)
    assert "begins no step that I know" in text
    assert "Understood would be:" in text
    assert "<b>" not in text
    with bob.acting():
        assert not Workflow.objects.exists()


def test_checking_writes_nothing_and_answers_a_part(new, bob):
    answer = bob.client.post(new, {"text": TEXT, "part": "check"}, headers=HTMX)
    text = words(answer)
    assert answer.status_code == 200
    assert text.lstrip().startswith('<div id="meaning"')
    assert "– set Status to “Done”" in text
    whole = words(bob.client.post(new, {"text": TEXT, "part": "check"}))
    assert "<html" in whole
    assert "– set Status to “Done”" in whole
    with bob.acting():
        assert not Workflow.objects.exists()


def test_examples_are_of_ones_own_records_and_are_understood(new, bob):
    page = words(bob.client.get(new))
    assert "When Stock of an entry of “Products” falls below 10" in page
    links = re.findall(r'href="([^"]*\?text=[^"]*)"', page)
    assert len(links) == 6
    assert "Order id of" not in page
    for link in links:
        shown = words(bob.client.get(link, headers=HTMX))
        assert "KDAP understands:" in shown
        assert "<html" not in shown


def test_the_dialog_of_new_workflows_leads_there(new, bob, workspace):
    assert new in words(bob.client.get(reverse("workflow_new", args=[workspace.pk])))


def test_strangers_and_viewers(draft, new, workspace, bob, charlie):
    url = reverse("workflow_sentence", args=[draft.pk])
    for address in (new, url):
        assert charlie.client.get(address).status_code == 404
        assert charlie.client.post(address, {"text": TEXT}).status_code == 404
    give_role(workspace, bob, Role.VIEWER)
    page = bob.client.get(url)
    assert page.status_code == 200
    assert "Change the draft" not in words(page)
    assert bob.client.post(url, {"text": "When an order is deleted, stop."}).status_code == 403
    assert bob.client.get(new).status_code == 403


def test_a_text_is_cut_at_its_problems():
    first, gap = Problem(2, 4, "cd", "?"), Problem(6, 6, "", "missing")
    made = pieces("abcdef", [gap, first, Problem(3, 5, "de", "overlaps")])
    assert made == [("ab", None), ("cd", first), ("ef", None), ("", gap)]
