"""How a version was made, on its card."""

import msgspec

from tests.bundles import ORIGIN
from training.cards.origin_table import origin_table


def test_seed_and_split_of_a_training_are_told() -> None:
    text = origin_table(ORIGIN)

    assert "| seed | 0 |" in text
    assert "| split | train 1 |" in text


def test_import_has_no_seed_and_no_split() -> None:
    text = origin_table(msgspec.structs.replace(ORIGIN, split={}, data="net.keras"))

    assert "| saved network | net.keras, SHA-256" in text
    assert "seed" not in text
    assert "split" not in text
