"""Why an answer: what is measured of the voice, and which half second drove it."""
