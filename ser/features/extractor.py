"""The feature extractor: from speech to a vector of numbers with names."""

import hashlib
import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from ser.features.config import FEATURE_VERSION, FeatureConfig
from ser.features.statistics import STATISTICS, Views
from ser.features.tracks import compute_tracks, track_names

HASH_LENGTH = 16  # hexadecimal digits: enough to tell versions apart, short enough to show


class FeatureExtractor:
    """Extracts the features of a configuration. Safe to use from several threads.

    Parameters
    ----------
    config : FeatureConfig, optional

    Attributes
    ----------
    config : FeatureConfig
    names : tuple of str
        Of the features, in their order.
    hash : str
        Differs if `FEATURE_VERSION`, configuration or names do.
    """

    def __init__(self, config=None):
        self.config = config or FeatureConfig()
        self.names = _feature_names(self.config)
        content = json.dumps([FEATURE_VERSION, self.config.to_dict(), self.names], sort_keys=True)
        self.hash = hashlib.sha256(content.encode()).hexdigest()[:HASH_LENGTH]

    @property
    def parts(self):
        """Indices of the features of some parts of the configuration.

        A dict of ndarray of int: ``"summaries"``, those of `FeatureConfig.summaries`, and
        ``"prosody"``, those of `FeatureConfig.prosody`.
        """
        parts = {"summaries": self.config.summaries, "prosody": self.config.prosody}
        return {
            name: np.flatnonzero(np.isin(self.names, _feature_names(part)))
            for name, part in parts.items()
        }

    def tracks(self, waveform):
        """Compute the descriptors of every frame.

        Parameters
        ----------
        waveform : numpy.ndarray, shape (n_samples,)
            Speech at the configuration's sample rate, silent edges cut off.

        Returns
        -------
        Tracks
        """
        return compute_tracks(waveform, self.config)

    def extract(self, waveform):
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

    def summarise(self, tracks):
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


def _feature_names(config):
    tracks, paired = track_names(config)
    correlated = [name for name, is_paired in zip(tracks, paired, strict=True) if is_paired]
    return tuple(
        name
        for statistic in config.statistics
        for name in STATISTICS[statistic].names(tracks, correlated)
    )


@lru_cache
def feature_fingerprint():
    """Return a hash of the code that turns a file into features, for the key of a cache.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    package = Path(__file__).parent
    before = [
        package.parent / "audio" / f"{name}.py"
        for name in ("clips", "parts", "ffmpeg", "decoding", "loading", "rumble", "activity")
    ]
    digest = hashlib.sha256()
    for source in sorted([*before, *package.glob("*.py")]):
        digest.update(source.read_bytes())
    return digest.hexdigest()
