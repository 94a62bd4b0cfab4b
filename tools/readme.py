"""The figures in README.md and docs/figures.md: `python tools/readme.py` updates them.

They stand between HTML comments: those of the model that ships, from its metrics.json, and
those of comparison and CREMA-D, from what `python -m ser study` and `python -m ser evaluate` wrote
to docs/studies.json. Figures of studies that older code made are left out, with a sentence that
says what to run. No other text is touched. The card of the model that ships is written
again, with the comparison in it, and so is docs/studies.md, which marks what is old.
"""

import json
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = {
    ROOT / "README.md": ("headline", "crema_d"),
    ROOT / "docs" / "figures.md": ("figures", "comparison"),
}
"""Maps a document to the blocks that are written into it."""
SHIPPED = ROOT / "ser" / "pretrained"
METRICS = SHIPPED / "metrics.json"
STUDIES = ROOT / "docs" / "studies.md"

sys.path.insert(0, str(ROOT))  # for when this is run as a command

from ser import EmotionRecognizer  # noqa: E402
from ser.studies import EVALUATION, record  # noqa: E402
from ser.studies.comparison import OURS, ROWS, tables  # noqa: E402
from ser.training.card import make_card  # noqa: E402
from ser.training.examples import widget  # noqa: E402
from ser.training.metrics import percent  # noqa: E402
from ser.training.report import class_table, summary_table, to_markdown  # noqa: E402


def main() -> None:
    """Run the command."""
    for path in DOCUMENTS:
        path.write_text(with_figures(path), encoding="utf-8")
    (SHIPPED / "README.md").write_text(card(), encoding="utf-8")
    STUDIES.write_text(record.to_markdown(record.read(STUDIES)), encoding="utf-8")


def card() -> str:
    """Return the card of the model that ships."""
    config, metrics = (
        json.loads(path.read_text(encoding="utf-8")) for path in (SHIPPED / "config.json", METRICS)
    )
    compared = record.read(STUDIES).get("comparison", {})
    current, _ = record.split_by_age("comparison", compared)
    recognizer = EmotionRecognizer.from_pretrained(SHIPPED)
    clips = {name: clip for name, clip in recognizer.files.items() if name.endswith(".flac")}
    answers = {name: recognizer.predict(clip).probabilities for name, clip in clips.items()}
    return make_card(
        config,
        metrics,
        name="ser/pretrained",
        files=recognizer.files,
        comparison=comparison(compared) if f"eight/{OURS}" in current else "",
        widget=widget(recognizer.files, answers),
        about_examples="`examples/` has synthetic clips, of no emotion, with this model's answers.",
    )


def with_figures(path: Path) -> str:
    """Return a document's text with the figures that hold now."""
    metrics = json.loads(METRICS.read_text(encoding="utf-8"))
    studies = record.read(STUDIES)
    blocks = {
        "headline": headline(metrics),
        "figures": figures(metrics),
        "comparison": comparison(studies.get("comparison", {})),
        "crema_d": crema_d(studies.get(EVALUATION, {})),
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
    protocol, strangers = _first(metrics, speaker_independent=True)
    _, known = _first(metrics, speaker_independent=False)
    counts = [row["support"] for row in strangers["classes"].values()]
    text = (
        f"**Correct on {percent(strangers['accuracy'])} % of {sum(counts)} acted clips by speakers "
        f"it has never heard** ({len(counts)} emotions, protocol `{protocol}`; guessing gives "
        f"{percent(max(counts) / sum(counts))} %). Its confidence is off by "
        f"{100 * strangers['expected_calibration_error']:.1f} points on average. The figure "
        "usually reported, with the same actors in training and test, is "
        f"{percent(known['accuracy'])} %."
    )
    return textwrap.fill(text, 100)


def figures(metrics: Mapping[str, Any]) -> str:
    """Write the figures of all protocols, and of the first one by emotion and by group."""
    _, strangers = _first(metrics, speaker_independent=True)
    groups = [
        f"{group}: "
        + ", ".join(f"{name} {percent(row['accuracy'])} %" for name, row in rows.items())
        for group, rows in strangers["slices"].items()
    ]
    classes = strangers["classes"]
    weakest = sorted(classes, key=lambda name: classes[name]["recall"])[:2]
    text = (
        f"Of unseen speakers ({strangers['description']}), it recognises "
        f"{' and '.join(weakest)} least often. Accuracy by {'; by '.join(groups)}."
    )
    tables = map(to_markdown, (summary_table(metrics), class_table(strangers)))
    return f"\n\n{textwrap.fill(text, 100)}\n\n".join(tables)


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


def crema_d(rows: record.Rows) -> str:
    """Say how the model does on CREMA-D, unless older code or another model was measured."""
    command = "python -m ser evaluate ser/pretrained --on crema_d"
    figures, _ = record.split_by_age(EVALUATION, rows)
    result = figures.get("crema_d")
    if not result:
        text = f"To measure how often, on CREMA-D, run `{command} --output docs/studies.md`."
        return textwrap.fill(text, 100)
    recall, whole = "unweighted_average_recall", result["all"]
    text = (
        f"On {whole['clips']} clips of {result['speakers']} actors of CREMA-D (Cao et al., 2014) "
        f"`{command}` gives an unweighted recall of {percent(whole[recall])} % (guessing: "
        f"{percent(1 / len(result['emotions']))} %), "
        f"{percent(whole['classes']['neutral']['recall'])} % for neutral, and a calibration error "
        f"of {whole['expected_calibration_error']:.2f}"
    )
    if result["with"]:
        gain = result["with"][recall] - result["without"][recall]
        text += f"; voice profiles change the recall by {100 * gain:+.1f} points"
    return textwrap.fill(f"{text}.", 100)


def _first(metrics: Mapping[str, Any], *, speaker_independent: bool) -> tuple[str, dict[str, Any]]:
    """Return name and figures of the first protocol of a kind."""
    protocols = metrics["protocols"].items()
    return next(one for one in protocols if one[1]["speaker_independent"] is speaker_independent)


if __name__ == "__main__":
    main()
