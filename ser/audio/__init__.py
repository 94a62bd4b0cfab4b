"""Sound: from any recording to the speech in it, and what may be wrong with it."""
