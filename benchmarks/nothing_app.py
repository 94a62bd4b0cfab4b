"""An app that does nothing: what gradio itself costs. Takes and returns what `/predict` does."""

import os

import gradio as gr

ANSWER = {"emotion": "calm", "confidence": 1.0}


def predict(clip):
    """Return the same for every clip."""
    return ANSWER


if __name__ == "__main__":
    with gr.Blocks() as demo:
        clip, answer, call = gr.Audio(type="filepath"), gr.JSON(), gr.Button()
        call.click(predict, clip, answer)
    demo.queue(default_concurrency_limit=os.cpu_count(), max_size=256)  # as in app.py
    demo.launch(ssr_mode=False)
