"""The page as a whole: its header, its look, and what is filled in from the model."""

import hmac
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.responses import FileResponse
from starlette.routing import Mount, Route

from ser.corpora.emotions import NAMES
from ser.demo import about_tab, example_shelf
from ser.demo.batch.table import summary_html
from ser.demo.endpoints.http_api import PREFIX, make_api
from ser.demo.head import ICON, PREVIEW, PREVIEW_ADDRESS
from ser.demo.live.panel import idle_panel
from ser.demo.recognise import visit_panel
from ser.demo.result_panel import empty_panel, status
from ser.demo.server.blocks import Demo
from ser.demo.server.front import Front, Traffic
from ser.demo.server.received import HANDLERS
from ser.demo.theme import STYLES, emotion_colours, theme
from ser.errors import SerError

if TYPE_CHECKING:
    from ser.demo.recognise.tab import Tab
    from ser.demo.served_model import ServedModel

TITLE = "Speech emotion recognition"
LEAD = (
    "Recognises the emotion in a voice, says how confident it is and lists reasons to doubt the "
    "result. Recordings are processed on this server and deleted within two hours."
)

SCRIPTS = sorted(Path(__file__).with_name("scripts").glob("*.js"))
"""What runs in visitors' browsers."""

MAX_FILE_SIZE = 200 * gr.FileSize.MB
"""Ten minutes of 24-bit stereo at 48 kHz, with room to spare."""


SPARED = {
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",  # else a table of events after each event
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "MPLBACKEND": "agg",  # else the first event looks for another one, which takes a second
}
"""Variables of the environment that spare what gradio does beside each event, and nobody sees."""

MAX_SESSIONS = 2000
"""Visitors of whom anything is remembered. Each takes 0.1 MB, as does each call of gradio's plain
HTTP, and gradio forgets none before there are more."""


def launch_settings(model: "ServedModel", password: str | None, traffic: Traffic) -> dict[str, Any]:
    """Return how to launch the server.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
        For the plain interface, which the server answers before gradio's own.
    password : str or None
        What to ask everyone for.
    traffic : ser.demo.server.front.Traffic
        Where requests are counted.
    """
    is_right = _check(password) if password else None
    api = make_api(model, is_right)
    preview = Route(PREVIEW_ADDRESS, lambda request: FileResponse(PREVIEW))
    has_mcp = importlib.util.find_spec("mcp") is not None
    return {
        "head": "".join(f"<script>\n{path.read_text('utf-8')}</script>" for path in SCRIPTS),
        "theme": theme(),
        "css": emotion_colours(),
        "css_paths": STYLES,
        "favicon_path": str(ICON),
        "ssr_mode": False,  # it would need Node
        "run_history": False,  # visitors' recordings are not kept, not even in their browsers
        "footer_links": ["api"],
        "max_file_size": MAX_FILE_SIZE,
        "state_session_capacity": MAX_SESSIONS,
        "mcp_server": has_mcp and not password,  # gradio puts no login before MCP
        "app_kwargs": {
            "exception_handlers": HANDLERS,
            "middleware": [Middleware(Front, traffic=traffic, max_upload=MAX_FILE_SIZE)],
            "routes": [preview, Mount(PREFIX, api)],
        },
        "auth": is_right,
        "auth_message": "Any user name will do.",
        "prevent_thread_lock": True,  # the model loads when the server is up
        "_frontend": False,  # no giving up if a busy machine takes 3 s to answer itself
    }


def _check(password: str) -> Callable[[str, str], bool]:
    def is_right(name: str, given: str) -> bool:
        return hmac.compare_digest(given.encode(), password.encode())

    return is_right


def add_header() -> gr.HTML:
    """Lay out the header; return the component for a notice to everyone."""
    head = f"<h1>{TITLE}</h1><p>{LEAD}</p>"
    gr.HTML(f"<header>{head}</header>", elem_id="ser-head")
    return gr.HTML(visible=False, elem_id="ser-notice")


def fill_when_loaded(
    demo: Demo,
    model: "ServedModel",
    notice: gr.HTML,
    tab: "Tab",
    live: gr.HTML,
    batch: gr.HTML,
    about: list[gr.components.Component],
) -> None:
    """Fill in what depends on the model as soon as it has loaded.

    Parameters
    ----------
    demo : ser.demo.server.blocks.Demo
    model : ser.demo.served_model.ServedModel
    notice : gr.HTML
    tab : ser.demo.recognise.tab.Tab
    live : gr.HTML
        The result of the tab for live speech.
    batch : gr.HTML
        The summary of the tab for many files.
    about : list of component
    """

    def fill() -> dict[gr.components.Component, Any]:
        try:
            recognizer = model.get()
        except SerError as error:
            return {notice: _notice(str(error))}
        own_panels: dict[gr.components.Component, Any] = {}
        if recognizer.labels != NAMES:  # else they stand there, or a visitor's first result does
            own_panels[tab.panel] = empty_panel(recognizer.labels)
            own_panels[live] = idle_panel(recognizer.labels)
            own_panels[batch] = summary_html(None, recognizer.labels)
        return {
            notice: _notice(model.notice),
            tab.marks: visit_panel.marks(recognizer),
            **own_panels,
            **dict(zip(from_examples, example_shelf.filled(tab.shelf), strict=True)),
            **dict(zip(about, about_tab.contents(recognizer), strict=True)),
        }

    def open_example(taken: bool, request: gr.Request) -> tuple[Any, Any]:
        number = request.query_params.get("example")
        try:
            return example_shelf.opened(tab.shelf, number, taken)
        except SerError:  # the notice says why there is no model
            return gr.skip(), gr.skip()

    from_examples = [tab.buttons.examples, tab.buttons.credits]
    loaded = demo.load(
        fill,
        None,
        [notice, tab.panel, tab.marks, live, batch, *from_examples, *about],
        queue=False,  # opening the page need not wait in the queue
        show_progress="hidden",
        api_visibility="private",
    )
    # A step of its own, since a visitor may have begun while the model loaded.
    loaded.success(
        open_example,
        gr.Checkbox(visible=False),
        [tab.clip, tab.buttons.link],
        js=example_shelf.IS_TAKEN,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )

    async def left(request: gr.Request) -> None:
        demo.forget_unless_used(request.session_hash)

    demo.unload(left)


def _notice(sentence: str | None) -> gr.HTML:
    return gr.HTML(status(sentence) if sentence else "", visible=bool(sentence))
