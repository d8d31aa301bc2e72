"""What a model predicts, on its card."""

import msgspec

from tests.bundles import labels_manifest, table_manifest
from training.cards.card import write_card
from training.cards.identity import identity
from vitrine.signature import Signature


def test_label_of_two_lines_stays_in_its_line_of_the_card() -> None:
    written = write_card(labels_manifest(labels=("a\n## b", "c")), None, "")

    assert "any of 2 labels: a ## b, c." in written


def test_one_column_is_not_called_columns() -> None:
    manifest = table_manifest()
    signature = Signature(inputs=manifest.signature.inputs[:1], outputs=manifest.signature.outputs)

    text = identity(msgspec.structs.replace(manifest, signature=signature))

    assert "predicts `price` from one column of a table." in text
