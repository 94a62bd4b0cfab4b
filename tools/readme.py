"""The figures in README.md and docs/figures.md: `python tools/readme.py` updates them.

They stand between HTML comments: those of the model that ships, from its metrics.json and
config.json, and those of other recipes and corpora, from what `python -m ser study` and
`python -m ser evaluate` wrote to docs/studies.json. Figures of studies that older code made are
left out, with a sentence that says what to run. No other text is touched. The card of the model
that ships is written again, with the comparisons in it, and so is docs/studies.md, which marks
what is old.
"""

import json
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = {
    ROOT / "README.md": ("headline", "benchmark", "limits", "licence"),
    ROOT / "docs" / "figures.md": ("figures", "emobox", "comparison"),
}
"""Maps a document to the blocks that are written into it."""
SHIPPED = ROOT / "ser" / "pretrained"
STUDIES = ROOT / "docs" / "studies.md"

sys.path.insert(0, str(ROOT))  # for when this is run as a command

from ser import EmotionRecognizer  # noqa: E402
from ser.hub.licences import licence_name, model_licence  # noqa: E402
from ser.studies import EVALUATION, emobox, record  # noqa: E402
from ser.studies.comparison import OURS, ROWS, tables  # noqa: E402
from ser.studies.cross_corpus import REFERENCES  # noqa: E402
from ser.training.by_corpus import Result, results_in, same_protocol  # noqa: E402
from ser.training.card import make_card  # noqa: E402
from ser.training.examples import widget  # noqa: E402
from ser.training.metrics import percent  # noqa: E402
from ser.training.report import class_table, summary_table, to_markdown  # noqa: E402

PROTOCOLS_STUDY = "protocols"
WIDTH = 100
RECALL = "unweighted_average_recall"
EMOBOX_MISSING = (
    "EmoBox's table is left out, as not measured with this code. To measure, run\n`python -m ser "
    "study protocols RAVDESS --rows emobox --seeds 0 1 2 --output docs/studies.md`."
)
"""In place of the table."""


def main() -> None:
    """Run the command."""
    for path in DOCUMENTS:
        path.write_text(with_figures(path), encoding="utf-8")
    (SHIPPED / "README.md").write_text(card(), encoding="utf-8")
    STUDIES.write_text(record.to_markdown(record.read(STUDIES)), encoding="utf-8")


def card() -> str:
    """Return the card of the model that ships."""
    config, metrics, studies = _shipped("config"), _shipped("metrics"), record.read(STUDIES)
    compared = studies.get("comparison", {})
    current, _ = record.split_by_age("comparison", compared)
    ours = emobox_table(studies.get(PROTOCOLS_STUDY, {}))
    recognizer = EmotionRecognizer.from_pretrained(SHIPPED)
    clips = {name: clip for name, clip in recognizer.files.items() if name.endswith(".flac")}
    answers = {name: recognizer.predict(clip).probabilities for name, clip in clips.items()}
    return make_card(
        config,
        metrics,
        name="ser/pretrained",
        files=recognizer.files,
        comparison=comparison(compared) if f"eight/{OURS}" in current else "",
        emobox=ours or "",
        widget=widget(recognizer.files, answers),
    )


def with_figures(path: Path) -> str:
    """Return a document's text with the figures that hold now."""
    config, metrics, studies = _shipped("config"), _shipped("metrics"), record.read(STUDIES)
    protocols = studies.get(PROTOCOLS_STUDY, {})
    blocks = {
        "headline": headline(metrics),
        "figures": figures(metrics),
        "emobox": emobox_table(protocols) or EMOBOX_MISSING,
        "benchmark": emobox_table(protocols, wide=True) or EMOBOX_MISSING,
        "comparison": comparison(studies.get("comparison", {})),
        "limits": limits(config["datasets"], metrics, studies.get(EVALUATION, {})),
        "licence": licence(config["datasets"]),
    }
    text = path.read_text(encoding="utf-8")
    for name in DOCUMENTS[path]:
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"{path.name} must have {begin} and {end} once each")
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{blocks[name]}\n{end}{rest.split(end)[1]}"
    return text


def headline(metrics: Mapping[str, Any]) -> str:
    """Say in a few sentences how often the model is right about speakers it never heard."""
    results = results_in(metrics)
    strangers = same_protocol(results)
    known = same_protocol([each for each in results if not each.speaker_independent])
    right, counts = [], []
    for result in strangers:
        counts.append([row["support"] for row in result.figures["classes"].values()])
        shown = f"{percent(result.figures['accuracy'])} % of {sum(counts[-1])} acted clips"
        right.append(f"{shown} of {result.corpus}")
    guessed = [percent(max(count) / sum(count)) for count in counts]
    errors = [f"{100 * each.figures['expected_calibration_error']:.1f}" for each in strangers]
    usual = [percent(each.figures["accuracy"]) for each in known]
    return _wrapped(
        f"**Correct on {_all(right)} by speakers it has never heard** "
        f"({_all(str(len(count)) for count in counts)} emotions, protocol "
        f"`{strangers[0].protocol}`; the most frequent one is {_all(guessed)} % of them). "
        "Calibrated on others of the same corpora, its confidence is off by "
        f"{_all(errors)} points on average; the model that ships is less sure, for voices from "
        "elsewhere. The figure usually reported, with the same actors in training and test "
        f"(random split), is {_all(usual)} %."
    )


def figures(metrics: Mapping[str, Any]) -> str:
    """Write the figures of all protocols, and of the first one by corpus, emotion and group."""
    parts = [to_markdown(summary_table(metrics))]
    for result in same_protocol(results_in(metrics)):
        parts += [_of_strangers(result), to_markdown(class_table(result.figures))]
    return "\n\n".join(parts)


def _of_strangers(result: Result) -> str:
    """Say which emotions and groups of a corpus are recognised least often."""
    groups = [
        f"{group}: "
        + ", ".join(f"{name} {percent(row['accuracy'])} %" for name, row in rows.items())
        for group, rows in result.figures["slices"].items()
    ]
    classes = result.figures["classes"]
    weakest = sorted(classes, key=lambda name: classes[name]["recall"])[:2]
    return _wrapped(
        f"Of unseen speakers of {result.corpus} ({result.description}), it recognises "
        f"{' and '.join(weakest)} least often. "
        + (f"Accuracy by {'; by '.join(groups)}." if groups else "")
    )


def emobox_table(rows: record.Rows, *, wide: bool = False) -> str | None:
    """Write EmoBox's table with our row, or column; None if older code measured it."""
    current, _ = record.split_by_age(PROTOCOLS_STUDY, rows)
    ours = current.get(emobox.PROTOCOL)
    if ours is None:
        return None
    about = emobox.about(rows[emobox.PROTOCOL]["stamp"]["seeds"], ours)
    table = emobox.table(ours)
    if wide:
        table = [list(row) for row in zip(*table, strict=True)]
    return "\n\n".join([_wrapped(about), to_markdown(table), _wrapped(emobox.DIFFERENCES)])


def comparison(rows: record.Rows) -> str:
    """Write the table of the comparison under all emotions, without what older code made."""
    figures, _ = record.split_by_age("comparison", rows)
    known = {f"eight/{row}": row for row in ROWS}
    shown = {name: each for name, each in figures.items() if name in known}
    parts = [f"{title}.\n\n{to_markdown(table)}" for title, table in tables(shown).items()]
    if missing := [row for name, row in known.items() if name not in shown]:
        chosen = f" --rows {' '.join(missing)}" if shown else ""
        parts.append(
            f"Left out, as not measured with this code: {', '.join(missing)}. To measure, run\n"
            f"`python -m ser study comparison RAVDESS --sets eight{chosen} "
            "--output docs/studies.md`."
        )
    return "\n\n".join(parts)


def limits(
    datasets: Sequence[Mapping[str, Any]], metrics: Mapping[str, Any], rows: record.Rows
) -> str:
    """Say what the model learned from, and how it does on corpora that it did not learn from."""
    heard = [
        f"{each['clips']} clips of {each['kind'] or 'speech'} by {each['speakers']} speakers "
        f"({each['name']})"
        for each in datasets
    ]
    text = (
        f"It learned from {_all(heard)}. On spontaneous speech, other languages, microphones and "
        "rooms it is wrong more often and overconfident."
    )
    across = [each for each in results_in(metrics) if each.protocol == "leave-one-corpus-out"]
    if across:
        recalls = [
            f"{percent(each.figures[RECALL])} % on {each.corpus}'s "
            f"{sum(row['support'] > 0 for row in each.figures['classes'].values())}"
            for each in across
        ]
        text += (
            " Trained without a corpus, its unweighted recall of the emotions that the others "
            f"have, too, is {_all(recalls)}."
        )
    current, _ = record.split_by_age(EVALUATION, rows)
    for corpus, result in current.items():
        if not result["heard"]:
            text += _elsewhere(corpus, result)
    return _wrapped(
        f"{text} To measure it on another corpus: `python -m ser evaluate MODEL --on FOLDER`."
    )


def _elsewhere(corpus: str, result: Mapping[str, Any]) -> str:
    """Say how the model does on a corpus that it was evaluated on."""
    whole = result["all"]
    text = (
        f" On {whole['clips']} clips of {result['speakers']} speakers of {corpus} its unweighted "
        f"recall is {percent(whole[RECALL])} % (guessing: {percent(1 / len(result['emotions']))} "
        f"%), and its calibration error {whole['expected_calibration_error']:.2f}"
    )
    for name, each in result["references"].items():
        gain = each["with"][RECALL] - each["without"][RECALL]
        text += f"; relative to {REFERENCES[name]} of the speaker it is {100 * gain:+.1f} points"
    return f"{text}."


def licence(datasets: Sequence[Mapping[str, Any]]) -> str:
    """Say under which licence the model is, and from whose recordings it comes."""
    chosen = model_licence([each["licence"] for each in datasets])
    sources = [
        f"{each['name']} ({each['attribution']}; {licence_name(each['licence'])})"
        for each in datasets
    ]
    shown = licence_name(chosen) if chosen else "not stated"
    return _wrapped(f"The model in `ser/pretrained`: {shown}; it learned from {_all(sources)}.")


def _shipped(name: str) -> dict[str, Any]:
    """Return the contents of a JSON file of the model that ships."""
    return dict(json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8")))


def _all(texts: Iterable[str]) -> str:
    """Join texts: "a, b and c"."""
    *others, last = texts
    return f"{', '.join(others)} and {last}" if others else last


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_on_hyphens=False, break_long_words=False)


if __name__ == "__main__":
    main()
