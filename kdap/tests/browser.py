"""A real Chromium against a real server, for journeys through several pages.

For tests in modules that are marked `browser`.
"""

import os
import shutil

import pytest

PLACES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Chromium tells of it in the console when a page is answered 4xx; that is what some tests want.
NOT_OURS = ("Failed to load resource",)


@pytest.fixture(scope="module")
def chromium():
    """A running browser; the tests are skipped where there is none, unless one is demanded."""
    from playwright.sync_api import Error, sync_playwright

    # Playwright keeps an event loop in this thread, where Django would refuse its database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    path = next(filter(None, map(shutil.which, PLACES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error as error:
            if os.environ.get("KDAP_REQUIRE_BROWSER"):
                raise
            pytest.skip(f"There is no Chromium: {error.message.splitlines()[0]}")
        yield browser
        browser.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)


@pytest.fixture
def visitor(chromium, live_server):
    """Return a function: visitor() is a page of a new browser profile on our server.

    Whatever a page's scripts complain about, or the content security policy refuses, fails the
    test at its end. Keywords go to Playwright's `new_context`, as java_script_enabled=False.
    """
    contexts, complaints = [], []

    def open_page(**options):
        context = chromium.new_context(base_url=live_server.url, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type == "error" and not message.text.startswith(NOT_OURS)
                else None
            ),
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
