"""Features of speech: frame descriptors from one spectrogram, and statistics of them over time."""

from ser.features.config import FeatureConfig
from ser.features.extractor import FeatureExtractor
from ser.features.fingerprint import code_fingerprint, feature_fingerprint
from ser.features.tracks import Tracks

__all__ = [
    "FeatureConfig",
    "FeatureExtractor",
    "Tracks",
    "code_fingerprint",
    "feature_fingerprint",
]
