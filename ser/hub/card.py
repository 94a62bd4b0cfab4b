"""What a model card says of where things are: the model, its demo, its code."""

import json
import re

from huggingface_hub import constants

_LOADING = re.compile(r'from_pretrained\("(\\.|[^"\\])*"')
_LINKS = re.compile(r"<!-- links -->\n(?:(?!<!-- )[^\n]*\n)*<!-- /links -->\n\n")


def name_in_card(card: str, name: str) -> str:
    """Return a card whose snippet loads the model from `name`, a path or ``OWNER/NAME``."""
    quoted = json.dumps(name, ensure_ascii=False)
    return _LOADING.sub(lambda _: f"from_pretrained({quoted}", card)


def with_links(card: str, *, code: str | None = None, space: str | None = None) -> str:
    """Return a card that says, above its first section, where the demo and the code are.

    Parameters
    ----------
    card : str
    code : str, optional
        Address of the code's git repository; by default the Space, which has the code as well.
    space : str, optional
        ``OWNER/SPACE`` of the demo.

    Returns
    -------
    str
        With these links alone; without either, the card as it was.
    """
    lines = []
    if space:
        address, folder = f"{constants.ENDPOINT}/spaces/{space}", space.split("/")[-1]
        lines.append(f"- Try it: [{space}]({address})")
    if code:
        lines.append(f"- Code: <{code}>; to install it: `python -m pip install git+{code}`")
    elif space:
        lines.append(
            f"- Code: in the same [Space]({address}/tree/main); for use in the folder `{folder}`: "
            f"`git clone {address} && python -m pip install -r {folder}/requirements.txt`"
        )
    if not lines:
        return card
    before, heading, rest = _LINKS.sub("", card).partition("\n## ")
    links = "\n".join(["<!-- links -->", *lines, "<!-- /links -->"])
    return f"{before}\n{links}\n{heading}{rest}"
