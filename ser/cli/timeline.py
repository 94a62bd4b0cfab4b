"""The command that follows emotion over a recording: timeline."""

import sys
from argparse import ArgumentParser, Namespace

from ser.cli.options import add_model
from ser.timeline_formats import FORMATS, find_target


def add_timeline(parser: ArgumentParser) -> None:
    """Add the options of ``timeline``."""
    parser.add_argument(
        "clip",
        metavar="CLIP",
        help='audio file, or - for standard input; "-" may begin a name after --',
    )
    parser.add_argument(
        "--to",
        metavar="FILE",
        help=f"write it to this file, of which the name ends in .{', .'.join(FORMATS)}; an older "
        "one is replaced (default: print where which emotion dominates)",
    )
    add_model(parser)
    parser.add_argument(
        "--same-speaker",
        action="store_true",
        help="one person speaks in all of it: judge each part relative to the rest",
    )
    parser.set_defaults(run=_timeline)


def _timeline(args: Namespace) -> int:
    if args.to is not None:
        find_target(args.to)  # before anything that takes time
    from ser.audio.isolation import warm_up
    from ser.recognizer import EmotionRecognizer
    from ser.timeline import TOO_SHORT

    warm_up()  # the decoders, while the model loads
    recognizer = EmotionRecognizer.from_pretrained(args.model)
    stdin = getattr(sys.stdin, "buffer", b"")  # none if it was closed
    clip = stdin if args.clip == "-" else args.clip
    timeline = recognizer.timeline(clip, same_speaker=args.same_speaker)
    for warning in timeline.warnings:
        print(warning, file=sys.stderr)
    if args.same_speaker and timeline.reference is None:
        print(TOO_SHORT, file=sys.stderr)
    if args.to is not None:
        timeline.save(args.to)
        print(f"{args.to}: timeline of {timeline.duration:.1f} s")
        return 0
    for part in timeline.segments:
        said = "no speech" if part.emotion is None else f"{part.emotion} {part.confidence:.0%}"
        print(f"{part.start:.1f}-{part.end:.1f} s: {said}")
    return 0
