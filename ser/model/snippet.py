"""The line of a model card that loads the model: it names the folder or repository it is in."""

import json
import re

_LINE = re.compile(r'from_pretrained\("(\\.|[^"\\])*"')


def name_in_card(card: str, name: str) -> str:
    """Return a card whose snippet loads the model from `name`, a path or ``OWNER/NAME``."""
    quoted = json.dumps(name, ensure_ascii=False)
    return _LINE.sub(lambda _: f"from_pretrained({quoted}", card)
