"""Types of command-line options; each refuses a wrong value in one sentence."""

from argparse import ArgumentTypeError

MAX_SEED = 2**32 - 1  # the largest that scikit-learn and NumPy accept


def process_count(text):
    """Read a number of processes, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of processes; give 1 or more")
    return int(text)


def seed(text):
    """Read a random seed, 0 to `MAX_SEED`."""
    if not text.isdecimal() or int(text) > MAX_SEED:
        raise ArgumentTypeError(f"{text!r} is not a seed; give a whole number, 0 to {MAX_SEED}")
    return int(text)
