"""The demo: run `python app.py` and open the address that it prints.

`SER_MODEL` names another model than the one that ships: a folder, or `owner/name` or
`owner/name@revision` on the Hugging Face Hub. Host and port are gradio's own settings,
`GRADIO_SERVER_NAME` and `GRADIO_SERVER_PORT`.
"""

import logging
import os

from ser.demo.model import ServedModel

logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
logging.getLogger("ser").setLevel(logging.INFO)
model = ServedModel(os.environ.get("SER_MODEL"))  # loads behind the imports that follow

import gradio as gr  # noqa: E402

from ser.demo.api import add_endpoints, errors_in_one_sentence  # noqa: E402

TITLE = "Speech emotion recognition"


def recognise(clip):
    """Return the probability of each emotion, or nothing for no clip."""
    if clip is None:
        return None
    with errors_in_one_sentence():
        return model.get().predict(clip).probabilities


with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600)) as demo:
    gr.Markdown(f"# {TITLE}")
    with gr.Row():
        clip = gr.Audio(sources=["microphone", "upload"], type="filepath", label="Recording")
        result = gr.Label(label="Emotion")
    clip.change(recognise, clip, result, api_visibility="private")
    add_endpoints(model)

demo.queue(default_concurrency_limit=os.cpu_count(), max_size=256)

if __name__ == "__main__":
    demo.launch(
        ssr_mode=False,
        run_history=False,
        max_file_size="200mb",
        footer_links=["api"],
    )
