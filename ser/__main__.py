"""The command line: ``python -m ser COMMAND``."""

import argparse
import logging
import os
import sys
from importlib import import_module

from ser.errors import SerError

COMMANDS = {
    "predict": ("ser.cli", "recognise the emotion in clips"),
}
"""Command to the module that has its ``add_<command>(parser)``, and one line of help."""


def main(argv=None):
    """Run one command and return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    args = _make_parser(argv).parse_args(argv)
    try:
        status = args.run(args)
        sys.stdout.flush()
        return status
    except SerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read the output has left; Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _make_parser(argv):
    parser = argparse.ArgumentParser(prog="python -m ser", description="Speech emotion recognition")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary}.".capitalize())
        # Only the command that runs is imported, so that --help answers at once.
        if name in argv[:1]:
            getattr(import_module(module), f"add_{name}")(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
