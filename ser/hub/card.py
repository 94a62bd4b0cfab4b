"""Cards: what they say of where things are (model, demo, code), and whether the Hub takes them."""

import json
import re
from contextlib import suppress

import yaml
from huggingface_hub import constants
from huggingface_hub.repocard import RepoCard

from ser.errors import HubError
from ser.hub.errors import one_line

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


def check_card(card: str, repo_type: str) -> None:
    """Have the Hub check the metadata of a README.md before anything is created or uploaded."""
    try:
        RepoCard(card).validate(repo_type=repo_type)
    except (ValueError, yaml.YAMLError) as error:
        faults = str(error)
        with suppress(ValueError, KeyError, TypeError):
            faults = "; ".join(fault["message"] for fault in json.loads(faults)["errors"])
        raise HubError(f"The Hub refuses the card: {one_line(faults)}.") from error
