"""A network saved elsewhere answers the same when it is served; a stranger's code is not run."""

import json
import marshal
import os
import zlib
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import h5py
import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from keras import layers, ops
from numpy.typing import NDArray
from onnx import TensorProto, helper
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tests.training.conftest import drawn_digits
from training.__main__ import main
from training.errors import CannotTrain
from training.importing.apart import run_apart
from training.importing.bundles import Config, import_network
from training.importing.configs import check_config
from training.importing.files import open_network
from training.importing.graphs import check_graph
from training.importing.keras2 import renew
from training.importing.legacy import convert
from training.importing.networks import look_at
from training.importing.nodes import look_at_nodes, serve_nodes
from training.importing.plans import Found, Tensor, Told, make_plan
from vitrine import bundle
from vitrine.loading import load_version
from vitrine.signature import Instances, ProbabilitiesOutput

Rows = NDArray[np.float32]
Numbers = NDArray[np.floating[Any]]


def import_file(file: Path, models: Path, told: Told) -> Path:
    """Import a file as the model "own"."""
    return import_network(
        Config(
            file=file,
            name="own",
            models=models,
            command=f"python -m training import {file.name} --name own",
            told=told,
        )
    )


def digits() -> NDArray[np.uint8]:
    """Draw pictures in MNIST's geometry, which nothing is done to."""
    return drawn_digits(6, seed=4)[0][..., np.newaxis]


def picture_network(*last: keras.layers.Layer, shape: tuple[int, ...] = (28, 28)) -> keras.Model:
    """Build a tutorial's network, which expects levels from 0 to 1."""
    return keras.Sequential([keras.Input(shape), layers.Flatten(), *last])


def softmax_network(**options: Any) -> keras.Model:
    """Build a classifier of pictures into ten labels."""
    return picture_network(layers.Dense(10, activation="softmax"), **options)


def rows(count: int = 20) -> Rows:
    """Return rows of three numbers, of which one is far from zero."""
    return np.random.default_rng(0).normal((0, 5, 2000), (1, 9, 5), (count, 3)).astype(np.float32)


def row_network(*last: keras.layers.Layer) -> keras.Model:
    """Build a network of three numbers in one tensor, with statistics inside."""
    scale = layers.Normalization()
    scale.adapt(rows())
    return keras.Sequential([keras.Input((3,)), scale, layers.Dense(4), *last])


def predictions(folder: Path, instances: Instances) -> Rows:
    """Load a version as the service does, and let it predict."""
    return load_version(folder, threads=1).predict(instances).values


Prepare = Callable[[Rows], NDArray[np.floating[Any]]]
PICTURES: dict[str, tuple[Callable[[], keras.Model], Told, Prepare]] = {
    "levels divided outside": (softmax_network, Told(levels="0-1"), lambda x: x[..., 0] / 255),
    "levels as they are": (
        lambda: keras.Sequential(
            [keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), *softmax_network().layers]
        ),
        Told(),
        lambda x: x,
    ),
    "flat": (
        lambda: softmax_network(shape=(784,)),
        Told(levels="0-1", geometry="mnist"),
        lambda x: x.reshape(-1, 784) / 255,
    ),
}


@pytest.mark.parametrize(("build", "told", "prepare"), PICTURES.values(), ids=PICTURES)
def test_imported_classifier_of_pictures_answers_as_it_did(
    tmp_path: Path,
    build: Callable[[], keras.Model],
    told: Told,
    prepare: Prepare,
) -> None:
    network = build()
    network.save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", told)

    expected = network.predict(prepare(digits().astype(np.float32)), verbose=0)
    assert predictions(folder, {"image": digits()}) == pytest.approx(expected, abs=1e-5)
    assert set(bundle.read_manifest(folder).files) == {"model.keras", "model.onnx", "golden.npz"}


def second_of_two(one: Rows) -> Rows:
    """Return the probabilities of both labels."""
    return np.concatenate([1 - one, one], axis=1)


def sigmoid(logits: Rows) -> Rows:
    """Return probabilities."""
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


ROWS: dict[str, tuple[keras.layers.Layer, Told, Callable[[Rows], Rows]]] = {
    "value": (layers.Dense(1), Told(unit="EUR"), lambda y: y[:, 0]),
    "sigmoid": (
        layers.Dense(1, activation="sigmoid"),
        Told(labels=("bad", "good")),
        second_of_two,
    ),
    "logit": (layers.Dense(1), Told(logits=True), lambda y: second_of_two(sigmoid(y))),
    "several labels": (layers.Dense(3, activation="sigmoid"), Told(), lambda y: y),
    "logits": (
        layers.Dense(3),
        Told(logits=True, labels=("a", "b", "c")),
        lambda y: np.exp(y) / np.exp(y).sum(axis=1, keepdims=True),
    ),
}


@pytest.mark.parametrize(("last", "told", "expect"), ROWS.values(), ids=ROWS)
def test_imported_network_of_rows_answers_as_it_did(
    tmp_path: Path, last: keras.layers.Layer, told: Told, expect: Callable[[Rows], Rows]
) -> None:
    network = row_network(last)
    network.save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", told)

    instances = {f"x{column + 1}": rows()[:, column] for column in range(3)}
    expected = expect(network.predict(rows(), verbose=0))
    assert predictions(folder, instances) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert "model.onnx" in bundle.read_manifest(folder).files


def text_network() -> keras.Model:
    """Build a network of a number and a text, each an input by name."""
    size = keras.Input((1,), name="size")
    colour = keras.Input((1,), dtype="string", name="colour")
    lookup = layers.StringLookup(mask_token="", output_mode="one_hot")
    lookup.adapt(np.array([["red"], ["blue"], ["red"]]))
    joined = layers.concatenate([size, lookup(colour)])
    return keras.Model({"size": size, "colour": colour}, {"price": layers.Dense(1)(joined)})


def test_texts_of_an_imported_network_become_categories(tmp_path: Path) -> None:
    network = text_network()
    network.save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", Told())

    size = np.array([1, 2, 3, 4], np.float32)
    fed = {
        "size": tf.constant(size[:, None]),
        "colour": tf.constant([["red"], ["blue"], ["pink"], [""]]),
    }
    expected = network(fed)["price"].numpy()[:, 0]
    colour = np.array(["red", "blue", "pink", None], dtype=object)
    found = predictions(folder, {"size": size, "colour": colour})
    assert found == pytest.approx(expected, rel=1e-5)


def test_sample_names_the_columns_and_their_ranges(tmp_path: Path) -> None:
    row_network(layers.Dense(1)).save(tmp_path / "own.keras")
    sample = tmp_path / "sample.csv"
    sample.write_text("width;price;height;year\n1,5;9;2;1990\n2,5;8;4;2010\n", encoding="utf-8")
    told = Told(sample=sample, target="price")

    manifest = bundle.read_manifest(import_file(tmp_path / "own.keras", tmp_path / "models", told))

    columns = manifest.signature.columns
    assert [column.name for column in columns] == ["width", "height", "year"]
    assert (columns[0].minimum, columns[0].maximum) == (1.5, 2.5)  # type: ignore[union-attr]
    assert manifest.target == "price"
    assert set(manifest.reference) == {"width", "height", "year"}


def test_network_that_onnx_cannot_hold_is_run_by_tensorflow(tmp_path: Path) -> None:
    network = keras.Sequential(
        [
            keras.Input((2,), dtype="int64"),
            layers.IntegerLookup(vocabulary=[3, 5], output_mode="multi_hot"),
            layers.Dense(1),
        ]
    )
    network.save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", Told())

    manifest = bundle.read_manifest(folder)
    assert set(manifest.files) == {"model.keras", "golden.npz"}
    assert manifest.onnx_difference is None
    instances = {name: np.array([3, 5], np.float32) for name in ("x1", "x2")}
    expected = network.predict(np.array([[3, 3], [5, 5]]), verbose=0)[:, 0]
    assert predictions(folder, instances) == pytest.approx(expected)
    assert "only a service with TensorFlow runs it" in (folder / "CARD.md").read_text()


def test_network_that_gives_no_finite_answer_is_refused(tmp_path: Path) -> None:
    network = row_network(layers.Dense(1))
    network.layers[-1].bias.assign([np.inf])
    network.save(tmp_path / "own.keras")

    with pytest.raises(CannotTrain, match="gives no finite answer about made-up instances"):
        import_file(tmp_path / "own.keras", tmp_path / "models", Told())


def test_card_of_an_imported_network_invents_nothing(tmp_path: Path) -> None:
    softmax_network().save(tmp_path / "own.keras")

    folder = import_file(tmp_path / "own.keras", tmp_path / "models", Told(levels="0-1"))

    card = (folder / "CARD.md").read_text()
    assert "None: it was trained elsewhere, on data that is not known." in card
    assert "Imported from `own.keras`: what it was trained on is not known" in card
    manifest = bundle.read_manifest(folder)
    assert (manifest.scores, manifest.calibration, manifest.origin.split) == ({}, None, {})
    assert manifest.origin.data_sha256 == bundle.describe_file(tmp_path / "own.keras").sha256


def test_import_is_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    softmax_network().save(tmp_path / "own.keras")
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join("abcdefghij"), encoding="utf-8")
    models = tmp_path / "models"

    status = main(
        [
            *("import", str(tmp_path / "own.keras"), "--name", "own", "--models", str(models)),
            *("--levels", "0-1", "--labels", str(labels), "--target", "letter"),
        ]
    )

    assert status == 0
    assert f"Written: {models / 'own' / '1'}" in capsys.readouterr().out
    manifest = bundle.read_manifest(models / "own" / "1")
    output = manifest.signature.prediction
    assert isinstance(output, ProbabilitiesOutput)
    assert (output.labels, manifest.target) == (tuple("abcdefghij"), "letter")


@pytest.mark.parametrize("labels", ["none.txt", "/dev/null/x"], ids=["missing", "no folder"])
def test_labels_that_cannot_be_read_are_refused(
    labels: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["import", "own.keras", "--name", "own", "--labels", labels])

    assert status == 1
    assert "--labels must be a file with a label a line" in capsys.readouterr().err


def found(
    *shape: int | None,
    units: tuple[int, ...] = (10,),
    activation: str = "softmax",
    scales: bool | None = True,
) -> Found:
    """Describe a network of one input."""
    return Found(
        inputs=(Tensor("input", shape, "float32"),),
        output=Tensor("output", units, "float32"),
        activation=activation,
        scales=scales,
    )


PUZZLES = {
    "levels not told": (found(28, 28, scales=False), Told(), "say --levels 0-1"),
    "levels not seen": (found(28, 28, scales=None), Told(), "does not tell whether it scales"),
    "picture of any size": (found(None, None, 3), Told(), "one picture of a fixed size"),
    "four channels": (found(8, 8, 4), Told(), r"Received: input \(8, 8, 4\) of float32"),
    "unknown geometry": (found(28, 28), Told(geometry="round"), "no geometry 'round'"),
    "too large for the geometry": (found(32, 32), Told(geometry="mnist"), "28 x 28 in gray"),
    "sample of pictures": (found(28, 28), Told(sample=Path("x.csv")), "this one takes a picture"),
    "too few labels": (found(4), Told(labels=("a", "b")), "must be 10 different ones"),
    "the same label twice": (found(4, units=(2,)), Told(labels=("a", "a")), "different"),
    "no softmax": (found(4, activation="linear"), Told(), "say --logits"),
    "softmax over one": (found(4, units=(1,)), Told(), "Received: 1 units, softmax"),
    "labels of a value": (
        found(4, units=(1,), activation="linear"),
        Told(labels=("a", "b")),
        "gives a value",
    ),
    "picture out": (found(28, 28, units=(28, 28)), Told(), "one row of numbers"),
    "no sample there": (found(4), Told(sample=Path("none.csv")), "cannot be read"),
}


@pytest.mark.parametrize(("network", "told", "message"), PUZZLES.values(), ids=PUZZLES)
def test_network_that_says_too_little_is_refused(network: Found, told: Told, message: str) -> None:
    with pytest.raises(CannotTrain, match=message):
        make_plan(network, told)


SAMPLES = {
    "too few columns": ("a,b\n1,2\n", "must have 3 columns"),
    "text for a number": ("a,b,c\n1,2,x\n", "data row 1"),
    "no rows": ("a,b,c\n", "must have a row"),
}


@pytest.mark.parametrize(("text", "message"), SAMPLES.values(), ids=SAMPLES)
def test_sample_that_does_not_fit_is_refused(tmp_path: Path, text: str, message: str) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_text(text, encoding="utf-8")

    with pytest.raises(CannotTrain, match=message):
        make_plan(found(3), Told(sample=sample))


def layer(name: str, module: str | None = "keras.layers", **more: object) -> dict[str, object]:
    """Return the configuration of a layer."""
    return {"module": module, "class_name": name, "config": {}, "registered_name": None} | more


STRANGE = {
    "lambda layer": layer("Lambda"),
    "lambda layer in the old format": layer("Lambda", None),
    "lambda": {"class_name": "__lambda__", "config": {"value": "abc"}},
    "saved graph": layer("TFSMLayer"),
    "other library": layer("System", "os"),
    "private module": layer("Lambda", "keras.src.layers.core.lambda_layer"),
    "layer under another module": layer("Dense", "keras.utils"),
    "registered class": layer("Mine", "my_module", registered_name="mine>Mine"),
    "name of another": layer("Dense", registered_name="mine>Dense"),
    "configuration": layer("enable_unsafe_deserialization", "keras.config"),
    "function": {"class_name": "function", "module": "keras.utils", "config": "get_file"},
    "function of the list": {"class_name": "function", "module": "builtins", "config": "eval"},
    "deserializer": {"class_name": "function", "module": "builtins", "config": "deserialize"},
    "control flow": layer("Map", "keras.src.ops.core"),
    "vocabulary elsewhere": layer("StringLookup", config={"vocabulary": "/etc/passwd"}),
    "type": {"class_name": "__typespec__", "config": []},
    "no text": layer("Dense", class_name=["Dense"]),
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_configuration_of_more_than_keras_layers_is_refused(strange: dict[str, object]) -> None:
    whole = layer("Sequential", "keras", config={"layers": [layer("Dense", config=strange)]})

    with pytest.raises(CannotTrain):
        check_config(whole)


def test_operations_of_tensorflow_between_layers_are_refused_with_a_way_out() -> None:
    whole = layer("Functional", "keras", config={"layers": [layer("TFOpLambda")]})

    with pytest.raises(CannotTrain, match="saved as a SavedModel by the Keras that made it"):
        check_config(whole)


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


def test_configuration_of_keras_own_layers_is_taken() -> None:
    image = keras.Input((8, 8, 3))
    hidden = layers.Conv2D(4, 3, activation="gelu", kernel_regularizer="l2")(image)
    hidden = layers.Bidirectional(layers.LSTM(3))(layers.Reshape((6, 24))(hidden))
    network = keras.Model(image, ops.softmax(hidden[:, :4] / 2))

    check_config(json.loads(network.to_json()))


def touching(file: Path) -> dict[str, object]:
    """Return a Lambda layer that makes a file when it is opened or called."""
    code = compile(f"lambda x: open({str(file)!r}, 'w')", "stranger", "eval").co_consts[0]
    packed = b64encode(marshal.dumps(code)).decode()
    function = {"code": packed, "defaults": None, "closure": None}
    config = {"name": "stranger", "function": {"class_name": "__lambda__", "config": function}}
    return layer("Lambda", config=config)


def test_code_in_a_keras_file_is_not_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    softmax_network().save(tmp_path / "own.keras")
    with ZipFile(tmp_path / "own.keras") as honest, ZipFile(tmp_path / "bad.keras", "w") as bad:
        config = json.loads(honest.read("config.json"))
        config["config"]["layers"].append(touching(made))
        bad.writestr("config.json", json.dumps(config))
        for name in ("metadata.json", "model.weights.h5"):
            bad.writestr(name, honest.read(name))

    with pytest.raises(CannotTrain, match="Lambda layer"):
        import_file(tmp_path / "bad.keras", tmp_path / "models", Told(levels="0-1"))

    assert not made.exists()
    assert not list((tmp_path / "models").iterdir())


def test_code_in_an_h5_file_is_not_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        config = layer("Sequential", "keras", config={"layers": [touching(made)]})
        file.attrs["model_config"] = json.dumps(config)

    with pytest.raises(CannotTrain, match="Lambda layer"):
        open_network(tmp_path / "bad.h5")

    assert not made.exists()


@pytest.mark.parametrize("config", [h5py.Empty("f"), np.int64(2**40)], ids=["empty", "number"])
def test_h5_file_whose_configuration_is_no_text_is_refused(tmp_path: Path, config: object) -> None:
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        file.attrs["model_config"] = config

    with pytest.raises(CannotTrain, match="not JSON"):
        convert(tmp_path / "bad.h5", tmp_path / "converted.keras")


def test_refusal_gives_the_reason_and_not_what_was_read(tmp_path: Path) -> None:
    softmax_network().save(tmp_path / "own.keras")
    with ZipFile(tmp_path / "own.keras") as honest, ZipFile(tmp_path / "bad.keras", "w") as bad:
        config = honest.read("config.json").decode().replace('"units": 10', '"units": "ten"')
        bad.writestr("config.json", config)

    with pytest.raises(CannotTrain, match=r"cannot be opened by Keras [\d.]+: .*positive integer"):
        open_network(tmp_path / "bad.keras")


def test_network_that_takes_all_memory_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    greedy = [keras.Input((3,)), layers.RepeatVector(2 * 10**9), layers.GlobalMaxPooling1D()]
    keras.Sequential([*greedy, layers.Dense(1)]).save(tmp_path / "own.keras")
    models = tmp_path / "models"

    status = main(["import", str(tmp_path / "own.keras"), "--name", "own", "--models", str(models)])

    assert status == 1
    (refusal,) = capsys.readouterr().err.splitlines()
    assert refusal.startswith("The network cannot be served")
    assert not list(models.iterdir())


def test_h5_file_is_imported(tmp_path: Path) -> None:
    network = softmax_network()
    network.save(tmp_path / "own.h5")

    folder = import_file(tmp_path / "own.h5", tmp_path / "models", Told(levels="0-1"))

    expected = network.predict(digits()[..., 0] / 255, verbose=0)
    assert predictions(folder, {"image": digits()}) == pytest.approx(expected, abs=1e-5)


@pytest.fixture(scope="module")
def of_keras_2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of networks that Keras 2 saved, with what it answered."""
    folder = tmp_path_factory.mktemp("keras2")
    with ZipFile(Path(__file__).parent / "keras2" / "networks.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize("name", ["pictures.h5", "pictures.keras", "pictures"])
def test_pictures_network_of_keras_2_answers_as_it_did(
    of_keras_2: Path, tmp_path: Path, name: str
) -> None:
    folder = import_file(of_keras_2 / name, tmp_path / "models", Told(levels="0-255"))

    with np.load(of_keras_2 / "pictures.npz") as answered:
        found = load_version(folder, threads=1).run({"image": answered["taken"]})
        assert found == pytest.approx(answered["given"], abs=1e-5)


def test_rows_network_of_keras_2_answers_as_it_did(of_keras_2: Path, tmp_path: Path) -> None:
    folder = import_file(of_keras_2 / "rows.keras", tmp_path / "models", Told())

    with np.load(of_keras_2 / "rows.npz") as answered:
        columns = {f"x{place + 1}": column for place, column in enumerate(answered["taken"].T)}
        assert predictions(folder, columns) == pytest.approx(answered["given"][:, 0], abs=1e-5)


def test_program_on_a_file_has_little_memory(tmp_path: Path) -> None:
    asking = ["-s", "import resource as r", "raise MemoryError(r.getrlimit(r.RLIMIT_AS))"]

    with pytest.raises(CannotTrain, match=f"MemoryError: .{12 * 2**30}, {12 * 2**30}."):
        run_apart("timeit", asking, tmp_path / "own.h5")


def broken_archive(folder: Path) -> Path:
    file = folder / "broken.keras"
    file.write_bytes(b"PK\x03\x04 and no more")
    return file


def archive_with(folder: Path, name: str, text: str) -> Path:
    file = folder / "other.keras"
    with ZipFile(file, "w") as archive:
        archive.writestr(name, text)
    return file


def archive_damaged_by(folder: Path, found: bytes, damage: bytes) -> Path:
    file = folder / "damaged.keras"
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("assets/\u00e9/", "")
        archive.writestr("config.json", "{}" * 50)
    file.write_bytes(file.read_bytes().replace(found, damage))
    return file


def pipe(file: Path) -> Path:
    os.mkfifo(file)
    return file


DEFLATED = zlib.compress(b"{}" * 50, wbits=-15)
FILES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "not there": (lambda folder: folder / "none.keras", "is missing"),
    "pipe": (lambda folder: pipe(folder / "pipe.keras"), "is not a file"),
    "another format": (lambda folder: archive_with(folder, "a", "").rename(folder / "a.pkl"), "be"),
    "cut short": (broken_archive, "not a whole"),
    "damaged": (
        lambda folder: archive_damaged_by(folder, DEFLATED, b"\xff" * len(DEFLATED)),
        "not a whole",
    ),
    "name is no text": (
        lambda folder: archive_damaged_by(folder, "\u00e9".encode(), b"\xff\xfe"),
        "not a whole",
    ),
    "leaves its folder": (lambda folder: archive_with(folder, "assets/../../x", ""), "Received"),
    "code beside it": (lambda folder: archive_with(folder, "layer.py", ""), "Received: 'layer.py'"),
    "nothing in it": (lambda folder: archive_with(folder, "metadata.json", "{}"), "config.json"),
    "no JSON": (lambda folder: archive_with(folder, "config.json", "{"), "not JSON"),
    "too deep": (lambda folder: archive_with(folder, "config.json", "[" * 10**6), "not JSON"),
    "no object": (lambda folder: archive_with(folder, "config.json", "[]"), "not a network's"),
    "no network": (lambda folder: archive_with(folder, "config.json", "{}"), "cannot be opened"),
}


@pytest.mark.parametrize(("write", "message"), FILES.values(), ids=FILES)
def test_file_that_is_no_network_is_refused(
    tmp_path: Path, write: Callable[[Path], Path], message: str
) -> None:
    with pytest.raises(CannotTrain, match=message):
        open_network(write(tmp_path))


def test_network_of_two_outputs_is_refused(tmp_path: Path) -> None:
    image = keras.Input((4,))
    outputs = {"colour": layers.Dense(2)(image), "size": layers.Dense(1)(image)}
    keras.Model(image, outputs).save(tmp_path / "own.keras")

    with pytest.raises(CannotTrain, match=r"one output\. Received: colour, size"):
        import_file(tmp_path / "own.keras", tmp_path / "models", Told())


def test_activation_is_that_of_the_output_which_is_taken() -> None:
    image = keras.Input((4,))
    outputs = [layers.Dense(2)(image), layers.Dense(3, activation="softmax")(image)]
    both = keras.Model(image, outputs)

    assert look_at(keras.Model(image, both(image)[1])).activation == "softmax"


@pytest.mark.parametrize(
    "last",
    [layers.Reshape((3,)), layers.Flatten(), layers.Dropout(0.5), layers.Identity()],
    ids=lambda layer: type(layer).__name__,
)
def test_activation_is_found_above_layers_that_leave_it_as_it_is(last: keras.layers.Layer) -> None:
    network = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax"), last])

    assert look_at(network).activation == "softmax"


def test_saved_model_is_converted(tmp_path: Path) -> None:
    # TensorFlow has a gradient of its own for SiLU, and ONNX no operation for its GELU.
    hidden = [layers.Dense(4, activation=name) for name in ("silu", "gelu")]
    network = row_network(*hidden, layers.Dense(3, activation="softmax"))
    network.export(tmp_path / "own", verbose=False)

    folder = import_file(tmp_path / "own", tmp_path / "models", Told(labels=("a", "b", "c")))

    assert set(bundle.read_manifest(folder).files) == {"model.onnx", "golden.npz"}
    instances = {f"x{column + 1}": rows()[:, column] for column in range(3)}
    expected = network.predict(rows(), verbose=0)
    assert predictions(folder, instances) == pytest.approx(expected, abs=1e-4)
    assert "there is no Keras network to compare with" in (folder / "CARD.md").read_text()


WEIGHTS = np.random.default_rng(7).normal(size=(4, 3)).astype(np.float32)


def converted(
    activation: str, *, units: int, shape: tuple[int, ...] = (4,), dtype: int = TensorProto.FLOAT
) -> onnx.ModelProto:
    """Write a product with weights, and an activation, as a SavedModel is converted."""
    weights = onnx.numpy_helper.from_array(WEIGHTS[:, :units], "weights")
    nodes = [
        helper.make_node("Cast", ["taken:0"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["sums"]),
        helper.make_node(activation, ["sums"], ["given:0"]),
    ]
    taken = helper.make_tensor_value_info("taken:0", dtype, ["batch", *shape])
    given = helper.make_tensor_value_info("given:0", TensorProto.FLOAT, ["batch", units])
    graph = helper.make_graph(nodes, "converted", [taken], [given], [weights])
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def squashed(sums: Numbers) -> Numbers:
    """Return the sigmoid."""
    return np.asarray(1 / (1 + np.exp(-sums)))


def both(sums: Numbers) -> Numbers:
    """Return the probabilities that a label is not and that it is."""
    return np.concatenate([1 - squashed(sums), squashed(sums)], axis=1)


def shares(sums: Numbers) -> Numbers:
    """Return the softmax."""
    weights = np.exp(sums)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


NODES: dict[str, tuple[onnx.ModelProto, Told, float, Callable[[Numbers], Numbers]]] = {
    "value": (converted("Identity", units=1), Told(), 1, lambda sums: sums),
    "sigmoid": (converted("Sigmoid", units=1), Told(), 1, both),
    "logit": (converted("Identity", units=1), Told(logits=True), 1, both),
    "several labels": (converted("Sigmoid", units=3), Told(), 1, squashed),
    "softmax": (converted("Softmax", units=3), Told(), 1, shares),
    "logits": (converted("Identity", units=3), Told(logits=True), 1, shares),
    "whole numbers": (
        converted("Identity", units=1, dtype=TensorProto.INT64),
        Told(),
        1,
        lambda sums: sums,
    ),
    "picture": (
        converted("Softmax", units=3, shape=(2, 2, 1)),
        Told(levels="0-255"),
        1,
        shares,
    ),
    "picture of levels to 1": (
        converted("Softmax", units=3, shape=(2, 2)),
        Told(levels="0-1"),
        1 / 255,
        shares,
    ),
}


@pytest.mark.parametrize(("network", "told", "scale", "expect"), NODES.values(), ids=NODES)
def test_converted_network_takes_and_gives_what_its_signature_says(
    network: onnx.ModelProto, told: Told, scale: float, expect: Callable[[Numbers], Numbers]
) -> None:
    plan = make_plan(look_at_nodes(network), told)
    served = onnxruntime.InferenceSession(serve_nodes(network, plan).SerializeToString())

    taken = np.random.default_rng(8).integers(0, 3, (5, 4)).astype(np.float32)
    columns = iter(taken.T)
    fed = {
        spec.tensor: taken.reshape(-1, *spec.shape)
        if spec.shape != (1,)
        else next(columns)[:, np.newaxis]
        for spec in plan.signature.inputs
    }
    (found,) = served.run([plan.signature.prediction.tensor], fed)

    units = network.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    assert found == pytest.approx(expect(taken * scale @ WEIGHTS[:, :units]), abs=1e-5)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel that reads a file when it is called."""
    folder = tmp_path_factory.mktemp("graph")

    class Reader(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((None, 2), tf.float32)])  # type: ignore[untyped-decorator]
        def call(self, x: Any) -> Any:
            with tf.control_dependencies([tf.io.read_file("/etc/hostname")]):
                return tf.identity(x)

    reader = Reader()
    tf.saved_model.save(reader, str(folder), signatures=reader.call)
    return folder


def test_saved_model_that_reads_files_is_refused(graph: Path) -> None:
    with pytest.raises(CannotTrain, match="Received: 'ReadFile'"):
        check_graph(graph)


def test_saved_model_that_calls_its_saver_is_refused(tmp_path: Path) -> None:
    saved = exported(tmp_path / "own")
    graph = saved.meta_graphs[0]
    saving = graph.saver_def.save_tensor_name.split(":")[0]
    caller = next(node for node in graph.graph_def.node if node.name == saving)
    graph.graph_def.library.function[0].node_def.add().CopyFrom(caller)
    (tmp_path / "own" / "saved_model.pb").write_bytes(saved.SerializeToString())

    with pytest.raises(CannotTrain, match="Received"):
        check_graph(tmp_path / "own")


def exported(folder: Path) -> SavedModel:
    """Export a network, and read its graph."""
    row_network(layers.Dense(1)).export(folder, verbose=False)
    saved = SavedModel()
    saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    return saved


def test_saved_model_with_a_table_is_refused(tmp_path: Path) -> None:
    saved = exported(tmp_path / "own")
    saved.meta_graphs[0].object_graph_def.nodes.add().resource.device = "/device:CPU:0"
    (tmp_path / "own" / "saved_model.pb").write_bytes(saved.SerializeToString())

    with pytest.raises(CannotTrain, match=r"variables and functions only\. Received: 'resource'"):
        check_graph(tmp_path / "own")


def test_saved_model_that_reads_as_its_saver_does_is_refused(tmp_path: Path) -> None:
    saved = exported(tmp_path / "own")
    graph = saved.meta_graphs[0]
    saver = graph.saver_def
    its_own = {saver.save_tensor_name.split(":")[0], saver.restore_op_name.split(":")[0]}
    answering = {
        node.attr["f"].func.name
        for node in graph.graph_def.node
        if node.op == "StatefulPartitionedCall" and node.name not in its_own
    }
    for function in graph.graph_def.library.function:
        if function.signature.name in answering:
            function.node_def.add().op = "RestoreV2"
    (tmp_path / "own" / "saved_model.pb").write_bytes(saved.SerializeToString())

    with pytest.raises(CannotTrain, match="Received: 'RestoreV2'"):
        check_graph(tmp_path / "own")


def test_saved_model_that_would_be_restored_as_its_saver_says_is_refused(tmp_path: Path) -> None:
    graph = SavedModel().meta_graphs.add()
    node = graph.graph_def.node.add()
    node.op = node.name = graph.saver_def.restore_op_name = "WriteFile"
    graph.signature_def["serving_default"].method_name = "predict"
    saved = SavedModel(meta_graphs=[graph])
    (tmp_path / "saved_model.pb").write_bytes(saved.SerializeToString())

    with pytest.raises(CannotTrain, match="one graph that TensorFlow 2 saved"):
        check_graph(tmp_path)


def test_saved_model_that_has_no_end_is_refused(tmp_path: Path) -> None:
    pipe(tmp_path / "saved_model.pb")

    with pytest.raises(CannotTrain, match="not a SavedModel"):
        check_graph(tmp_path)


def test_folder_without_a_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match="not a SavedModel"):
        check_graph(tmp_path)
