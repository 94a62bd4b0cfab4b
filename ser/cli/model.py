"""The commands that use a model: predict, push, pull, deploy."""

import json
import sys
from argparse import ArgumentParser, Namespace
from functools import partial

from ser.cli.collection import add_collection, check_no_collection, predict_collection
from ser.cli.options import add_links, add_model
from ser.errors import SerError


def add_predict(parser: ArgumentParser) -> None:
    """Add the options of ``predict``."""
    parser.add_argument(
        "clips",
        nargs="+",
        metavar="CLIP",
        help='audio file, or - for standard input; "-" may begin a name after --',
    )
    add_model(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.add_argument(
        "--same-speaker",
        action="store_true",
        help="one person speaks in all clips: judge each relative to the others",
    )
    parser.add_argument(
        "--voice",
        action="append",
        metavar="CLIP",
        help="everyday speech of whoever speaks, to judge clips relative to it; may be repeated",
    )
    add_collection(parser)
    parser.set_defaults(run=partial(_predict, parser))


def _predict(parser: ArgumentParser, args: Namespace) -> int:
    if args.to is not None:
        return predict_collection(parser, args)
    check_no_collection(parser, args)
    from ser.audio.isolation import warm_up
    from ser.model.voice_profile import TOO_FEW
    from ser.recognizer import EmotionRecognizer

    if args.clips.count("-") > 1:
        parser.error("- is standard input, which can be read only once: name it once")
    warm_up()  # the decoders, while the model loads
    recognizer = EmotionRecognizer.from_pretrained(args.model)
    stdin = getattr(sys.stdin, "buffer", b"")  # none if it was closed
    given = (stdin if clip == "-" else clip for clip in args.clips)
    failed = is_compared = False
    results = recognizer.predict_many(given, voice=args.voice, same_speaker=args.same_speaker)
    for clip, result in zip(args.clips, results, strict=True):
        is_compared |= getattr(result, "reference", None) is not None
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
    if args.same_speaker and not is_compared:
        print(TOO_FEW, file=sys.stderr)
    return int(failed)


def add_push(parser: ArgumentParser) -> None:
    """Add the options of ``push``."""
    parser.add_argument("folder", metavar="FOLDER", help="model folder that train.py wrote")
    parser.add_argument("repo_id", metavar="OWNER/NAME", help="repository; created if missing")
    parser.add_argument("--private", action="store_true", help="create a private repository")
    parser.add_argument("--tag", metavar="TAG", help="name for this revision, such as v1")
    parser.add_argument("--message", metavar="TEXT", help="commit message")
    add_links(parser)
    parser.set_defaults(run=_push)


def _push(args: Namespace) -> int:
    from ser.hub.card import with_links
    from ser.hub.repository import push_model
    from ser.storage.folder import read_model_folder

    files = dict(read_model_folder(args.folder).files)
    card = with_links(files["README.md"].decode(), code=args.code, space=args.space)
    published = push_model(
        {**files, "README.md": card.encode()},
        args.repo_id,
        private=args.private,
        commit_message=args.message,
        tag=args.tag,
    )
    state = "published" if published.changed else "nothing has changed"
    if published.tagged:
        state += f"{',' if published.changed else ', but'} the tag {args.tag} was set"
    print(f"{published.url} at revision {published.revision}: {state}")
    return 0


def add_pull(parser: ArgumentParser) -> None:
    """Add the options of ``pull``."""
    parser.add_argument(
        "repo_id", metavar="OWNER/NAME[@REVISION]", help="repository on the Hub, one state of it"
    )
    parser.add_argument("--revision", metavar="REVISION", help="branch, tag or commit")
    parser.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="where to put the model (default: NAME)"
    )
    parser.set_defaults(run=partial(_pull, parser))


def _pull(parser: ArgumentParser, args: Namespace) -> int:
    from ser.hub.repository import pull_model
    from ser.storage.atomic_folder import check_replaceable, replace_folder
    from ser.storage.folder import MARK, is_model_file

    repo_id, _, revision = args.repo_id.partition("@")
    if args.revision and revision:
        parser.error(f"give one revision: @{revision} or --revision {args.revision}")
    target = args.folder or repo_id.split("/")[-1]
    check_replaceable(target, is_ours=is_model_file, mark=MARK)
    folder, commit = pull_model(repo_id, revision=args.revision or revision or None)
    replace_folder(target, folder.files, is_ours=is_model_file, mark=MARK)
    print(f"{repo_id} at revision {commit}: {target}")
    return 0


def add_deploy(parser: ArgumentParser) -> None:
    """Add the options of ``deploy``."""
    parser.add_argument("repo_id", metavar="OWNER/SPACE", help="Space; created if missing")
    parser.add_argument(
        "--model", required=True, metavar="OWNER/NAME[@REVISION]", help="model to serve"
    )
    parser.add_argument("--private", action="store_true", help="create a private Space")
    parser.add_argument(
        "--dry-run", action="store_true", help="write the Space's files to a folder instead"
    )
    parser.add_argument("--output", metavar="FOLDER", help="folder for --dry-run (default: space)")
    parser.set_defaults(run=partial(_deploy, parser))


def _deploy(parser: ArgumentParser, args: Namespace) -> int:
    from ser.hub.space import MARK, deploy_space, is_space_file, render_space
    from ser.storage.atomic_folder import replace_folder

    if args.dry_run:
        if args.private:
            parser.error("--private is for a Space on the Hub: leave it out of a dry run")
        target = args.output or "space"
        replace_folder(target, render_space(args.model), is_ours=is_space_file, mark=MARK)
        print(f"{target}: run it there with SER_MODEL={args.model} python app.py")
        return 0
    if args.output:
        parser.error("--output applies to a dry run: add --dry-run")
    published = deploy_space(args.repo_id, model=args.model, private=args.private)
    print(f"{published.url}{'' if published.changed else ' (its files have not changed)'}")
    return 0
