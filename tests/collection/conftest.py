"""Fixtures of the tests of collections."""

import pytest

from ser import EmotionRecognizer


@pytest.fixture(scope="package")
def tiny(tiny_model):
    """Return the small model, ready."""
    return EmotionRecognizer.from_pretrained(tiny_model)
