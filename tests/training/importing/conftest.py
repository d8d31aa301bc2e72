"""Networks and instances that the tests of imports share."""

import marshal
from base64 import b64encode
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray

from tests.training.conftest import drawn_digits
from training.importing.bundles import ImportConfig, import_network
from training.importing.interfaces import NetworkInterface, Tensor
from training.importing.options import ImportOptions
from training.importing.saved_losses import Loss
from vitrine.loading import load_version
from vitrine.signature import Instances

Rows = NDArray[np.float32]
Numbers = NDArray[np.floating[Any]]


@pytest.fixture(scope="session")
def of_keras_2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of networks that Keras 2 saved, with what it answered."""
    folder = tmp_path_factory.mktemp("keras2")
    with ZipFile(Path(__file__).parent / "keras2" / "networks.zip") as archive:
        archive.extractall(folder)
    return folder


def import_file(file: Path, models: Path, options: ImportOptions) -> Path:
    """Import a file as the model "own"."""
    return import_network(
        ImportConfig(
            file=file,
            name="own",
            models=models,
            command=f"python -m training import {file.name} --name own",
            options=options,
        )
    )


def digits() -> NDArray[np.uint8]:
    """Draw pictures in MNIST's geometry, which the geometry leaves as they are."""
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


def predict(folder: Path, instances: Instances) -> Rows:
    """Load a version as the service does, and let it predict."""
    return load_version(folder, threads=1).predict(instances).values


def layer(name: str, module: str | None = "keras.layers", **more: object) -> dict[str, object]:
    """Return the configuration of a layer."""
    return {"module": module, "class_name": name, "config": {}, "registered_name": None} | more


def touching(file: Path) -> dict[str, object]:
    """Return a Lambda layer whose code makes a file when the layer is loaded or called."""
    code = compile(f"lambda x: open({str(file)!r}, 'w')", "untrusted", "eval").co_consts[0]
    packed = b64encode(marshal.dumps(code)).decode()
    function = {"code": packed, "defaults": None, "closure": None}
    config = {"name": "untrusted", "function": {"class_name": "__lambda__", "config": function}}
    return layer("Lambda", config=config)


def interface(
    *shape: int | None,
    units: tuple[int, ...] = (10,),
    activation: str = "softmax",
    scales: bool | None = True,
    takes_steps: bool | None = None,
    loss: Loss | None = None,
) -> NetworkInterface:
    """Describe a network of one input."""
    return NetworkInterface(
        inputs=(Tensor("input", shape, "float32"),),
        output=Tensor("output", units, "float32"),
        activation=activation,
        scales=scales,
        takes_steps=takes_steps,
        loss=loss,
    )
