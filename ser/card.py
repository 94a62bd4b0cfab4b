"""The model card."""

import re


def name_in_card(card, repo_id):
    """Return a card whose snippet loads the model from `repo_id`."""
    return re.sub(r'from_pretrained\("[^"]*"', f'from_pretrained("{repo_id}"', card)
