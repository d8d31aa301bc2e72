"""Configurations of Keras 2 become those of Keras 3."""

import pytest

from tests.training.importing.conftest import layer
from training.importing.keras2_configs import renew


@pytest.mark.parametrize(
    ("arguments", "renewed"),
    [
        ({"units": 3, "time_major": False, "batch_input_shape": [None, 2, 4]}, {"units": 3}),
        ({"units": 3, "time_major": True}, {"units": 3, "time_major": True}),
    ],
    ids=["neutral", "not neutral"],
)
def test_arguments_of_keras_2_are_left_out_where_they_decide_about_nothing(
    arguments: dict[str, object], renewed: dict[str, object]
) -> None:
    inner = layer("Bidirectional", config={"layer": layer("LSTM", config=arguments)})

    assert renew([inner]) == [
        layer("Bidirectional", config={"layer": layer("LSTM", config=renewed)})
    ]
