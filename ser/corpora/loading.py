"""The one way to load a corpus, whatever it is and wherever it lies."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import soundfile

from ser.corpora.catalog import CORPORA
from ser.corpora.clips import choose_labels, make_clips
from ser.corpora.corpus import About, Clip, Corpus, KnownCorpus, Origin, warn_of_skipped
from ser.corpora.emotions import in_order
from ser.corpora.files import find_audio
from ser.corpora.own import Columns, read_own
from ser.corpora.sources import Source, find_source, list_recordings, open_source
from ser.corpora.tables import TEXT_SUFFIXES
from ser.errors import DatasetError


def load_corpus(
    source: str | Path | Source,
    *,
    corpus: str | None = None,
    columns: Columns | None = None,
    mapping: Mapping[str, str] | None = None,
    emotions: Iterable[str] | None = None,
    about: Mapping[str, str | None] | None = None,
) -> Corpus:
    """Load recordings with what is known of each.

    Files that are not audio, or of which it is not known what they are, are skipped with a
    warning.

    Parameters
    ----------
    source : str, Path or Source
        A folder of audio files in subfolders or not; a ZIP of them; Parquet with embedded
        recordings, a file or a folder of them; a dataset on the Hugging Face Hub that holds any of
        these, ``OWNER/NAME`` with ``@REVISION`` or without; or a CSV or JSON-lines table.
    corpus : str, optional
        The key of `ser.corpora.catalog.CORPORA` by whose names of files the clips are read. By
        default the one as whose at least half of the files are named; if none is, the recordings
        are one's own: a table, or a folder with a subfolder for each emotion and, in it, files or
        folders of speakers.
    columns : Columns, optional
        Of a table of one's own.
    mapping : mapping of str to str, optional
        Other labels for emotions of the source.
    emotions : iterable of str, optional
        Emotions to load, as they are after `mapping`; by default all.
    about : mapping of str to str, optional
        What to say of the recordings instead of what is known: attributes of `About`; None keeps.
        With another name than the corpus has, nothing that is known of the corpus is said.

    Raises
    ------
    DatasetError
        If the source cannot be read or has no such clip, or an option is unknown.
    """
    if corpus is not None and corpus not in CORPORA:
        raise DatasetError(f"The corpus {corpus!r} is unknown; choose from {', '.join(CORPORA)}.")
    if corpus is not None and columns is not None:
        raise DatasetError(
            f"The corpus {corpus!r} is read from the names of its files: leave the columns out, or "
            "the corpus."
        )
    found = source if isinstance(source, Source) else find_source(source)
    if corpus is None and columns is None:
        corpus = recognise_corpus(found)
    row = CORPORA[corpus] if corpus else None
    if row and found.path.suffix.lower() in TEXT_SUFFIXES and found.path.is_file():
        raise DatasetError(
            f"{found} is a table, but the corpus {corpus!r} is read from the names of its files: "
            "give their folder, or leave the corpus out."
        )
    if row:
        clips, problems = _read_known(found, row)
        labels = list(row.emotions)
    else:
        clips, problems = read_own(found, columns)
        labels = in_order({clip.emotion for clip, _ in clips})
    clips, labels = _choose(clips, labels, mapping or {}, emotions)
    told = _describe(found, row, about or {})
    origin = Origin(told, found.name)
    if row:
        origin = replace(origin, folds=row.folds, partial=row.partial).renamed(mapping or {})
    usable = _usable(clips, problems, found, row)
    return Corpus(make_clips(usable, labels, told.name), (origin,))


def recognise_corpus(source: Source) -> str | None:
    """Tell which corpus a source is by its name on the Hub or the names of its files.

    Returns
    -------
    str or None
        A key of `CORPORA`; None if fewer than half of the files are named as in any.
    """
    if source.repo_id:
        for key, row in CORPORA.items():
            if row.about.repo_id == source.repo_id:
                return key
    if source.path.suffix.lower() in TEXT_SUFFIXES and source.path.is_file():
        return None
    recordings = list_recordings(source)
    names = {
        key: [name for each in recordings if (name := row.name_of(*each))]
        for key, row in CORPORA.items()
    }
    most = max(map(len, names.values()))
    if not most or 2 * most < len(recordings):
        return None
    fitting = [key for key in names if len(names[key]) == most]
    # Of rows that read the same names, the first that means any of these recordings.
    meant = (key for key in fitting if any(map(CORPORA[key].read, names[key])))
    return next(meant, fitting[0])


def _read_known(source: Source, row: KnownCorpus) -> tuple[list[tuple[Clip, Path]], list[str]]:
    """Read the clips that a corpus means by their names; say what is wrong with other names."""
    folder = open_source(source, row.name_of, naming=row.about.name)
    clips, problems = [], []
    files = find_audio(folder)
    for file in files:
        try:
            clip = row.read(str(file.relative_to(folder)))
        except DatasetError as error:
            problems.append(str(error))
            continue
        if clip:
            clips.append((clip, file))
    if not files:
        problems.append("it has no audio file, and no ZIP or Parquet file with any.")
    return clips, problems


def _choose(
    clips: list[tuple[Clip, Path]],
    labels: list[str],
    mapping: Mapping[str, str],
    emotions: Iterable[str] | None,
) -> tuple[list[tuple[Clip, Path]], list[str]]:
    """Give clips their labels and leave out those of emotions that were not asked for."""
    wanted = choose_labels(labels, mapping, emotions)
    mapped = (
        (replace(clip, emotion=mapping.get(clip.emotion, clip.emotion)), file)
        for clip, file in clips
    )
    return [item for item in mapped if item[0].emotion in wanted], wanted


def _usable(
    clips: list[tuple[Clip, Path]], problems: list[str], source: Source, row: KnownCorpus | None
) -> list[tuple[Clip, Path]]:
    """Return the clips whose files are audio, one for each name; warn of all problems."""
    picked = {}
    for clip, file in clips:
        if clip.file not in picked:
            if not _is_text(str(file)):
                problems.append(f"{str(file)!a} is not a name in UTF-8.")
            elif _is_audio(file):
                picked[clip.file] = clip, file
            else:
                problems.append(f"{_label(file, source)} is not audio that can be read.")
    if not picked:
        good = f", one named like {row.example}" if row else ""
        reason = [*problems, "none of its recordings is of the corpus and emotions asked for."][0]
        raise DatasetError(f"{source} holds no usable clip{good}: {reason}")
    warn_of_skipped(problems, f" in {source}")
    return list(picked.values())


def _label(file: Path, source: Source) -> str:
    """Return the path of a file in its source; those that were unpacked have a name only."""
    return str(file.relative_to(source.path)) if file.is_relative_to(source.path) else file.name


def _is_text(name: str) -> bool:
    """Tell whether a name can be stored: names of files are bytes, which need not be UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_audio(file: Path) -> bool:
    """Tell whether the header and the last sample of a file are audio; the rest is not decoded."""
    try:
        if file.suffix.lower() not in (".wav", ".flac"):  # libsndfile does not know all others
            return file.is_file() and file.stat().st_size > 0
        with soundfile.SoundFile(file) as audio:
            audio.seek(max(audio.frames - 1, 0))
            return len(audio.read(1)) > 0
    except (soundfile.SoundFileError, OSError):
        return False


def _describe(source: Source, row: KnownCorpus | None, changes: Mapping[str, str | None]) -> About:
    """Return what there is to say of the recordings."""
    known = {name: value for name, value in changes.items() if value is not None}
    path = source.path
    about = (
        row.about if row else About(source.repo_id or (path.name if path.is_dir() else path.stem))
    )
    if row and known.get("name", about.name) != about.name:
        about = About(known["name"])
    if source.repo_id:
        about = replace(about, repo_id=source.repo_id, revision=source.revision)
    return replace(about, **known)
