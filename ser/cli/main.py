"""The command line: ``python -m ser COMMAND``."""

import argparse
import io
import logging
import os
import sys
from importlib import import_module

from ser.errors import SerError

COMMANDS = {
    "predict": ("ser.cli.model", "recognise the emotion in clips"),
    "push": ("ser.cli.model", "publish a model folder on the Hugging Face Hub"),
    "pull": ("ser.cli.model", "fetch a model from the Hugging Face Hub"),
    "evaluate": ("ser.cli.measure", "evaluate a model on another corpus"),
    "study": ("ser.cli.measure", "measure the recipe: compare, degrade, ablate"),
    "deploy": ("ser.cli.model", "deploy the demo as a Space on the Hugging Face Hub"),
}
"""Maps a command to the module with its ``add_<command>(parser)``, and to a summary."""


def main(argv=None):
    """Run one command and return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if isinstance(sys.stdout, io.TextIOWrapper):  # clip names may not fit its encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("huggingface_hub").propagate = False  # it prints its lines itself
    name = _parse_command(argv[:1])
    module, summary = COMMANDS[name]
    parser = argparse.ArgumentParser(
        prog=f"python -m ser {name}", description=f"{summary[0].upper()}{summary[1:]}."
    )
    # Only the module of the command that runs is imported, so that others do not slow it down.
    getattr(import_module(module), f"add_{name}")(parser)
    args = _parse(parser, argv[1:])
    try:
        status = args.run(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader of the output is gone; Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (SerError, OSError) as error:  # OSError: a full disk, or caches without access
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(parser, argv):
    """Parse options and names in any order; what follows ``--`` are names.

    argparse forgets the ``--`` where the two may be mixed. So names behind it that look like
    options are marked with a NUL, which no argument holds, until they are parsed.
    """
    end = argv.index("--") if "--" in argv else len(argv)
    names = [f"\0{name}" if name.startswith("-") else name for name in argv[end + 1 :]]
    args = parser.parse_intermixed_args([*argv[:end], *names])
    for option, value in vars(args).items():
        setattr(args, option, _unmark(value))
    return args


def _unmark(value):
    if isinstance(value, list):
        return [_unmark(each) for each in value]
    return value.removeprefix("\0") if isinstance(value, str) else value


def _parse_command(argv):
    parser = argparse.ArgumentParser(
        prog="python -m ser",
        description="Speech emotion recognition.",
        epilog="\n".join(
            ["commands:", *(f"  {name:9} {summary}" for name, (_, summary) in COMMANDS.items())]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s [-h] COMMAND ...",
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="see below")
    return parser.parse_args(argv).command
