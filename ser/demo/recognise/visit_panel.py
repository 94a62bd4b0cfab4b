"""What stays of a visit: recordings, the visitor's marks, files to save, and a game.

All of that is made and held by the scripts in the visitor's browser. Here are its frames, its
words, and what tells the scripts of a recording and its result; nothing comes back to the server.
"""

import json
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING

import gradio as gr

from ser.demo.accuracy import is_acted

if TYPE_CHECKING:
    from ser import EmotionRecognizer
    from ser.timeline import Timeline

PROMISE = (
    "Recordings of this visit, with their results and your marks. This list is only in this "
    "browser's memory: it is gone when you reload or close the page."
)
ACTED = "Estimated by a model that learnt from acted speech; everyday feelings may sound different."
ESTIMATED = "Estimated from the sound of the voice alone."

SENTENCES = ("Kids are talking by the door", "Dogs are sitting by the door")
"""Those of RAVDESS, which mean nothing in particular, so that only the voice tells."""


@dataclass(frozen=True)
class Task:
    """How the game asks for an emotion, and what usually makes it heard.

    Attributes
    ----------
    emotion : str
        The canonical label.
    manner : str
        How to say the sentence.
    hint : str
        Pitch, loudness and tempo that are usual for it.
    """

    emotion: str
    manner: str
    hint: str


TASKS = (
    Task("neutral", "as a plain fact", "Middling in pitch, loudness and tempo, without stress."),
    Task("calm", "calmly", "Low and soft, unhurried, with a voice that hardly moves."),
    Task("happy", "happily", "High and lively, rather loud and quick; smile as you speak."),
    Task("sad", "sadly", "Low and quiet, slow, falling towards the end."),
    Task("angry", "angrily", "Loud and hard, quick, with sharp stresses."),
    Task("fearful", "fearfully", "High and quick, with a breathy voice that trembles."),
    Task("disgust", "with disgust", "Low and drawn out, slow, as if pushing it away."),
    Task("surprised", "with surprise", "Very high, with a wide leap upwards; loud at first."),
)
"""What is usual follows P. N. Juslin and P. Laukka, Psychological Bulletin 129(5), 2003, and for
surprise and disgust K. R. Scherer, Speech Communication 40(1), 2003."""


def add_recorder(clip: gr.Audio) -> gr.Audio:
    """Lay out the button that records at once, and the recorder that it brings up.

    Parameters
    ----------
    clip : gr.Audio
        Where the recording goes; what it holds stays until then.

    Returns
    -------
    gr.Audio
        The recorder.
    """
    recorder = gr.Audio(
        sources=["microphone"],
        type="filepath",
        label="New recording",
        waveform_options=gr.WaveformOptions(show_recording_waveform=False),
        visible=False,
        elem_id="ser-recorder",
    )
    button = gr.Button("New recording", size="sm", elem_id="ser-again")
    button.click(None, None, recorder, js="() => serVisit.record()")
    recorder.stop_recording(
        None, recorder, [clip, recorder], js="(clip) => serVisit.recorded(clip)"
    )
    recorder.clear(None, None, recorder, js="() => serVisit.recorded(null)[1]")
    return recorder


def add_game() -> None:
    """Lay out the game that asks for an emotion and says whether it was heard."""
    with gr.Accordion("Game: make yourself heard", open=False, elem_id="ser-game"):
        tasks = escape(json.dumps([asdict(task) for task in TASKS]))
        gr.HTML(
            f'<div class="ser-game" data-tasks="{tasks}" '
            f'data-sentences="{escape(json.dumps(SENTENCES))}">'
            '<p class="ser-task">You get a sentence and an emotion to say it in; the page says '
            "whether it was heard. Rounds go through all emotions.</p>"
            '<p class="ser-quiet ser-hint"></p>'
            '<p class="ser-buttons"><button class="ser-button" data-game="next">Start</button>'
            '<button class="ser-button" data-game="record" hidden>Say it now</button></p>'
            '<p class="ser-verdict" role="status"></p></div>'
        )


def add_marks(clip: gr.Audio, panel: gr.HTML) -> gr.HTML:
    """Lay out what a visitor can say of the result shown, and save of it.

    Parameters
    ----------
    clip : gr.Audio
        The recorder.
    panel : gr.HTML
        The result.

    Returns
    -------
    gr.HTML
        To be filled by `marks` once the model has loaded.
    """
    shown = gr.HTML(_marks("", ESTIMATED), elem_id="ser-marks")
    panel.change(None, [clip, panel], None, js="(clip, panel) => serVisit.heard(clip, panel)")
    return shown


def marks(recognizer: "EmotionRecognizer") -> str:
    """Draw what `add_marks` laid out, with what pictures say of the model."""
    words = ACTED if is_acted(recognizer.config) else ESTIMATED
    return _marks(recognizer.source, words, recognizer.labels)


def _marks(model: str, caution: str, labels: tuple[str, ...] = ()) -> str:
    return (
        f'<div class="ser-marks" data-model="{escape(model)}" data-caution="{escape(caution)}" '
        f'data-labels="{escape(json.dumps(labels))}" data-source="">'
        '<span class="ser-quiet">Was it right?</span><div class="ser-mark"></div>'
        '<b class="ser-score ser-quiet"></b>'
        '<button class="ser-button" data-do="picture">Save picture</button></div>'
    )


def add_panel(clip: gr.Audio, picture: gr.HTML) -> None:
    """Lay out the list of the visit's recordings.

    Parameters
    ----------
    clip : gr.Audio
        The recorder.
    picture : gr.HTML
        The picture of the recording, of which the list gets the timeline.
    """
    gr.HTML(_VISIT, elem_id="ser-visit")
    picture.change(None, [clip, picture], None, js="(clip, html) => serVisit.drawn(clip, html)")


def of(path: str | None, token: str) -> str:
    """Say of which recording a panel or a picture is, as another may have taken its place.

    Parameters
    ----------
    path : str or None
    token : str
        Of this once, so that the same again is a change.
    """
    return f'<i hidden data-path="{escape(path or "")}" data-token="{token}"></i>'


def timeline_data(timeline: "Timeline | None") -> str:
    """Write a timeline as an attribute of HTML: rows of numbers, from which visit.js unpacks it.

    Parameters
    ----------
    timeline : ser.timeline.Timeline or None
        Without one, nothing is written.
    """
    if timeline is None:
        return ""
    known = {
        "duration": timeline.duration,
        "warnings": timeline.warnings,
        "reference": timeline.reference,
        "labels": timeline.labels,
        "windows": [
            [round(value, 4) for value in (each.start, each.end, each.speech_duration, *shares)]
            for each in timeline.windows
            for shares in [(each.probabilities or {}).values()]
        ],
        "segments": [
            [each.start, each.end, each.emotion, each.confidence] for each in timeline.segments
        ],
    }
    return f' data-timeline="{escape(json.dumps(known))}"'


_VISIT = f"""<section class="ser-card ser-visit" aria-labelledby="ser-visit-name">
<h2 id="ser-visit-name" tabindex="-1">This visit</h2>
<p class="ser-quiet">{PROMISE}</p>
<ol class="ser-kept" aria-label="Recordings of this visit"></ol>
<p class="ser-quiet" data-visit="none">No recordings yet.</p>
<p class="ser-quiet" data-visit="silent" hidden>To spare memory, the sound of the oldest recordings,
or of one of more than 100 MB, was let go; the results stay.</p>
<div class="ser-compared" data-visit="compared"></div>
<p class="ser-score" role="status"></p>
<div class="ser-marked" hidden>
<p class="ser-quiet">As you marked them: each row is what your recordings were, each column what was
heard.</p>
<div class="ser-scroll" tabindex="0" role="region" aria-label="What your recordings were and what
was heard"><table></table></div></div>
<p class="ser-buttons" data-visit="files" hidden>
<button class="ser-button" data-do="json">Save JSON</button>
<button class="ser-button" data-do="csv">Save CSV</button>
<button class="ser-button" data-do="timelines" hidden>Save timelines as CSV</button>
<button class="ser-button" data-do="delete-all">Delete all</button></p>
</section>
<template id="ser-kept-row"><li>
<button class="ser-button" data-do="play">Play</button>
<div class="ser-who"><b></b><small></small></div>
<div class="ser-heard"><span class="ser-dot"></span><span class="ser-small-bars"></span></div>
<div class="ser-mark"></div>
<div class="ser-buttons"><label><input type="checkbox" data-do="compare"> Compare</label>
<button class="ser-button" data-do="picture">Save picture</button>
<button class="ser-button" data-do="delete">Delete</button></div>
</li></template>"""
