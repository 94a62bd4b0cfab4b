"""The commands of ``python -m ser`` that use a model."""

import json
import sys

from ser.errors import SerError


def add_predict(parser):
    """Add the options of ``predict``."""
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="audio file")
    parser.add_argument("--model", metavar="FOLDER", help="model (default: the one that ships)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.set_defaults(run=_predict)


def _predict(args):
    from ser import EmotionRecognizer

    recognizer = EmotionRecognizer.from_pretrained(args.model)
    failed = False
    for clip, result in zip(args.clips, recognizer.predict_many(args.clips), strict=True):
        if isinstance(result, SerError):
            failed = True
            if args.json:
                print(json.dumps({"file": clip, "error": str(result)}), flush=True)
            else:
                print(f"{clip}: {result}", file=sys.stderr)
        elif args.json:
            print(json.dumps({"file": clip, **result.to_dict()}), flush=True)
        else:
            notes = "".join(f" [{warning}]" for warning in result.warnings)
            print(f"{clip}: {result.emotion} {result.confidence:.0%}{notes}", flush=True)
    return int(failed)
