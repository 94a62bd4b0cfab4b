"""The main path through the page in Firefox."""

import json

import pytest
import soundfile
from firefox import firefox, require_firefox
from signals import speech_like

TABS = {
    "Live": "#ser-live-result h2",
    "Batch": "#ser-start",
    "About": "#ser-about table",
    "Recognise": "#ser-result h2",
}
RESULT = 'document.querySelector("#ser-result .ser-result")?.innerText'


@pytest.fixture
def page(app, tmp_path):
    require_firefox()
    with firefox(tmp_path) as page:
        page.open(app.url)
        yield page


def test_the_main_path_in_firefox(page, tmp_path, recognizer):
    opened = page.wait(RESULT)  # the first example
    page.click("#ser-examples button:nth-of-type(2)")
    example = page.wait(f"{RESULT} !== {json.dumps(opened)} && {RESULT}")
    page.click("#ser-clip button[aria-label=Clear]")
    page.wait('document.querySelector("#ser-result .ser-result") === null')
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, speech_like(seconds=2), 24000)
    page.choose_file("#ser-clip input[type=file]", clip)
    uploaded = page.wait(RESULT)
    assert uploaded != example
    assert all(label in uploaded for label in recognizer.labels)
    for name, content in TABS.items():
        tabs = '[...document.querySelectorAll("[role=tab]")]'
        page.run(f'{tabs}.find((tab) => tab.innerText === "{name}").click()')
        page.wait(f'document.querySelector("{content}")?.checkVisibility()')
    assert page.run(RESULT) == uploaded
    assert page.errors == []
