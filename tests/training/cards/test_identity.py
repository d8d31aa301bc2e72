"""What a model predicts, on its card."""

from tests.bundles import labels_manifest
from training.cards.card import write_card


def test_label_of_two_lines_stays_in_its_line_of_the_card() -> None:
    written = write_card(labels_manifest(labels=("a\n## b", "c")), None, "")

    assert "any of 2 labels: a ## b, c." in written
