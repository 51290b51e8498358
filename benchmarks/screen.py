"""The grid in a real browser: first rows, scrolling, a jump, an edit."""

import os
import shutil
import statistics
import time
from contextlib import contextmanager

from django.test import Client

from benchmarks.server import serving

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WINDOW = {"width": 1440, "height": 900}
FRAMES = 120
# A window that has just opened fetches hundreds of files for its own frame, on all processors.
SETTLED = 2000
# Scrolls by `step` pixels in each frame; gives how long the frames took, and the long tasks.
SCROLL = """async ([step, frames]) => {
    const scroller = document.querySelector(".grid-scroll");
    const taken = [];
    let last = await new Promise(requestAnimationFrame);
    for (let n = 0; n < frames; n++) {
        scroller.scrollTop += step;
        const now = await new Promise(requestAnimationFrame);
        taken.push(now - last);
        last = now;
    }
    return taken;
}"""
JUMP = """async (row) => {
    const rows = Number(document.querySelector("[aria-rowcount]").ariaRowCount);
    const start = performance.now();
    const grid = document.querySelector(".grid-scroll");
    grid.scrollTop = row / rows * (grid.scrollHeight - grid.clientHeight);
    const filled = () => {
        const rows = [...document.querySelectorAll(".grid-row:not([hidden])")]
            .filter((item) => Math.abs(Number(item.ariaRowIndex) - row) < row / 100);
        return rows.length > 10 && rows.every((item) => item.querySelector("[aria-colindex='2']")?.textContent);
    };
    while (!filled()) await new Promise(requestAnimationFrame);
    return performance.now() - start;
}"""


def browser_path():
    """Return where a Chromium is, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def opened(ground, address):
    """Give a function that opens the grid in a new profile, signed in."""
    from playwright.sync_api import sync_playwright

    client = Client()
    client.force_login(ground.user)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path(), args=["--no-sandbox", "--disable-gpu"]
        )

        def page_of(**options):
            context = browser.new_context(viewport=WINDOW, **options)
            context.add_cookies([cookie])
            page = context.new_page()
            page.wait_for_timeout(SETTLED)
            return page

        yield page_of
        browser.close()


def first_rows(page, url):
    """Return the seconds until cells of the first rows are on screen."""
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector("#grid[data-ready] .grid-row [aria-colindex='2']:not(:empty)")
    return time.perf_counter() - start


def edit(page, row):
    """Return the seconds from Enter in a cell until the server has acknowledged it."""
    page.locator(f'.grid-row[aria-rowindex="{row + 2}"] [aria-colindex="2"]').click()
    page.keyboard.type(f"Edited {row}")
    start = time.perf_counter()
    with page.expect_response(lambda answer: answer.request.method in ("POST", "PATCH")) as answer:
        page.keyboard.press("Enter")
    assert answer.value.ok, answer.value.status
    return time.perf_counter() - start


def measure(ground):
    """Yield (what, milliseconds) for the grid of the ground's record."""
    # Playwright keeps an event loop in this thread, where Django would refuse its database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with serving("kdap.asgi:application") as (_, address), opened(ground, address) as page_of:
        url = f"{address}/r/{ground.record.pk}/"
        first_rows(page_of(), url)  # the server is cold only once
        yield (
            "first rows, nothing cached",
            1e3 * statistics.median(first_rows(page_of(), url) for _ in range(3)),
        )
        page = page_of()
        first_rows(page, url)
        yield (
            "first rows, files cached",
            1e3 * statistics.median(first_rows(page, url) for _ in range(3)),
        )
        page.wait_for_timeout(500)
        for step in (40, 120, 400):
            frames = sorted(page.evaluate(SCROLL, [step, FRAMES]))
            yield f"frame p95, scrolling {step} px each", frames[int(FRAMES * 0.95)]
        target = ground.rows * 9 // 10
        yield f"jump to row {target:,}", page.evaluate(JUMP, target)
        page.goto(url)
        page.wait_for_selector("#grid[data-ready] .grid-row [aria-colindex='2']:not(:empty)")
        yield "cell edit acknowledged", 1e3 * statistics.median(edit(page, n) for n in range(1, 8))
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
