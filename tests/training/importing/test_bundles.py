"""An imported network predicts the same as before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from tests.training.importing.conftest import (
    Rows,
    digits,
    import_file,
    predict,
    row_network,
    rows,
    softmax_network,
)
from training.errors import CannotTrain
from training.importing.options import ImportOptions
from vitrine import bundle
from vitrine.loading import load_version

Prepare = Callable[[Rows], NDArray[np.floating[Any]]]


PICTURES: dict[str, tuple[Callable[[], keras.Model], ImportOptions, Prepare]] = {
    "levels divided outside": (
        softmax_network,
        ImportOptions(levels="0-1"),
        lambda x: x[..., 0] / 255,
    ),
    "levels as they are": (
        lambda: keras.Sequential(
            [keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), *softmax_network().layers]
        ),
        ImportOptions(),
        lambda x: x,
    ),
    "levels from -1 to 1 outside": (
        softmax_network,
        ImportOptions(levels="-1-1"),
        lambda x: x[..., 0] / 127.5 - 1,
    ),
    "flat": (
        lambda: softmax_network(shape=(784,)),
        ImportOptions(levels="0-1", geometry="mnist"),
        lambda x: x.reshape(-1, 784) / 255,
    ),
}


@pytest.mark.parametrize(("build", "options", "prepare"), PICTURES.values(), ids=PICTURES)
def test_imported_classifier_of_pictures_answers_as_it_did(
    tmp_path: Path,
    build: Callable[[], keras.Model],
    options: ImportOptions,
    prepare: Prepare,
) -> None:
    network = build()
    network.save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", options)

    expected = network.predict(prepare(digits().astype(np.float32)), verbose=0)
    assert predict(folder, {"image": digits()}) == pytest.approx(expected, abs=1e-5)
    manifest = bundle.read_manifest(folder)
    assert set(manifest.files) == {"MLmodel", "model.keras", "model.onnx", "golden.npz"}
    assert "CARD.md" in manifest.report


def second_of_two(one: Rows) -> Rows:
    """Return the probabilities of both labels."""
    return np.concatenate([1 - one, one], axis=1)


def sigmoid(logits: Rows) -> Rows:
    """Return probabilities."""
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


ROWS: dict[str, tuple[keras.layers.Layer, ImportOptions, Callable[[Rows], Rows]]] = {
    "value": (layers.Dense(1), ImportOptions(unit="EUR"), lambda y: y[:, 0]),
    "sigmoid": (
        layers.Dense(1, activation="sigmoid"),
        ImportOptions(labels=("bad", "good")),
        second_of_two,
    ),
    "logit": (layers.Dense(1), ImportOptions(logits=True), lambda y: second_of_two(sigmoid(y))),
    "several labels": (layers.Dense(3, activation="sigmoid"), ImportOptions(), lambda y: y),
    "logits": (
        layers.Dense(3),
        ImportOptions(logits=True, labels=("a", "b", "c")),
        lambda y: np.exp(y) / np.exp(y).sum(axis=1, keepdims=True),
    ),
}


@pytest.mark.parametrize(("last", "options", "expect"), ROWS.values(), ids=ROWS)
def test_imported_network_of_rows_answers_as_it_did(
    tmp_path: Path, last: keras.layers.Layer, options: ImportOptions, expect: Callable[[Rows], Rows]
) -> None:
    network = row_network(last)
    network.save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", options)

    instances = {f"x{column + 1}": rows()[:, column] for column in range(3)}
    expected = expect(network.predict(rows(), verbose=0))
    assert predict(folder, instances) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert "model.onnx" in bundle.read_manifest(folder).files


def prepared_network() -> keras.Model:
    """Build a network that prepares a number, a whole number and a text in a network within it."""
    size, rooms = keras.Input((1,), name="size"), keras.Input((1,), dtype="int64", name="rooms")
    colour = keras.Input((1,), dtype="string", name="colour")
    lookup = layers.StringLookup(mask_token="", output_mode="one_hot")
    lookup.adapt(np.array([["red"], ["blue"], ["red"]]))
    known = layers.IntegerLookup(vocabulary=[2, 3])(rooms)
    coded = layers.CategoryEncoding(num_tokens=3)(known)
    bins = layers.Discretization(bin_boundaries=[1.5, 2.5], output_mode="one_hot")(size)
    inputs = {"size": size, "rooms": rooms, "colour": colour}
    prepare = keras.Model(inputs, layers.concatenate([size, bins, coded, lookup(colour)]))
    return keras.Model(inputs, {"price": layers.Dense(1)(prepare(inputs))})


def test_prepared_columns_of_an_imported_network_are_exported(tmp_path: Path) -> None:
    network = prepared_network()
    network.save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", ImportOptions())

    size, rooms = np.array([1, 2, 3, 4], np.float32), np.array([2, 3, 4, 2], np.float32)
    fed = {
        "size": tf.constant(size[:, None]),
        "rooms": tf.constant(rooms[:, None], tf.int64),
        "colour": tf.constant([["red"], ["blue"], ["pink"], [""]]),
    }
    expected = network(fed)["price"].numpy()[:, 0]
    colour = np.array(["red", "blue", "pink", None], dtype=object)
    found = predict(folder, {"size": size, "rooms": rooms, "colour": colour})
    assert found == pytest.approx(expected, rel=1e-5)
    assert "model.onnx" in bundle.read_manifest(folder).files


def test_sample_names_the_columns_and_their_ranges(tmp_path: Path) -> None:
    row_network(layers.Dense(1)).save(tmp_path / "own.keras")
    sample = tmp_path / "sample.csv"
    sample.write_text("width;price;height;year\n1,5;9;2;1990\n2,5;8;4;2010\n", encoding="utf-8")
    options = ImportOptions(sample=sample, target="price")

    manifest = bundle.read_manifest(
        import_file(tmp_path / "own.keras", tmp_path / "models", options)
    )

    columns = manifest.signature.columns
    assert [column.name for column in columns] == ["width", "height", "year"]
    assert (columns[0].minimum, columns[0].maximum) == (1.5, 2.5)  # type: ignore[union-attr]
    assert manifest.target == "price"
    assert set(manifest.reference) == {"width", "height", "year"}


def test_network_that_onnx_cannot_hold_is_run_by_tensorflow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hashing = layers.Hashing(num_bins=4, output_mode="multi_hot", name="buckets")
    network = keras.Sequential([keras.Input((2,), dtype="int64"), hashing, layers.Dense(1)])
    network.save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", ImportOptions())

    manifest = bundle.read_manifest(folder)
    assert set(manifest.files) == {"MLmodel", "model.keras", "golden.npz"}
    assert manifest.onnx_difference is None
    instances = {name: np.array([3, 5], np.float32) for name in ("x1", "x2")}
    expected = network.predict(np.array([[3, 3], [5, 5]]), verbose=0)[:, 0]
    assert predict(folder, instances) == pytest.approx(expected)
    assert "only a service with TensorFlow runs it" in (folder / "CARD.md").read_text()
    printed = " ".join(capsys.readouterr().out.split())
    assert "The layer buckets (Hashing) needs" in printed
    assert "`.venv/training/bin/vitrine serve` serves it" in printed


def test_time_steps_of_an_imported_network_are_columns(tmp_path: Path) -> None:
    memory = layers.Bidirectional(layers.LSTM(5))
    network = keras.Sequential([keras.Input((4, 3)), memory, layers.Dense(1)])
    network.save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", ImportOptions())

    steps = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    columns = bundle.read_manifest(folder).signature.columns
    instances = dict(zip([each.name for each in columns], steps.reshape(5, 12).T, strict=True))
    expected = network.predict(steps, verbose=0)[:, 0]
    assert predict(folder, instances) == pytest.approx(expected, abs=1e-5)
    assert "model.onnx" in bundle.read_manifest(folder).files


def test_sigmoids_of_one_class_become_its_probabilities(tmp_path: Path) -> None:
    network = row_network(layers.Dense(3, activation="sigmoid"))
    network.compile(loss="categorical_crossentropy")
    network.save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", ImportOptions())

    instances = {f"x{column + 1}": rows()[:, column] for column in range(3)}
    answers = network.predict(rows(), verbose=0)
    expected = answers / answers.sum(axis=1, keepdims=True)
    assert predict(folder, instances) == pytest.approx(expected, abs=1e-5)
    assert bundle.read_manifest(folder).task == "classification"


def test_network_that_gives_no_finite_answer_is_refused(tmp_path: Path) -> None:
    network = row_network(layers.Dense(1))
    network.layers[-1].bias.assign([np.inf])
    network.save(tmp_path / "own.keras")

    with pytest.raises(CannotTrain, match="does not predict finite numbers for made-up instances"):
        import_file(tmp_path / "own.keras", tmp_path / "models", ImportOptions())


def test_network_of_two_outputs_is_refused(tmp_path: Path) -> None:
    image = keras.Input((4,))
    outputs = {"colour": layers.Dense(2)(image), "size": layers.Dense(1)(image)}
    keras.Model(image, outputs).save(tmp_path / "own.keras")

    with pytest.raises(CannotTrain, match=r"one output\. Received: colour, size"):
        import_file(tmp_path / "own.keras", tmp_path / "models", ImportOptions())


@pytest.mark.parametrize("name", ["pictures.h5", "pictures.keras", "pictures"])
def test_pictures_network_of_keras_2_answers_as_it_did(
    of_keras_2: Path, tmp_path: Path, name: str
) -> None:
    folder = import_file(of_keras_2 / name, tmp_path / "models", ImportOptions(levels="0-255"))

    with np.load(of_keras_2 / "pictures.npz") as answered:
        found = load_version(folder, threads=1).run({"image": answered["taken"]})
        assert found == pytest.approx(answered["given"], abs=1e-5)


def test_rows_network_of_keras_2_answers_as_it_did(of_keras_2: Path, tmp_path: Path) -> None:
    folder = import_file(of_keras_2 / "rows.keras", tmp_path / "models", ImportOptions())

    with np.load(of_keras_2 / "rows.npz") as answered:
        columns = {f"x{index + 1}": column for index, column in enumerate(answered["taken"].T)}
        assert predict(folder, columns) == pytest.approx(answered["given"][:, 0], abs=1e-5)
