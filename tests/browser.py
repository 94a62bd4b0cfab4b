"""Chromium, driven by Playwright, for tests of the page and for its screenshots."""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def missing():
    """Say what there is to install before a browser can be used; None if nothing."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "Playwright is not installed: pip install -r requirements-dev.txt"
    if not CHROMIUM.exists():
        return f"{CHROMIUM} is not there: apt-get install chromium"
    return None


@contextmanager
def chromium(spoken):
    """Open a Chromium whose microphone plays a WAV file, once each time that it is opened."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*FLAGS, f"--use-file-for-fake-audio-capture={spoken}%noloop"],
        )
        yield browser
        browser.close()


def open_page(browser, url, *, width=1200, height=900, dark=False):
    """Open the demo as a visitor of their own, and wait for the example that it opens with."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        permissions=["microphone", "clipboard-read", "clipboard-write"],
    )
    page = context.new_page()
    page.goto(url)
    page.locator("#ser-result :is(.ser-result, .ser-error)").wait_for()
    return page


def clear(page):
    """Take away the recording that is shown, if there is one."""
    remove = page.locator("#ser-clip").get_by_label("Clear")
    if remove.count():
        remove.click()
        page.locator("#ser-result .ser-empty").wait_for()


def upload(page, clip):
    """Upload a recording in the place of the one shown; wait for what the page makes of it."""
    clear(page)
    page.set_input_files("#ser-clip input[type=file]", clip)
    page.locator("#ser-result :is(.ser-result, .ser-error)").wait_for()


def give_voice(page, clip):
    """Give the visitor's voice, from whatever tab is shown."""
    page.get_by_role("tab", name="Recognise").click()
    page.get_by_role("button", name="My voice").click()
    page.set_input_files("#ser-voice input[type=file]", clip)
    page.locator("#ser-voice", has_text="Your voice is known").wait_for()


def shown_probabilities(page, panel="#ser-result"):
    """Return the bars: from each emotion to its share of 1, in the order of the page."""
    rows = page.locator(f"{panel} .ser-bars li").all()
    return {
        row.locator(".ser-name").inner_text(): float(
            row.evaluate("row => getComputedStyle(row).getPropertyValue('--share')")
        )
        for row in rows
    }


def require_browser():
    """Skip where there is no browser, and fail on a machine that must have one."""
    if reason := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
