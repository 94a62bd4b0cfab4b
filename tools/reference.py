"""Make the API reference from the docstrings: `python tools/reference.py FOLDER`."""

import pkgutil
import sys
import warnings
from pathlib import Path

import pdoc

ROOT = Path(__file__).resolve().parents[1]

sys.path.insert(0, str(ROOT))  # for when this is run as a command

import ser  # noqa: E402


def main(folder: str) -> None:
    """Write a page a module; what cannot be imported or resolved is an error."""
    warnings.simplefilter("error", UserWarning)  # which pdoc raises
    for name in ser.__all__:
        getattr(ser, name)  # so that pdoc finds what is imported on demand
    rooms = [f"ser.{room.name}" for room in pkgutil.iter_modules(ser.__path__)]
    rooms = [room for room in rooms if room not in ("ser.__main__", "ser.errors")]
    pdoc.render.configure(docformat="numpy", show_source=False)
    pdoc.pdoc("ser", *rooms, output_directory=Path(folder))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/reference.py FOLDER")
    main(sys.argv[1])
