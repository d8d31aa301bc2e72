"""Configurations of Keras 2 become those of Keras 3."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.importing.conftest import layer
from training.importing.h5_conversion import convert
from training.importing.keras2_configs import renew
from training.importing.keras_files import open_keras


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


@pytest.mark.parametrize("policy", ["mixed_float16", "float16", "mixed_bfloat16"])
def test_network_of_16_bits_computes_with_32(policy: str) -> None:
    kept = layer("DTypePolicy", "keras", config={"name": policy})

    assert renew({"dtype": kept}) == {"dtype": "float32"}
    assert renew({"dtype": policy}) == {"dtype": "float32"}


def test_sequential_whose_first_layer_holds_the_shape_gets_an_input() -> None:
    dense = {"name": "first", "units": 3, "batch_input_shape": [None, 4]}
    old = {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": dense}]}

    image, hidden = renew(old)["config"]["layers"]

    assert image["config"]["batch_input_shape"] == [None, 4]
    assert hidden == layer("Dense", config={"name": "first", "units": 3})


def opened(file: Path, folder: Path) -> keras.Model:
    """Open a network of either format in this process."""
    if file.suffix != ".h5":
        return open_keras(file)
    convert(file, folder / "converted.keras")
    return open_keras(folder / "converted.keras")


NETWORKS = {
    "nested.h5": 1e-6,
    "nested.keras": 1e-6,
    "connected.h5": 1e-6,
    "normalized.h5": 1e-5,
    "normalized.keras": 1e-5,
    "normalized_alone.h5": 1e-6,
    "normalized_alone.keras": 1e-6,
    "mixed.h5": 1e-2,
    "mixed.keras": 1e-2,
}


@pytest.mark.parametrize(("name", "tolerance"), NETWORKS.items(), ids=NETWORKS)
def test_network_of_keras_2_answers_as_it_did(
    of_keras_2: Path, tmp_path: Path, name: str, tolerance: float
) -> None:
    network = opened(of_keras_2 / name, tmp_path)

    with np.load(of_keras_2 / f"{Path(name).stem}.npz") as answered:
        found = network.predict(answered["taken"], verbose=0)
        assert found == pytest.approx(answered["given"], abs=tolerance)


@pytest.mark.parametrize("name", ["normalized.h5", "normalized.keras"])
def test_width_is_that_which_a_normalization_learned(
    of_keras_2: Path, tmp_path: Path, name: str
) -> None:
    assert opened(of_keras_2 / name, tmp_path).input_shape == (None, 3)
