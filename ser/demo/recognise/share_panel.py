"""The panel under a result in which a visitor shares the clip and its true emotion."""

from typing import TYPE_CHECKING, Any

import gradio as gr

from ser.demo.result_panel import status
from ser.errors import SerError

if TYPE_CHECKING:
    from ser.demo.served_model import ServedModel
    from ser.hub.sharing import ClipSharing

Shown = tuple[str, dict[str, Any]] | None
"""The path of the recording and the result that was shown, as `Prediction.to_dict` gives it;
None if the recording is not theirs to share, or nothing was recognised."""

THANKS = "Thank you. The clip will be added to the dataset as soon as the Hub accepts it."
NOT_OWN = "Only a recording of your own that was recognised can be shared."


def add_panel(
    model: "ServedModel", sharing: "ClipSharing", clip: gr.Audio, result: gr.State
) -> None:
    """Lay out the panel in the `gr.Blocks` being built.

    Parameters
    ----------
    model : ser.demo.served_model.ServedModel
    sharing : ser.hub.sharing.ClipSharing
    clip : gr.Audio
        The recording that the visitor sees.
    result : gr.State
        Holds a `Shown`.
    """
    with gr.Accordion("Share this clip", open=False, elem_id="ser-share"):
        emotion = gr.Radio(label="Which emotion was it really?", choices=[], interactive=True)
        consent = gr.Checkbox(label=sharing.terms, interactive=True)
        share = gr.Button("Share", interactive=False)
        message = gr.HTML(status(NOT_OWN), elem_classes="ser-quiet")
    shared = gr.State([])  # paths of what was shared: a clip is wanted once, whatever comes of it

    def reset(shown: Shown, shared: list[str]) -> tuple[gr.Radio, gr.Checkbox, gr.Button, str]:
        labels = list(shown[1]["probabilities"]) if shown else []
        is_shared = shown is not None and shown[0] in shared
        can_share = shown is not None and not is_shared
        return (
            gr.Radio(choices=labels, value=None, interactive=can_share),
            gr.Checkbox(value=False, interactive=can_share),
            gr.Button(interactive=False),
            status(THANKS if is_shared else "" if can_share else NOT_OWN),
        )

    def ready(shown: Shown, label: str | None, agreed: bool) -> gr.Button:
        return gr.Button(interactive=bool(shown and label and agreed))

    def give(
        path: str | None, shown: Shown, label: str, agreed: bool, shared: list[str]
    ) -> tuple[Any, ...]:
        from ser import Prediction

        # Pressed while one took the place of the other, or again.
        if shown is None or shown[0] != path or path in shared:
            return (gr.skip(),) * 5
        prediction = Prediction(**shown[1])
        try:
            sharing.share(path, prediction, model.get(), emotion=label, consent=agreed)
        except SerError as error:
            return gr.skip(), gr.skip(), gr.Button(interactive=True), status(str(error)), gr.skip()
        done = [part(interactive=False) for part in (gr.Radio, gr.Checkbox, gr.Button)]
        return *done, status(THANKS), [*shared, path]

    result.change(
        reset, [result, shared], [emotion, consent, share, message], api_visibility="private"
    )
    gr.on(
        [emotion.input, consent.input],
        ready,
        [result, emotion, consent],
        share,
        show_progress="hidden",
        trigger_mode="always_last",
        api_visibility="private",
    )
    share.click(
        give,
        [clip, result, emotion, consent, shared],
        [emotion, consent, share, message, shared],
        trigger_mode="once",
        api_visibility="private",
    )
