"""The pages of history, with a real browser."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from records.entries import update_entries

pytestmark = pytest.mark.browser


@pytest.fixture
def changed(alice, shelf):
    """A record whose first entry Alice changed once; return it with that entry's id."""
    with alice.acting() as actor:
        first = shelf.model.objects.order_by("pk").first()
        update_entries(record=shelf, changes={first.pk: {"title": "Emma"}}, actor=actor)
    return shelf, first.pk


def test_look_filter_undo_and_redo(alice, changed, open_grid):
    record, _ = changed
    page = open_grid(alice, record)
    page.get_by_role("link", name="History", exact=True).first.click()
    page.get_by_label("Kind").select_option("changed")
    expect(page.locator(".log-what")).to_have_count(1)
    assert "kind=changed" in page.url
    page.locator(".log-what").click()
    expect(page.locator("dialog ins")).to_have_text("Emma")
    page.locator("dialog").get_by_role("link", name="Undo").click()
    page.locator("dialog").get_by_role("button", name="Undo").click()
    expect(page.locator("#notices")).to_contain_text("1 taken back.")
    expect(page.locator("dialog")).not_to_be_visible()
    expect(page.locator(".badge", has_text="Undone")).to_have_count(1)
    page.locator(".item").first.get_by_role("link", name="Redo").click()
    page.locator("dialog").get_by_role("button", name="Redo").click()
    expect(page.locator(".log-what").first).to_have_text("Did again: Changed Title of 1 entry")


def test_an_old_value_is_put_back(alice, changed, open_grid):
    record, entry = changed
    page = open_grid(alice, record)
    page.goto(reverse("entry_history", args=[record.pk, entry]))
    page.get_by_role("button", name="Put the old value of Title back").click()
    expect(page.locator(".entry-steps > li")).to_have_count(3)
