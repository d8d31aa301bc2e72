"""The network and its cost, on the card."""

import keras
import msgspec
import pytest

from tests.bundles import table_manifest
from training.cards.network_table import network_text
from vitrine.signature import Dialect


@pytest.mark.parametrize(
    ("scores", "dialect", "compared"),
    [
        ({"test": {"rmse": 1.0}}, Dialect(), "the validation part"),
        ({}, Dialect(), "instances made by code and on rows of the sample"),
        ({}, None, "instances made by code"),
    ],
    ids=["trained", "imported with a sample", "imported"],
)
def test_export_is_said_to_be_compared_on_what_it_was(
    scores: dict[str, dict[str, float]], dialect: Dialect | None, compared: str
) -> None:
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    manifest = msgspec.structs.replace(
        table_manifest(), scores=scores, dialect=dialect, onnx_difference=1e-7
    )

    text = network_text(manifest, network)

    assert text.endswith(f"differs from Keras by at most 1.0e-07 on {compared}.")
