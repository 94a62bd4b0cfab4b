"""The feature extractor: from speech to a vector of numbers with names."""

import hashlib
import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ser.audio.activity import cut_speech
from ser.audio.clips import Clip, clip_name, each_clip
from ser.audio.loading import load_audio
from ser.errors import AudioError
from ser.features.config import FEATURE_VERSION, PARTS, FeatureConfig
from ser.features.statistics import STATISTICS, Views
from ser.features.tracks import Tracks, compute_tracks, track_names

if TYPE_CHECKING:
    from pandas import DataFrame

HASH_LENGTH = 16  # hexadecimal digits: enough to tell versions apart, short enough to show


class FeatureExtractor:
    """Extracts the features of a configuration. Safe to use from several threads.

    Attributes
    ----------
    config : FeatureConfig
    names : tuple of str
        Of the features, in their order.
    hash : str
        Differs if `FEATURE_VERSION`, configuration or names do.
    """

    def __init__(self, config: FeatureConfig | None = None) -> None:
        self.config = config or FeatureConfig()
        self.names = _feature_names(self.config)
        content = json.dumps([FEATURE_VERSION, self.config.to_dict(), self.names], sort_keys=True)
        self.hash = hashlib.sha256(content.encode()).hexdigest()[:HASH_LENGTH]

    def __repr__(self) -> str:
        return (
            f"FeatureExtractor({len(self.names)} features of {', '.join(self.config.families)}; "
            f"hash {self.hash})"
        )

    @property
    def parts(self) -> dict[str, NDArray[np.intp]]:
        """Indices of the features of each of `ser.features.config.PARTS`, ndarrays of int."""
        return {
            name: np.flatnonzero(np.isin(self.names, _feature_names(self.config.part(name))))
            for name in PARTS
        }

    def tracks(self, waveform: NDArray[np.floating]) -> Tracks:
        """Compute the descriptors of every frame.

        Parameters
        ----------
        waveform : numpy.ndarray, shape (n_samples,)
            Speech at the configuration's sample rate, silent edges cut off.
        """
        return compute_tracks(waveform, self.config)

    def extract(self, waveform: NDArray[np.floating]) -> NDArray[np.float32]:
        """Compute the features.

        Parameters
        ----------
        waveform : numpy.ndarray, shape (n_samples,)
            Speech at the configuration's sample rate, silent edges cut off.

        Returns
        -------
        numpy.ndarray of float32, shape (n_features,)
            Finite; the same at any gain.
        """
        return self.summarise(self.tracks(waveform))

    def process(self, files: Clip | Iterable[Clip]) -> "DataFrame":
        """Compute the features of the speech in recordings, as a table.

        Speech is cut out of a recording as for recognition, and taken at its natural speed.

        Parameters
        ----------
        files : clip or iterable of clips
            Paths or other clips, as `ser.audio.loading.read_recording` takes them.

        Returns
        -------
        pandas.DataFrame of float32
            A row for each recording: its path, or its number in `files` if it is no path, is the
            index ``file``. The columns are the `names` of the features.

        Raises
        ------
        AudioError
            If a recording cannot be read or has no speech in it; the message names it.
        """
        from pandas import DataFrame, Index  # here, since nothing else needs it

        rows, labels = [], []
        for number, clip in enumerate(each_clip(files)):
            waveform = load_audio(clip, self.config.sample_rate)
            try:
                speech = cut_speech(waveform, self.config.sample_rate)
            except AudioError as error:
                raise type(error)(f"{clip_name(clip)} has no features: {error}") from None
            rows.append(self.extract(speech))
            labels.append(os.fsdecode(clip) if isinstance(clip, str | os.PathLike) else number)
        values = np.array(rows, np.float32).reshape(len(rows), len(self.names))
        return DataFrame(values, index=Index(labels, name="file"), columns=list(self.names))

    def summarise(self, tracks: Tracks) -> NDArray[np.float32]:
        """Compute the features from tracks.

        Parameters
        ----------
        tracks : Tracks
            Of this extractor.

        Returns
        -------
        numpy.ndarray of float32, shape (n_features,)
        """
        views = Views(tracks, self.config.hop)
        values = [STATISTICS[name].compute(views).ravel() for name in self.config.statistics]
        return np.concatenate(values, dtype=np.float32)


def _feature_names(config: FeatureConfig) -> tuple[str, ...]:
    tracks, paired = track_names(config)
    correlated = [name for name, is_paired in zip(tracks, paired, strict=True) if is_paired]
    return tuple(
        name
        for statistic in config.statistics
        for name in STATISTICS[statistic].names(tracks, correlated)
    )
