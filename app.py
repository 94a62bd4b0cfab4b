"""The demo: run `python app.py` and open the address that it prints.

`SER_MODEL` selects a model other than the one that ships: a folder, or `owner/name` or
`owner/name@revision` on the Hugging Face Hub. Host and port are gradio's own settings,
`GRADIO_SERVER_NAME` and `GRADIO_SERVER_PORT`. If `SER_SHARE_DATASET` names a dataset of yours on
the Hub, visitors can share their clips with it. `SER_PASSWORD` puts a login before everything.
"""

import logging
import os
import sys

import gradio as gr

from ser.demo import about_tab, batch_tab, live_tab, page, recognise_tab
from ser.demo.api import add_endpoints
from ser.demo.received import Demo
from ser.demo.served_model import ServedModel
from ser.errors import SharingError
from ser.hub.sharing import ClipSharing


def build(model: ServedModel, sharing: ClipSharing | None = None) -> Demo:
    """Lay out the page and the API; nothing is loaded or started.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
    sharing : ser.hub.sharing.ClipSharing, optional
        Where visitors can share their clips; without it, the page does not offer that.
    """
    with Demo(title=page.TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as demo:
        notice = page.add_header()
        with gr.Tabs() as tabs:
            with gr.Tab("Recognise", id="recognise"):
                recognise = recognise_tab.add_tab(model, sharing)
            with gr.Tab("Live"):
                live = live_tab.add_tab(model, recognise.profile)
            with gr.Tab("Batch"):
                batch_tab.add_tab(model, recognise, tabs)
            with gr.Tab("About"):
                about = about_tab.add_tab()
        page.fill_when_loaded(demo, model, notice, recognise, live, about)
        add_endpoints(model)
    demo.queue(default_concurrency_limit=os.cpu_count(), max_size=256)
    return demo


def main() -> None:
    """Serve the demo with the settings of the environment."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("ser").setLevel(logging.INFO)
    logging.getLogger("huggingface_hub").propagate = False  # it prints its lines itself
    try:
        sharing = ClipSharing.from_environment()
    except SharingError as error:
        sys.exit(str(error))
    for name, value in page.SPARED.items():
        os.environ.setdefault(name, value)
    model = ServedModel(os.environ.get("SER_MODEL") or None)
    demo = build(model, sharing)
    demo.launch(**page.launch_settings(model, os.environ.get("SER_PASSWORD")))
    # A program that sends sound too fast has to wait, and so does its answer to a ping.
    demo.server.config.ws_ping_timeout = None
    model.start()  # not before: loading keeps the server from starting
    demo.block_thread()


if __name__ == "__main__":
    main()
