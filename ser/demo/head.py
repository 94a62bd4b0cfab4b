"""The head of the page as the server sends it: what links to it look like, and its first moments.

Gradio has the `head` of a page inserted by its script, when the page is being built: too late for
those who only read its address, such as chats, and for what has to be there before that script.
"""

import re
from pathlib import Path

from gradio.routes import templates
from jinja2 import ChoiceLoader, DictLoader

PAGE = "frontend/index.html"
ICON = Path(__file__).with_name("icon.svg")
PREVIEW = Path(__file__).with_name("preview.png")
PREVIEW_ADDRESS = "/preview.png"

OWN = re.compile(r'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>')
"""What gradio says there of itself."""


def set_head(title: str, description: str, styles: str) -> None:
    """Give the page a head of its own, in the place of gradio's.

    Parameters
    ----------
    title, description : str
        Of the page, in previews of links to it.
    styles : str
        CSS that has to be there before the page is built.
    """
    env = templates.env
    if env.loader is None:
        return
    page = OWN.sub("", env.loader.get_source(env, PAGE)[0])
    env.globals.update(title=title, description=description, styles=styles, preview=PREVIEW_ADDRESS)
    head = Path(__file__).with_name("head.html").read_text("utf-8")
    changed = page.replace('<meta charset="utf-8" />', f'<meta charset="utf-8" />\n{head}', 1)
    env.loader = ChoiceLoader([DictLoader({PAGE: changed}), env.loader])
