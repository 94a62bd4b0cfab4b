"""The command line: ``ser COMMAND``, which is also ``hf-ser`` and ``python -m ser``."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from ser.cli.extras import lacks
from ser.cli.interrupts import INTERRUPTED, STATUS, ends_when_interrupted
from ser.errors import SerError


class Command(NamedTuple):
    """What there is to know of a command before its module is imported.

    Attributes
    ----------
    module : str
        Has a function ``add_<command>(parser)``.
    summary : str
        For the help.
    extra : str or None
        The extra of the distribution that the command needs.
    """

    module: str
    summary: str
    extra: str | None = None


COMMANDS = {
    "predict": Command("ser.cli.model", "recognise the emotion in clips, or in whole collections"),
    "timeline": Command("ser.cli.timeline", "follow emotion over a recording, as text or a file"),
    "push": Command("ser.cli.model", "publish a model folder on the Hugging Face Hub"),
    "pull": Command("ser.cli.model", "fetch a model from the Hugging Face Hub"),
    "train": Command("ser.cli.train", "train a model on recordings, and evaluate it", "train"),
    "evaluate": Command("ser.cli.measure", "evaluate a model on another corpus", "train"),
    "study": Command("ser.cli.measure", "measure the recipe: compare, degrade, vary", "train"),
    "deploy": Command("ser.cli.model", "deploy the demo as a Space on the Hugging Face Hub"),
}


def main(argv: Sequence[str] | None = None, *, prog: str | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The command and its arguments; by default those that this program was given.
    prog : str, optional
        What usage messages call the command; by default as this program was called.

    Returns
    -------
    int
        The exit status.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # clip names may not fit its encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("huggingface_hub").propagate = False  # it prints its lines itself
    name = _parse_command(argv[:1])
    module, summary, extra = COMMANDS[name]
    prog = prog or f"{_called()} {name}"
    if extra and (complaint := lacks(prog, extra)):
        print(f"error: {complaint}", file=sys.stderr)
        return 1
    parser = argparse.ArgumentParser(prog=prog, description=f"{summary[0].upper()}{summary[1:]}.")
    # Only the module of the command that runs is imported, so that others do not slow it down.
    getattr(import_module(module), f"add_{name}")(parser)
    args = _parse(parser, argv[1:])
    try:
        with ends_when_interrupted():
            status: int = args.run(args)
        if sys.stdout:
            sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader of the output is gone; Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (SerError, OSError) as error:  # OSError: a full disk, or caches without access
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, Exception) as error:
        if not _follows_interrupt(error):  # which `datasets` hides when it waits for its processes
            raise
        told = str(error) if isinstance(error, KeyboardInterrupt) else ""
        print(f"\n{told or INTERRUPTED}", file=sys.stderr)
        return STATUS


def _follows_interrupt(error: BaseException | None) -> bool:
    """Tell whether an error was raised while an interrupt was handled."""
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _called() -> str:
    """Return how a person called this program, for usage messages."""
    name = Path(sys.argv[0]).stem
    return name if name in ("ser", "hf-ser") else "python -m ser"


def _parse(parser: argparse.ArgumentParser, argv: list[str]) -> argparse.Namespace:
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


def _unmark(value: Any) -> Any:
    if isinstance(value, list):
        return [_unmark(each) for each in value]
    return value.removeprefix("\0") if isinstance(value, str) else value


def _parse_command(argv: list[str]) -> str:
    parser = argparse.ArgumentParser(
        prog=_called(),
        description="Speech emotion recognition.",
        epilog="\n".join(
            ["commands:", *(f"  {name:9} {each.summary}" for name, each in COMMANDS.items())]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s [-h] COMMAND ...",
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="see below")
    command: str = parser.parse_args(argv).command
    return command
