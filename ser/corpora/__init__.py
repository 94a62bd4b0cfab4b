"""Corpora: recordings with what is known of each, and how they are split."""
