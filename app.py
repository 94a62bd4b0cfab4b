"""The demo: run `python app.py` and open the address that it prints.

`SER_MODEL` selects a model other than the one that ships: a folder, or `owner/name` or
`owner/name@revision` on the Hugging Face Hub. Host and port are gradio's own settings,
`GRADIO_SERVER_NAME` and `GRADIO_SERVER_PORT`. If `SER_SHARE_DATASET` names a dataset of yours on
the Hub, visitors can share their clips with it. `SER_PASSWORD` puts a login before everything.
"""

import logging
import os
import signal
import sys
import threading
from contextlib import ExitStack, suppress

import gradio as gr

from ser.demo import about_tab, page
from ser.demo.batch import tab as batch_tab
from ser.demo.endpoints.api import add_endpoints
from ser.demo.endpoints.stream_api import limit_streams
from ser.demo.head import set_head
from ser.demo.live import tab as live_tab
from ser.demo.recognise import tab as recognise_tab
from ser.demo.served_model import ServedModel
from ser.demo.server.blocks import Demo
from ser.demo.server.front import Traffic
from ser.demo.server.run_folder import RunFolder
from ser.demo.theme import FIRST_STYLES
from ser.errors import SerError
from ser.hub.sharing import ClipSharing


def build(model: ServedModel, sharing: ClipSharing | None = None) -> Demo:
    """Lay out the page and the API; nothing is loaded or started.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
    sharing : ser.hub.sharing.ClipSharing, optional
        Where visitors can share their clips; without it, the page does not offer that.
    """
    with Demo(title=page.TITLE, analytics_enabled=False) as demo:
        notice = page.add_header()
        with gr.Tabs() as tabs:
            with gr.Tab("Recognise", id="recognise"):
                recognise = recognise_tab.add_tab(model, sharing)
            with gr.Tab("Live", render_children=True):  # its recorder is loaded when it is pressed
                live = live_tab.add_tab(model, recognise.profile)
            with gr.Tab("Batch"):
                batch = batch_tab.add_tab(model, recognise, tabs)
            with gr.Tab("About"):
                about = about_tab.add_tab()
        page.fill_when_loaded(demo, model, notice, recognise, live, batch, about)
        add_endpoints(model)
    demo.queue(default_concurrency_limit=os.cpu_count(), max_size=256)
    return demo


def main() -> None:
    """Serve the demo with the settings of the environment."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("ser").setLevel(logging.INFO)
    logging.getLogger("huggingface_hub").propagate = False  # it prints its lines itself
    for name, value in page.SPARED.items():
        os.environ.setdefault(name, value)
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    ending = ExitStack()
    try:
        sharing = ClipSharing.from_environment()
        ending.enter_context(RunFolder())
    except SerError as error:
        sys.exit(str(error))
    with ending:
        model = ServedModel(os.environ.get("SER_MODEL") or None)
        demo, traffic = build(model, sharing), Traffic()
        set_head(page.TITLE, page.LEAD, FIRST_STYLES)
        demo.launch(**page.launch_settings(model, os.environ.get("SER_PASSWORD"), traffic))
        limit_streams(demo.server.config)
        model.start()  # not before: loading keeps the server from starting
        with suppress(KeyboardInterrupt):
            told.wait()
            traffic.close(demo.is_working)
    sys.stdout.flush()
    os._exit(0)  # all is tidy, and the interpreter would take seconds to take itself apart


if __name__ == "__main__":
    main()
