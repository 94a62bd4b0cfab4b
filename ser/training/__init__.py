"""From a corpus to a model folder with its figures and card."""
