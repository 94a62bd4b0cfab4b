"""The picture of a recording: waveform, spectrogram with pitch, and timeline over one time axis.

Drawn as HTML and SVG rather than as a bitmap, so that it follows the page's colours in light and
dark, its text stays sharp at any width, and nothing moves when it arrives.
"""

import base64
import io
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ser.corpora.emotions import adjective
from ser.demo.result_panel import colour
from ser.demo.spectrogram import Spectrum, envelope, height, spectrum
from ser.demo.visit_panel import timeline_data
from ser.demo.wording import clock, percent

if TYPE_CHECKING:
    from ser.timeline import Segment, Timeline

FREQUENCIES = (250, 1000, 2000, 4000, 8000)
"""Hz that are labelled at the side of the spectrogram."""

TIME_STEPS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120)
"""Seconds between the marks of a time axis; the first that gives few enough marks is used."""

MAX_TICKS = 6

LEGEND = '<p class="ser-legend" aria-hidden="true"><b>The part that was used</b><i></i> Pitch</p>'


def empty_picture() -> str:
    """Draw the frames that a picture will fill, so that the page does not jump."""
    return _figure(
        "",
        _row("Waveform", '<div class="ser-plot ser-wave"></div>')
        + _row("Pitch, spectrum", '<div class="ser-plot ser-spectrum"></div>')
        + _row("", '<div class="ser-axis"></div>')
        + _row("", LEGEND),
        state="empty",
    )


def draw_recording(
    waveform: NDArray[np.float32],
    sample_rate: int,
    used: tuple[float, float] | None = None,
    timeline: "Timeline | None" = None,
) -> str:
    """Draw a recording.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)
    sample_rate : int
        In Hz.
    used : (float, float), optional
        Beginning and end of the part that was used, in seconds; without it, nothing is shaded.
    timeline : ser.timeline.Timeline, optional
        Adds the course of every emotion.

    Returns
    -------
    str
        HTML.
    """
    duration = waveform.size / sample_rate
    seen = spectrum(waveform, sample_rate)
    rows = (
        _row("Waveform", _wave(waveform, duration, used))
        + _row(_frequency_names(sample_rate), _spectrum(seen, duration, sample_rate))
        + _row("", _time_axis(duration))
        + _row("", LEGEND)
    )
    if timeline is not None:
        rows += _timeline(timeline)
    return _figure(
        describe(duration, used, seen.pitch, timeline), rows, data=timeline_data(timeline)
    )


def describe(
    duration: float,
    used: tuple[float, float] | None,
    pitch: NDArray[np.floating],
    timeline: "Timeline | None" = None,
) -> str:
    """Describe the picture in words, for those who cannot see it.

    Parameters
    ----------
    duration : float
        In seconds.
    used : (float, float) or None
        Beginning and end of the part that was used, in seconds.
    pitch : ndarray
        In Hz; NaN where there is no voice.
    timeline : ser.timeline.Timeline, optional
    """
    parts = [f"Picture of a recording of {clock(duration)}."]
    if used:
        parts.append(f"The part from {clock(used[0])} to {clock(used[1])} was used.")
    voiced = pitch[~np.isnan(pitch)]
    if voiced.size:
        low, middle, high = np.percentile(voiced, [5, 50, 95])
        parts.append(f"The pitch is mostly {low:.0f} to {high:.0f} Hz, its median {middle:.0f}.")
    if timeline is not None:
        parts.append("Over time: " + "; ".join(map(_segment_words, timeline.segments)) + ".")
    return " ".join(parts)


def _figure(description: str, rows: str, state: str = "drawn", data: str = "") -> str:
    role = f'role="img" aria-label="{escape(description)}"' if description else 'aria-hidden="true"'
    return f'<div class="ser-picture ser-{state}" {role}{data}>{rows}</div>'


def _row(name: str, plot: str) -> str:
    return f'<div class="ser-gutter" aria-hidden="true">{name}</div>{plot}'


def _svg(width: int | str, height: int, body: str, kind: str) -> str:
    """Draw in a box that stretches to the plot; strokes keep their width."""
    return (
        f'<div class="ser-plot ser-{kind}" aria-hidden="true">'
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none">{body}</svg></div>'
    )


def _wave(waveform: NDArray[np.float32], duration: float, used: tuple[float, float] | None) -> str:
    low, high = envelope(waveform)
    peak = max(np.abs(waveform).max(), 1e-9)
    top = [f"{x} {50 - 48 * y / peak:.1f}" for x, y in enumerate(high)]
    bottom = [f"{x} {50 - 48 * y / peak:.1f}" for x, y in enumerate(low)]
    shade = ""
    if used:
        start, end = (time / duration * len(low) for time in used)
        shade = f'<rect class="ser-used" x="{start:.1f}" width="{end - start:.1f}" height="100"/>'
    path = f'<path class="ser-line" d="M{"L".join(top + bottom[::-1])}Z"/>'
    return _svg(len(low), 100, shade + path, "wave")


def _spectrum(seen: Spectrum, duration: float, sample_rate: int) -> str:
    alpha = np.round(255 * seen.levels.T[::-1]).astype(np.uint8)
    file = io.BytesIO()
    Image.merge("LA", [Image.new("L", alpha.shape[::-1]), Image.fromarray(alpha)]).save(file, "PNG")
    image = base64.b64encode(file.getvalue()).decode()
    track = _pitch(seen, duration, sample_rate)
    return (
        '<div class="ser-plot ser-spectrum" aria-hidden="true">'
        f'<div style="--levels:url(data:image/png;base64,{image})"></div>'
        '<svg viewBox="0 0 1000 1000" preserveAspectRatio="none">'
        f'<path class="ser-halo" d="{track}"/><path class="ser-pitch" d="{track}"/></svg></div>'
    )


def _pitch(seen: Spectrum, duration: float, sample_rate: int) -> str:
    """Return the pitch as an SVG path that is interrupted where there is no voice."""
    path, pen_down = [], False
    ys = 1000 * (1 - height(seen.pitch, sample_rate))
    for x, y in zip(1000 * seen.times / duration, ys, strict=True):
        if np.isfinite(y):
            path.append(f"{'L' if pen_down else 'M'}{x:.1f} {y:.1f}")
        pen_down = np.isfinite(y)
    return "".join(path)


def _frequency_names(sample_rate: int) -> str:
    names = "".join(
        f'<span style="bottom:{100 * height(hertz, sample_rate):.1f}%">{hertz}</span>'
        for hertz in FREQUENCIES
        if hertz <= sample_rate / 2
    )
    return f'<span class="ser-unit">Hz</span>{names}'


def _time_axis(duration: float) -> str:
    step = next((s for s in TIME_STEPS if duration / s <= MAX_TICKS), TIME_STEPS[-1])
    marks = "".join(
        f'<span style="left:{100 * time / duration:.2f}%">{_tick(time, step)}</span>'
        for time in np.arange(0, 0.93 * duration, step)  # the unit stands at the end
    )
    unit = "min" if step >= 10 else "s"
    marks += f'<span class="ser-unit">{unit}</span>'
    return f'<div class="ser-axis" aria-hidden="true">{marks}</div>'


def _tick(time: float, step: float) -> str:
    if step >= 10:
        return f"{int(time) // 60}:{int(time) % 60:02}"
    return f"{time:g}"


def _timeline(timeline: "Timeline") -> str:
    edges, curves = timeline.curves()
    blocks = "".join(
        f'<i style="left:{100 * s.start / timeline.duration:.2f}%;'
        f"width:{100 * (s.end - s.start) / timeline.duration:.2f}%;"
        f'background:{colour(s.emotion)}" title="{escape(_segment_words(s))}"></i>'
        for s in timeline.segments
        if s.emotion
    )
    rows = _row("Strongest", f'<div class="ser-plot ser-strip" aria-hidden="true">{blocks}</div>')
    for emotion, curve in zip(timeline.labels, np.nan_to_num(curves).T, strict=True):
        points = [f"{edges[0]:.2f} 1"]
        for start, end, share in zip(edges[:-1], edges[1:], curve, strict=True):
            points += [f"{start:.2f} {1 - share:.3f}", f"{end:.2f} {1 - share:.3f}"]
        points.append(f"{edges[-1]:.2f} 1")
        area = f'<path style="fill:{colour(emotion)}" d="M{"L".join(points)}Z"/>'
        rows += _row(escape(emotion), _svg(f"{timeline.duration:.2f}", 1, area, "course"))
    return rows


def _segment_words(segment: "Segment") -> str:
    times = f"{clock(segment.start)} to {clock(segment.end)}"
    if segment.emotion is None or segment.confidence is None:
        return f"{times}: no speech"
    return f"{times}: {adjective(segment.emotion)}, {percent(segment.confidence)}"
