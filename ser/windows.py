"""Overlapping windows over a recording that is longer than the clips a model learns from."""

WINDOW = 3.0
"""Length of a window in seconds: about one sentence, as in RAVDESS."""

HOP = 0.5
"""Seconds from one window to the next, so that each short sentence fits into some window."""

MAX_WINDOWS = 600
"""Most windows of a recording; they lie further apart in one of more than five minutes."""

MIN_DURATION = 4.0
"""A recording up to this many seconds is one window."""


def window_slices(n_samples, sample_rate):
    """Lay windows over a recording, from its first sample to its last.

    Parameters
    ----------
    n_samples : int
    sample_rate : int
        In Hz.

    Returns
    -------
    list of slice
        In order; the last one ends with the recording, whatever its distance to the one before.
    """
    if n_samples <= MIN_DURATION * sample_rate:
        return [slice(0, n_samples)]
    length = int(WINDOW * sample_rate)
    hop = max(int(HOP * sample_rate), n_samples // MAX_WINDOWS)
    starts = [*range(0, n_samples - length, hop), n_samples - length]
    return [slice(start, start + length) for start in starts]
