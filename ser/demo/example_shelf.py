"""Example clips that come with the model: the page opens with the first of them."""

import re
import tempfile
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from ser.demo.accuracy import is_acted
from ser.demo.endpoints.api import errors_in_one_sentence
from ser.errors import SerError
from ser.storage.audit import EXAMPLES, read_table

if TYPE_CHECKING:
    from ser.demo.served_model import ServedModel


@dataclass(frozen=True)
class Example:
    """An example clip of a model.

    Attributes
    ----------
    name : str
        File name.
    caption : str
        Its emotion, or a description of it.
    content : bytes
        The file.
    emotion : str
        Empty if it has none.
    speaker : str
        Empty if it is not known.
    credit : str
        HTML: where it is from, who made it, and its licence.
    """

    name: str
    caption: str
    content: bytes
    emotion: str = ""
    speaker: str = ""
    credit: str = ""


def read_examples(files: Mapping[str, bytes], *, acted: bool = False) -> list[Example]:
    """Read the examples among the files of a model.

    Parameters
    ----------
    files : dict of str to bytes
        As `EmotionRecognizer.files`.
    acted : bool
        Whether emotions were acted, as captions then say.

    Returns
    -------
    list of Example
        In the order of `examples/metadata.csv`; clips that are missing are left out.
    """
    return [
        Example(
            row["file_name"],
            _caption(row, acted),
            files[path],
            row.get("emotion") or "",
            row.get("speaker") or "",
            _credit(row),
        )
        for row in read_table(files.get(EXAMPLES, b"").decode())
        if (path := f"examples/{row['file_name']}") in files
    ]


def _caption(row: Mapping[str, str], acted: bool) -> str:
    """Name the emotion; describe a clip that has none, such as a synthetic one."""
    emotion = row.get("emotion")
    if not emotion:
        return row.get("description") or row["file_name"]
    return f"Acted: {emotion}" if acted else emotion


def _credit(row: Mapping[str, str]) -> str:
    parts = [escape(row.get(name) or "") for name in ("source", "attribution", "license")]
    return re.sub(
        r"^([^,]+), (https?://[^\s,]+)", r'<a href="\2">\1</a>', ", ".join(filter(None, parts))
    )


def credits(examples: Sequence[Example], kept_apart: Collection[str] = ()) -> str:
    """Say who speaks in the examples, whether the model has heard them, and where they are from.

    Parameters
    ----------
    examples : sequence of Example
    kept_apart : collection of str
        Speakers whom the model did not hear in training.

    Returns
    -------
    str
        HTML.
    """
    speakers = {example.speaker for example in examples}
    parts = sorted({example.credit for example in examples if example.credit})
    if speakers and speakers <= set(kept_apart):
        number = {1: "One voice", 2: "Two voices"}.get(len(speakers), f"{len(speakers)} voices")
        parts.insert(0, f"{number} that the model never heard, in clips drawn by lot")
    return f"<p>{'. '.join(parts)}.</p>" if parts else ""


class Shelf:
    """The examples of a served model as files to play, with their results.

    Attributes
    ----------
    results : dict
        What the page showed for each example, by number; nothing is kept for other clips.
    """

    def __init__(self, model: "ServedModel") -> None:
        self._model = model
        self._folder = tempfile.TemporaryDirectory(prefix="ser-examples-")
        self._writing = threading.Lock()
        self.results: dict[int, Any] = {}

    @cached_property
    def examples(self) -> list[Example]:
        """The examples, once the model has loaded."""
        recognizer = self._model.get()
        return read_examples(recognizer.files, acted=is_acted(recognizer.config))

    @property
    def credits(self) -> str:
        """Who speaks in the examples, as HTML."""
        training = self._model.get().config.get("training") or {}
        return credits(self.examples, training.get("kept_apart") or ())

    def path(self, number: int) -> str:
        """Return the path of an example by its number, from 0.

        Raises
        ------
        SerError
            If there is none.
        """
        if not isinstance(number, int) or not 0 <= number < len(self.examples):
            raise SerError("There is no such example: choose one of those on the page.")
        example = self.examples[number]
        path = Path(self._folder.name, example.name)
        with self._writing:
            if not path.exists():
                path.parent.mkdir(exist_ok=True)  # it was empty and old
                path.write_bytes(example.content)
        return str(path)

    def number(self, clip: str | Path) -> int | None:
        """Return the number of the example of which a file is a copy, or None."""
        size = Path(clip).stat().st_size
        for number, example in enumerate(self.examples):
            if len(example.content) == size and Path(clip).read_bytes() == example.content:
                return number
        return None


SHOW_IN_ADDRESS = """(number) => {
  const address = new URL(location);
  address.searchParams.set("example", number + 1);
  history.replaceState(null, "", address);
  return number;
}"""

IS_TAKEN = """() => [!document.querySelector("#ser-clip input[type=file]")]"""
"""Whether something else than the empty drop zone is where a recording goes."""

HIDE_IN_ADDRESS = """() => {
  const address = new URL(location);
  address.searchParams.delete("example");
  history.replaceState(null, "", address);
}"""

COPY_ADDRESS = """async () => {
  const address = new URL(location);
  if (!address.searchParams.has("example")) address.searchParams.set("example", 1);
  if (!navigator.clipboard) {  // browsers offer it only over HTTPS and on localhost
    prompt("Link to this example:", address);
    return "Copy link to example";
  }
  await navigator.clipboard.writeText(address);
  return "Link copied";
}"""


@dataclass(frozen=True)
class Buttons:
    """One button per example, who speaks in them, and a button that copies a link to the one shown.

    The link contains the number of the example and nothing about the visitor: gradio's own
    `DeepLinkButton` would write their recording and its result to the server's disk.
    """

    examples: gr.Dataset
    credits: gr.HTML
    link: gr.Button


def add_buttons(shelf: Shelf, clip: gr.Audio, recorder: gr.Audio) -> Buttons:
    """Lay out the buttons; `opened` fills them once the model has loaded.

    Parameters
    ----------
    shelf : Shelf
    clip : gr.Audio
        Where a clicked example goes.
    recorder : gr.Audio
        Where recordings of the visitor's come from, too.
    """
    examples = gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=[],
        type="index",
        label="Examples",
        elem_id="ser-examples",
    )
    credits = gr.HTML(elem_id="ser-credits", elem_classes="ser-quiet")
    link = gr.Button("Copy link to example", size="sm", interactive=False, elem_id="ser-link")

    def choose(number: int) -> tuple[str, gr.Button]:
        with errors_in_one_sentence():
            return shelf.path(number), _link(interactive=True)

    examples.click(
        choose,
        examples,
        [clip, link],
        js=SHOW_IN_ADDRESS,
        trigger_mode="always_last",
        api_visibility="private",
    ).failure(None, js='() => globalThis.serWait?.("")')
    gr.on(
        [clip.upload, clip.stop_recording, clip.clear, recorder.stop_recording],
        lambda: _link(interactive=False),
        None,
        link,
        js=HIDE_IN_ADDRESS,
        api_visibility="private",
    )
    link.click(None, None, link, js=COPY_ADDRESS)
    return Buttons(examples, credits, link)


def filled(shelf: Shelf) -> tuple[Any, Any]:
    """Return what the page shows of the examples once the model has loaded.

    Returns
    -------
    examples, credits : update
    """
    if not shelf.examples:
        return gr.Dataset(visible=False), gr.HTML(visible=False)
    examples = gr.Dataset(
        samples=[[example.name] for example in shelf.examples],
        sample_labels=[example.caption for example in shelf.examples],
    )
    return examples, shelf.credits


def opened(shelf: Shelf, number: str | None, taken: bool) -> tuple[Any, Any]:
    """Return the example with which a page opens: the linked one, or else the first.

    Parameters
    ----------
    shelf : Shelf
    number : str or None
        From the address: the number of the linked example, from 1.
    taken : bool
        Whether a visitor has begun with a recording meanwhile, which is left to them.

    Returns
    -------
    clip, link : update
    """
    if not shelf.examples:
        return gr.skip(), gr.Button(visible=False)
    if taken:
        return gr.skip(), gr.skip()
    is_linked = (
        number
        and len(number) < 4
        and number.isdecimal()
        and 1 <= int(number) <= len(shelf.examples)
    )
    return shelf.path(int(number) - 1 if number and is_linked else 0), _link(interactive=True)


def _link(*, interactive: bool) -> gr.Button:
    return gr.Button("Copy link to example", interactive=interactive)
