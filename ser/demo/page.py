"""The page as a whole: its header, its look, and what is filled in from the model."""

import importlib.util
from html import escape

import gradio as gr

from ser.demo import about, examples
from ser.demo.look import STYLE, theme
from ser.errors import SerError

TITLE = "Speech emotion recognition"
LEAD = (
    "Recognises the emotion in a voice, says how confident it is and lists reasons to doubt the "
    "result. Recordings are processed on this server and deleted within two hours."
)

RAW_MICROPHONE = """<script>
(() => {
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) =>
    ask(wanted.audio ? { ...wanted, audio: { ...wanted.audio, ...raw } } : wanted);
})();
</script>"""
"""Turns off the browser's echo cancellation, noise suppression and automatic gain, which alter the
voice."""

VIDEO_AS_AUDIO = """<script>
document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.type !== "file" || !input.accept.includes("audio")) return;
  const files = new DataTransfer();
  for (const file of input.files)
    files.items.add(new File([file], file.name, { type: file.type.replace(/^video/, "audio") }));
  input.files = files.files;
}, true);
</script>"""
"""Lets audio in WebM and MP4 be chosen: browsers label such files as video, which gradio refuses.
The server decides by content."""

LAUNCH = {
    "head": RAW_MICROPHONE + VIDEO_AS_AUDIO,
    "theme": theme(),
    "css_paths": STYLE,
    "ssr_mode": False,  # it would need Node
    "run_history": False,  # visitors' recordings are not kept, not even in their browsers
    "footer_links": ["api"],
    "max_file_size": "200mb",  # ten minutes of 24-bit stereo at 48 kHz, with room to spare
    "mcp_server": importlib.util.find_spec("mcp") is not None,
}
"""How the server is launched."""


def add_header():
    """Lay out the header; return the component for a notice to everyone."""
    gr.HTML(f"<header><h1>{TITLE}</h1><p>{LEAD}</p></header>", elem_id="ser-head")
    return gr.HTML(visible=False, elem_id="ser-notice")


def fill_when_loaded(demo, model, notice, tab, about_tab):
    """Fill in what depends on the model as soon as it has loaded.

    Parameters
    ----------
    demo : gr.Blocks
    model : ser.demo.model.ServedModel
    notice : gr.HTML
    tab : ser.demo.recognise.Tab
    about_tab : list of component
    """

    def fill(request: gr.Request):
        try:
            recognizer = model.get()
        except SerError as error:
            return {notice: _notice(str(error))}
        number = request.query_params.get("example")
        return {
            notice: _notice(model.notice),
            **dict(zip(from_examples, examples.opened(tab.shelf, number), strict=True)),
            **dict(zip(about_tab, about.contents(recognizer), strict=True)),
        }

    from_examples = [tab.buttons.examples, tab.buttons.link, tab.clip]
    demo.load(
        fill,
        None,
        [notice, *from_examples, *about_tab],
        queue=False,  # opening the page need not wait in the queue
        show_progress="hidden",
        api_visibility="private",
    )

    def forget(request: gr.Request):
        demo.state_holder.delete_state(request.session_hash)

    # Gradio would keep a session's state, such as a voice profile, for an hour after it ended.
    demo.unload(forget)


def _notice(sentence):
    text = f'<p role="status">{escape(sentence)}</p>' if sentence else ""
    return gr.HTML(text, visible=bool(sentence))
