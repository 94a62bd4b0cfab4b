"""Example clips that come with the model."""

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from ser.model.audit import EXAMPLES, read_table

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
    """

    name: str
    caption: str
    content: bytes


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
        Example(row["file_name"], _caption(row, acted), files[path])
        for row in read_table(files.get(EXAMPLES, b"").decode())
        if (path := f"examples/{row['file_name']}") in files
    ]


def _caption(row: Mapping[str, str], acted: bool) -> str:
    """Name the emotion; describe a clip that has none, such as a synthetic one."""
    emotion = row.get("emotion")
    if not emotion:
        return row.get("description") or row["file_name"]
    return f"Acted: {emotion}" if acted else emotion


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
        kinds = [each.get("kind") or "" for each in recognizer.config.get("datasets", [])]
        acted = bool(kinds) and all(kind.startswith("acted") for kind in kinds)
        return read_examples(recognizer.files, acted=acted)

    def path(self, number: int) -> str:
        """Return the path of an example by its number, from 0."""
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

HIDE_IN_ADDRESS = """() => {
  const address = new URL(location);
  address.searchParams.delete("example");
  history.replaceState(null, "", address);
}"""

COPY_ADDRESS = """async () => {
  if (!navigator.clipboard) {  // browsers offer it only over HTTPS and on localhost
    prompt("Link to this example:", location);
    return "Copy link to example";
  }
  await navigator.clipboard.writeText(location);
  return "Link copied";
}"""


@dataclass(frozen=True)
class Buttons:
    """One button per example, and one that copies a link to the example shown.

    The link contains the number of the example and nothing about the visitor: gradio's own
    `DeepLinkButton` would write their recording and its result to the server's disk.
    """

    examples: gr.Dataset
    link: gr.Button


def add_buttons(shelf: Shelf, clip: gr.Audio) -> Buttons:
    """Lay out the buttons; `opened` fills them once the model has loaded.

    Parameters
    ----------
    shelf : Shelf
    clip : gr.Audio
        Where a clicked example goes.
    """
    examples = gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=[],
        type="index",
        label="Examples",
        elem_id="ser-examples",
    )
    link = gr.Button("Copy link to example", size="sm", interactive=False, elem_id="ser-link")
    examples.click(
        lambda number: (shelf.path(number), _link(interactive=True)),
        examples,
        [clip, link],
        js=SHOW_IN_ADDRESS,
        trigger_mode="always_last",
        api_visibility="private",
    )
    gr.on(
        [clip.upload, clip.stop_recording, clip.clear],
        lambda: _link(interactive=False),
        None,
        link,
        js=HIDE_IN_ADDRESS,
        api_visibility="private",
    )
    link.click(None, None, link, js=COPY_ADDRESS)
    return Buttons(examples, link)


def opened(shelf: Shelf, number: str | None) -> tuple[Any, Any, Any]:
    """Return what a newly opened page shows of the examples.

    Parameters
    ----------
    shelf : Shelf
    number : str or None
        From the address: the number of the linked example, from 1.

    Returns
    -------
    examples, link, clip : update
    """
    if not shelf.examples:
        return gr.Dataset(visible=False), gr.Button(visible=False), gr.skip()
    examples = gr.Dataset(
        samples=[[example.name] for example in shelf.examples],
        sample_labels=[example.caption for example in shelf.examples],
    )
    if number and number.isdecimal() and 1 <= int(number) <= len(shelf.examples):
        return examples, _link(interactive=True), shelf.path(int(number) - 1)
    return examples, _link(interactive=False), gr.skip()


def _link(*, interactive: bool) -> gr.Button:
    return gr.Button("Copy link to example", interactive=interactive)
