"""What tests of the grid in a browser share."""

import pytest

from records.models import Record
from records.tests.helpers import add, column

PASTE = """([text, html]) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    if (html) clipboardData.setData("text/html", html);
    const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
    document.activeElement.dispatchEvent(event);
}"""
COPY = """() => {
    const clipboardData = new DataTransfer();
    const event = new ClipboardEvent("copy", { clipboardData, bubbles: true, cancelable: true });
    document.activeElement.dispatchEvent(event);
    return clipboardData.getData("text/plain");
}"""


@pytest.fixture
def books(make_record):
    genres = {"type": "choice", "options": {"choices": ["Novel", "Poetry", "Travel"]}}
    return make_record(
        title="text", price="decimal", genre=genres, sold="boolean", published="date"
    )


@pytest.fixture
def shelf(books, alice):
    """Five books."""
    add(alice, books, *[{"title": f"Book {n}", "price": n} for n in range(1, 6)])
    return books


@pytest.fixture
def open_grid(visitor, live_server):
    """Return a function: open_grid(person, record) is the person's page with the grid ready."""

    def open_it(person, record, query="", **options):
        page = visitor(viewport={"width": 1440, "height": 900}, **options)
        cookie = person.client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page.goto(f"/r/{record.pk}/{query}")
        if options.get("java_script_enabled", True):
            page.wait_for_selector("#grid[data-ready]")
        return page

    return open_it


def cell(page, row, index):
    """The cell in a row and a column, counted from 0."""
    return page.locator(
        f'.grid-row:not([hidden])[aria-rowindex="{row + 2}"] [aria-colindex="{index + 1}"]'
    )


def paste(page, text, html=""):
    page.evaluate(PASTE, [text, html])


def copied(page):
    """What Ctrl+C puts on the clipboard as text."""
    return page.evaluate(COPY)


def kept(person, record, key):
    with person.acting():
        return column(Record.objects.get(pk=record.pk), key)
