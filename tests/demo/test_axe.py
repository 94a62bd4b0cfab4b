"""The rules of axe for people who see, hear or move otherwise, in each tab as it is used."""

import pytest
from browser import chromium, open_page, require_browser, upload

TABS = ("Recognise", "Live", "Batch", "About")
STILL = """() => !document.querySelector("#ser-batch .pending") &&
    document.getAnimations().every((each) => !(each instanceof CSSTransition))"""
"""No colour is between two others."""


@pytest.fixture(scope="module")
def browser(four_voices):
    require_browser()
    with chromium(four_voices) as running:
        yield running


@pytest.fixture(scope="module")
def page(browser, app, four_voices, tmp_path_factory):
    """Return a page in full use: marks, two recordings compared, a table, Live and the game."""
    page = open_page(browser, app.url, dark=True)
    upload(page, four_voices)
    page.locator(".ser-strip i").first.wait_for()
    page.locator("#ser-marks").get_by_role("button", name="Right").click()
    page.locator("#ser-visit [type=checkbox]").nth(1).wait_for()
    for box in page.locator("#ser-visit [type=checkbox]").all():
        box.check()
    page.get_by_role("button", name="Game").click()
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="My voice").click()
    page.get_by_role("tab", name="Batch").click()
    folder = tmp_path_factory.mktemp("batch")
    bad, happy = folder / "notes.wav", folder / "03-01-03-01-01-01-01.wav"
    bad.write_text("not a recording")
    happy.symlink_to(four_voices)
    page.set_input_files("#ser-files input[type=file]", [bad, happy])
    page.locator("#ser-start:not([disabled])").click()
    page.locator("#ser-batch a[download]").wait_for()
    page.get_by_role("tab", name="Live").click()
    page.locator("#ser-live .record-button").click()
    page.locator("#ser-live-result .ser-history i").first.wait_for(timeout=60_000)
    yield page
    page.context.close()


@pytest.mark.parametrize("width, height, theme", [(1280, 900, "dark"), (390, 844, "light")])
def test_nobody_is_shut_out_and_a_phone_scrolls_one_way_only(page, width, height, theme):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=theme)
    page.evaluate("isDark => document.body.classList.toggle('dark', isDark)", theme == "dark")
    page.set_viewport_size({"width": width, "height": height})
    found = []
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        page.wait_for_function(STILL)
        assert page.evaluate("document.documentElement.scrollWidth") == width, tab
        for each in Axe().run(page).response["violations"]:
            if each["impact"] in ("serious", "critical"):
                found += [(tab, each["id"], node["html"]) for node in each["nodes"]]
    assert found == []
