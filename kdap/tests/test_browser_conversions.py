"""A long conversion and its taking back, with a real browser."""

import pytest
from playwright.sync_api import expect

from records import long_changes, plans
from records.models import Record

pytestmark = pytest.mark.browser


def test_a_long_conversion_shows_how_far_it_is_and_is_taken_back(
    alice, shelf, open_grid, monkeypatch
):
    monkeypatch.setattr(plans, "MANY", 3)
    monkeypatch.setattr(long_changes, "_later", lambda job: None)
    page = open_grid(alice, shelf)
    page.goto(f"/r/{shelf.pk}/structure/")
    page.click("[aria-label='Edit Price']")
    page.locator("#dialog input[name=type][value=integer]").check(force=True)
    page.click("#dialog button.btn-primary")
    expect(page.locator("#dialog")).to_contain_text("Waiting for a worker")
    with alice.acting():
        job = long_changes.running_on(shelf)
    long_changes.run(job.pk)
    expect(page.locator("#dialog")).not_to_be_visible()
    expect(page.locator("#structure")).to_contain_text("was Decimal until version 2")
    page.click("text=Take the conversion back")
    expect(page.locator("#dialog")).to_contain_text("from Decimal to Integer")
    page.click("#dialog button.btn-primary")
    expect(page.locator("#dialog")).not_to_be_visible()
    with alice.acting():
        assert Record.objects.get(pk=shelf.pk).structure.field("price").type == "decimal"
