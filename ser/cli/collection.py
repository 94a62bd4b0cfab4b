"""What ``predict`` does with ``--to``: a whole collection becomes a table."""

import os
from argparse import ArgumentParser, Namespace

from ser.cli.extras import lacks
from ser.cli.options import process_count
from ser.errors import SerError


def add_collection(parser: ArgumentParser) -> None:
    """Add the options for a whole collection."""
    group = parser.add_argument_group(
        "whole collections",
        "With --to, CLIP is a folder, a table with a column of paths, or a dataset on the Hub, "
        "OWNER/NAME or hf://datasets/OWNER/NAME/FOLDER. It can be stopped at any moment: the same "
        "command goes on from there.",
    )
    group.add_argument(
        "--to",
        metavar="TABLE",
        help="table to write, .parquet, .csv or .jsonl, or OWNER/NAME of a dataset on the Hub",
    )
    group.add_argument(
        "--jobs", type=process_count, metavar="N", help="processes (default: one per core)"
    )
    group.add_argument(
        "--timeline",
        choices=("windows", "segments"),
        help="a row for each of these of a recording (default: one for the recording)",
    )
    group.add_argument(
        "--channels",
        choices=("mix", "each"),
        help="whether each side of a call has rows of its own (default: mix)",
    )
    group.add_argument(
        "--voices",
        metavar="TABLE",
        help="everyday speech of the speakers: a table with the columns speaker and path, or a "
        "folder with a subfolder for each",
    )
    group.add_argument("--private", action="store_true", help="create a private dataset")


def check_no_collection(parser: ArgumentParser, args: Namespace) -> None:
    """Refuse options of a collection where there is none."""
    for name in ("jobs", "timeline", "channels", "voices", "private"):
        if getattr(args, name):
            parser.error(f"--{name} is for whole collections: add --to TABLE")


def predict_collection(parser: ArgumentParser, args: Namespace) -> int:
    """Recognise a collection, print where its table is, and return the exit status."""
    if len(args.clips) != 1 or args.clips == ["-"]:
        parser.error("--to takes one folder, table or dataset")
    if args.json or args.same_speaker:
        parser.error("--json and --same-speaker do not go with --to: leave them out")
    if complaint := lacks(f"{parser.prog} --to", "collections"):
        raise SerError(complaint)
    from ser.collection.running import recognise_collection

    table = recognise_collection(
        args.clips[0],
        args.to,
        args.model,
        jobs=args.jobs or os.cpu_count() or 1,
        timeline=args.timeline,
        channels=args.channels or "mix",
        voice=args.voice,
        voices=args.voices,
        private=args.private,
    )
    print(table)
    return 0
