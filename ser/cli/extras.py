"""What a command needs beyond the base of the distribution, and the sentence if it is missing."""

from importlib.util import find_spec

EXTRAS = {
    "collections": ("collections", ("pyarrow", "tqdm")),
    "train": ("training", ("datasets", "jinja2", "matplotlib", "pyarrow", "tqdm")),
}
"""Maps an extra to a word for it, and to the packages that it brings."""


def lacks(call: str, extra: str) -> str | None:
    """Say what to install for a call of a command, if any of it is missing."""
    word, packages = EXTRAS[extra]
    if all(find_spec(package) for package in packages):
        return None
    return f"`{call}` needs the {word} extra: pip install 'hf-ser[{extra}]'"
