"""The picture of a recording: waveform, pitch and spectrogram over one time axis.

Drawn as HTML and SVG rather than as a bitmap, so that it follows the page's colours in light and
dark, its text stays sharp at any width, and nothing moves when it arrives. The timeline is drawn
apart, under the same axis, so that it can be drawn again while it is worked out.
"""

import base64
import io
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ser.corpora.emotions import adjective
from ser.demo.recognise.spectrogram import (
    Spectrum,
    columns,
    envelope,
    height,
    pitch_height,
    spectrum,
)
from ser.demo.recognise.stretches import LONG, stretches
from ser.demo.recognise.visit_panel import timeline_data
from ser.demo.result_panel import colour
from ser.demo.wording import clock, percent

if TYPE_CHECKING:
    from ser.timeline import Segment, Timeline

FREQUENCIES = (250, 1000, 2000, 4000, 8000)
"""Hz that are labelled at the side of the spectrogram."""

PITCHES = (75, 150, 300)
"""Hz that are labelled at the side of the pitch: an octave apart."""

TIME_STEPS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120)
"""Seconds between the marks of a time axis; the first that gives few enough marks is used."""

MAX_TICKS = 6

ZOOMS = (1, 2, 4, 8, 16)
"""How much wider than the page a picture can be made, each with a time axis of its own."""

SHORTEST_VIEW = 1.5
"""Seconds that can be seen at a time at least."""

CURVE_CELLS = 400
"""Most steps of a curve of the timeline: each drawing of ten minutes stays below 50 kB."""

LEGEND = '<span class="ser-key" aria-hidden="true">The part that was used</span>'


def empty_picture() -> str:
    """Draw the frames that a picture will fill, so that the page does not jump."""
    rows = (
        _row("Waveform", '<div class="ser-plot ser-wave"></div>')
        + _row("Pitch", '<div class="ser-plot ser-pitch"></div>')
        + _row("Spectrum", '<div class="ser-plot ser-spectrum"></div>')
        + _row("", '<div class="ser-axis"></div>')
    )
    return (
        f'<div class="ser-picture ser-empty"><div class="ser-rows" aria-hidden="true">{rows}</div>'
        f'<p class="ser-legend">{LEGEND}</p></div>'
    )


def draw_recording(
    waveform: NDArray[np.float32],
    sample_rate: int,
    used: tuple[float, float] | None = None,
) -> str:
    """Draw a recording.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)
    sample_rate : int
        In Hz.
    used : (float, float), optional
        Beginning and end of the part that was used, in seconds; without it, nothing is shaded.

    Returns
    -------
    str
        HTML. Its `data-duration` is what the player goes by, in seconds.
    """
    duration = waveform.size / sample_rate
    seen = spectrum(waveform, sample_rate)
    if used:  # beside speech, what is found is the pitch of noise
        is_used = (used[0] <= seen.times) & (seen.times <= used[1])
        seen = replace(seen, pitch=np.where(is_used, seen.pitch, np.nan))
    rows = (
        _row("Waveform", _wave(waveform, duration, used))
        + _row(
            _hertz({each: pitch_height(each) for each in PITCHES}, "Pitch, Hz"),
            _pitch(seen, duration),
        )
        + _row(_hertz(_frequencies(sample_rate), "Spectrum, Hz"), _spectrum(seen))
        + _row("", _time_axes(duration))
    )
    numbers = pitch_words(seen.pitch)
    described = escape(describe(duration, used, numbers))
    cursor = (
        '<div class="ser-cursor" role="slider" tabindex="0" aria-label="Position in the recording" '
        f'aria-valuemin="0" aria-valuemax="{duration:.2f}" aria-valuenow="0"><i></i><b></b></div>'
    )
    return (
        f'<div class="ser-picture" data-duration="{duration:.3f}">'
        f'<div class="ser-rows" role="img" aria-label="{described}">{rows}</div>{cursor}'
        f'<p class="ser-legend">{LEGEND if used else ""} <span>{numbers}</span></p></div>'
    )


def describe(duration: float, used: tuple[float, float] | None, pitch: str) -> str:
    """Describe the picture in words, for those who cannot see it.

    Parameters
    ----------
    duration : float
        In seconds.
    used : (float, float) or None
        Beginning and end of the part that was used, in seconds.
    pitch : str
        As `pitch_words` says it.
    """
    parts = [f"Picture of a recording of {clock(duration)}."]
    if used:
        parts.append(f"The part from {clock(used[0])} to {clock(used[1])} was used.")
    return " ".join([*parts, pitch]).strip()


def pitch_words(pitch: NDArray[np.floating]) -> str:
    """Say how high a voice is and how much that varies.

    Parameters
    ----------
    pitch : ndarray
        In Hz; NaN where there is no voice. If it is nowhere, nothing is said.
    """
    voiced = pitch[~np.isnan(pitch)]
    if not voiced.size:
        return ""
    low, high = np.percentile(voiced, [5, 95])
    return f"Pitch: mostly {low:.0f} to {high:.0f} Hz."


def draw_timeline(timeline: "Timeline", *, kept: "Timeline | None" = None) -> str:
    """Draw the strongest emotion and the course of every one, as far as they are known.

    Parameters
    ----------
    timeline : ser.timeline.Timeline
        Complete or not.
    kept : ser.timeline.Timeline, optional
        What visitors keep of it, if there will be no other drawing; its numbers go with this one.

    Returns
    -------
    str
        HTML, under the axis of `draw_recording`. `stretches` says the same in words.
    """
    is_long = timeline.duration >= LONG
    blocks = "".join(
        f'<i style="left:{100 * s.start / timeline.duration:.2f}%;'
        f"width:{100 * (s.end - s.start) / timeline.duration:.2f}%;"
        f'--colour:{colour(s.emotion)}" title="{escape(_segment_words(s))}">'
        f"<span>{escape(adjective(s.emotion))}</span></i>"
        for s in (stretches(timeline) if is_long else timeline.segments)
        if s.emotion
    )
    rows = _row("Strongest", f'<div class="ser-plot ser-strip">{blocks}</div>')
    edges, curves = timeline.curves()
    step = -(-len(curves) // CURVE_CELLS)
    starts = np.arange(0, len(curves), step)
    shares = np.maximum.reduceat(np.nan_to_num(curves), starts)
    ends = np.append(edges[starts[1:]], edges[-1]) / timeline.duration
    for emotion, curve in zip(timeline.labels, shares.T, strict=True):
        path = "".join(
            f"V{100 * (1 - share):.0f}H{1000 * end:.0f}"
            for share, end in zip(curve, ends, strict=True)
        )
        area = f'<path style="fill:{colour(emotion)}" d="M0 100{path}V100Z"/>'
        rows += _row(escape(emotion), _svg(1000, 100, area, "course"))
    data = timeline_data(kept)
    return f'<div class="ser-rows ser-timeline" aria-hidden="true"{data}>{rows}</div>'


def _row(name: str, plot: str) -> str:
    return f'<div class="ser-gutter">{name}</div>{plot}'


def _svg(width: int, height: int, body: str, kind: str) -> str:
    """Draw in a box that stretches to the plot; strokes keep their width."""
    return (
        f'<div class="ser-plot ser-{kind}">'
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none">{body}</svg></div>'
    )


def _wave(waveform: NDArray[np.float32], duration: float, used: tuple[float, float] | None) -> str:
    low, high = envelope(waveform, columns(duration))
    peak = max(np.abs(waveform).max(), 1e-9)
    top = [f"{x} {50 - 48 * y / peak:.1f}" for x, y in enumerate(high)]
    bottom = [f"{x} {50 - 48 * y / peak:.1f}" for x, y in enumerate(low)]
    shade = ""
    if used:
        start, end = (time / duration * len(low) for time in used)
        shade = f'<rect class="ser-used" x="{start:.1f}" width="{end - start:.1f}" height="100"/>'
    path = f'<path class="ser-line" d="M{"L".join(top + bottom[::-1])}Z"/>'
    return _svg(len(low), 100, shade + path, "wave")


def _spectrum(seen: Spectrum) -> str:
    alpha = np.round(255 * seen.levels.T[::-1]).astype(np.uint8)
    file = io.BytesIO()
    Image.merge("LA", [Image.new("L", alpha.shape[::-1]), Image.fromarray(alpha)]).save(file, "PNG")
    image = base64.b64encode(file.getvalue()).decode()
    return (
        '<div class="ser-plot ser-spectrum">'
        f'<div style="--levels:url(data:image/png;base64,{image})"></div></div>'
    )


def _pitch(seen: Spectrum, duration: float) -> str:
    """Draw the pitch as a path that is interrupted where there is no voice."""
    path, pen_down = [], False
    ys = 1000 * (1 - pitch_height(seen.pitch))
    for x, y in zip(1000 * seen.times / duration, ys, strict=True):
        if np.isfinite(y):
            # A voice of one column is a point, which a round line of no length draws.
            path.append(f"L{x:.1f} {y:.0f}" if pen_down else f"M{x:.1f} {y:.0f}h0")
        pen_down = np.isfinite(y)
    lines = "".join(
        f'<path class="ser-grid" d="M0 {1000 * (1 - pitch_height(each)):.0f}H1000"/>'
        for each in PITCHES
    )
    return _svg(1000, 1000, f'{lines}<path class="ser-track-line" d="{"".join(path)}"/>', "pitch")


def _frequencies(sample_rate: int) -> dict[int, float]:
    return {each: height(each, sample_rate) for each in FREQUENCIES if each <= sample_rate / 2}


def _hertz(heights: dict[int, float], unit: str) -> str:
    """Write frequencies beside a plot, each at its height."""
    names = "".join(
        f'<span style="bottom:{100 * share:.1f}%">{hertz}</span>'
        for hertz, share in heights.items()
    )
    return f'<span class="ser-unit">{unit}</span>{names}'


def _time_axes(duration: float) -> str:
    """Draw a time axis for each width that the picture can have; styles show one of them."""
    zooms = [zoom for zoom in ZOOMS if zoom == 1 or duration / zoom >= SHORTEST_VIEW]
    axes = []
    for zoom in zooms:
        step = next((s for s in TIME_STEPS if duration / s <= MAX_TICKS * zoom), TIME_STEPS[-1])
        marks = "".join(
            f'<span style="left:{100 * time / duration:.2f}%">{_tick(time, duration)}</span>'
            for time in np.arange(0, (1 - 0.07 / zoom) * duration, step)  # the unit is at the end
        )
        unit = "min" if duration >= 60 else "s"
        axes.append(f'<div data-zoom="{zoom}">{marks}<span class="ser-unit">{unit}</span></div>')
    return f'<div class="ser-axis">{"".join(axes)}</div>'


def _tick(time: float, duration: float) -> str:
    if duration < 60:
        return f"{time:g}"
    seconds = f"{time % 60:g}"
    return f"{int(time) // 60}:{'0' if time % 60 < 10 else ''}{seconds}"


def _segment_words(segment: "Segment") -> str:
    times = f"{clock(segment.start)} to {clock(segment.end)}"
    if segment.emotion is None or segment.confidence is None:
        return f"{times}: no speech"
    return f"{times}: {adjective(segment.emotion)}, {percent(segment.confidence)}"
