"""The whole card: what every version has, around the sections of its experiment."""

import re

import keras

from training.cards.identity import identity
from training.cards.input_table import input_table
from training.cards.network_table import network_text
from training.cards.origin_table import origin_table
from training.cards.score_table import scores_text
from training.cards.templates import fill
from vitrine.bundle import Manifest


def write_card(manifest: Manifest, network: keras.Model | None, sections: str) -> str:
    """Return the model card of a version.

    Args:
        manifest: Description of the version.
        network: The network; None where there is only an exported one.
        sections: The sections of the experiment, in Markdown.
    """
    card = fill(
        "card",
        name=manifest.name,
        version=str(manifest.version),
        identity=identity(manifest),
        scores=scores_text(manifest),
        sections=sections,
        inputs=input_table(manifest),
        network=network_text(manifest, network),
        origin=origin_table(manifest.origin),
    )
    # A section that is left out leaves empty lines.
    return re.sub(r"\n{3,}", "\n\n", card) + "\n"
