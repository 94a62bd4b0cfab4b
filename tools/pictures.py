"""Take the pictures of the demo that README and links to it show: `python tools/pictures.py`.

Runs the app on the model that ships, uses it in Chromium with the model's example clips, and
writes PNG files to `docs/`, and `ser/demo/preview.png`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from browser import chromium, missing, open_page, upload
from running_app import ROOT, RunningApp

if TYPE_CHECKING:  # `missing` says what to install
    from playwright.sync_api import Browser, Page

DOCS = ROOT / "docs"
EXAMPLES = ROOT / "ser" / "pretrained" / "examples"


def main() -> None:
    """Run the command."""
    if reason := missing():
        sys.exit(reason)
    DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        long = join_examples(Path(folder, "long.wav"))
        app = RunningApp(Path(folder)).wait()
        try:
            with chromium(long) as browser:
                take_all(browser, app.url, long)
        finally:
            app.stop()


def join_examples(path: Path) -> Path:
    """Write the example clips one after the other to a file, with pauses."""
    parts = []
    for clip in sorted(EXAMPLES.glob("*.flac")):
        samples, rate = soundfile.read(clip)
        parts += [samples, np.zeros(rate // 2)]
    soundfile.write(path, np.concatenate(parts), rate)
    return path


def take_all(browser: Browser, url: str, long: Path) -> None:
    """Take a picture of each main state of the page."""
    short = next(EXAMPLES.glob("*fearful*.flac"))
    looks: dict[str, dict[str, int]] = {
        "result": {},
        "result-dark": {"dark": True},
        "result-phone": {"width": 390, "height": 844},
    }
    for name, look in looks.items():
        page = open_page(browser, url, **look)
        upload(page, short)
        take(page, name)
        page.context.close()

    take_preview(browser, url)
    page = open_page(browser, url)
    upload(page, long)
    page.locator("#ser-course li").first.wait_for()
    take(page, "timeline")
    page.get_by_role("tab", name="Live").click()
    page.locator("#ser-live .record-button").click()
    page.wait_for_timeout(7000)
    take(page, "live")
    page.locator("#ser-live .stop-button").click()
    page.get_by_role("tab", name="Batch").click()
    bad = long.with_name("notes.wav")
    bad.write_text("not a recording")
    files = sorted(EXAMPLES.glob("*.flac"))
    page.set_input_files("#ser-files input[type=file]", [*files, bad])
    page.locator("#ser-start:not([disabled])").click()
    page.locator("#ser-batch a[download]").wait_for()
    take(page, "batch")
    page.get_by_role("tab", name="About").click()
    take(page, "about")


def take_preview(browser: Browser, url: str) -> None:
    """Write what chats show of a link: the first result of the page, in 256 colours."""
    path = ROOT / "ser" / "demo" / "preview.png"
    context = browser.new_context(viewport={"width": 1000, "height": 525}, device_scale_factor=1.2)
    page = context.new_page()
    page.goto(f"{url}/?example=5")
    page.locator("#ser-result .ser-example").wait_for()
    page.add_style_tag(content="#ser-head p, .tab-wrapper { display: none !important; }")
    page.wait_for_timeout(800)
    page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize().save(path, optimize=True)
    context.close()


def take(page: Page, name: str) -> None:
    """Write one picture of the whole page."""
    page.mouse.move(2, 2)
    page.wait_for_timeout(800)  # for transitions to end
    page.screenshot(path=DOCS / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
