"""Studies: protocols, comparison, robustness, disturbances, voices, mixture, trust, reasons.

They use the code of training unchanged. Each study is a module with

- ``TITLE`` and ``ABOUT``, for the reader of its tables,
- ``ROWS``, the rows that can be selected by name,
- ``run(options)``, which yields name and figures of one row after another,
- ``tables(results)``, which lays the figures out,
- ``uses(row)``, the code that decides the figures of a row, as `ser.studies.age.code_files` takes
  it.
"""

STUDIES = {
    "protocols": ("protocols", "the figures of a training by protocol, and by seed if several"),
    "comparison": ("comparison", "our recogniser and the usual recipes under the same folds"),
    "robustness": ("robustness", "degraded recordings of unseen speakers"),
    "disturbance": ("disturbance", "hum, rumble, offsets and clicks added to any recordings"),
    "voice": ("voice_profiles", "the gain from other clips of the speaker, neutral or any"),
    "mixture": (
        "mixture",
        "variants of the recogniser: perceptrons, learning, copies, speeds, features",
    ),
    "trust": ("trust", "errors with and without each warning, and by confidence"),
    "reasons": ("reasons", "facts named beside a result, and the half second that drove it"),
}
"""Maps a study to its module in this package, and to a summary."""

WITHOUT_FOLDS = ("protocols", "disturbance", "voice", "mixture", "trust", "reasons")
"""Studies in which ``--protocol`` plays no part."""

EVALUATION = "evaluation"
"""Section in the files of studies for what ``python -m ser evaluate`` finds."""

SECTIONS = {**{name: module for name, (module, _) in STUDIES.items()}, EVALUATION: "cross_corpus"}
"""Maps a section to the module in this package that fills it."""
