"""One training of the quickstart's network, for `tests.soak.learning` to time.

`python -m tests.soak.quickstart tutorial DATA` runs the tutorial's plain script on the published
files, `... ours DATA` the command of this project. Each writes as JSON the seconds that its fit
took, the pictures that trained, and the accuracy on the test file.

References:
    TensorFlow 2 quickstart for beginners, https://www.tensorflow.org/tutorials/quickstart/beginner.
"""

import gzip
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training.datasets.picture_sets import PICTURE_SETS
from training.datasets.pictures import PictureParts
from training.experiments import pictures
from training.experiments.pictures.fit import fit
from training.history import History
from vitrine import bundle

Measured = dict[str, float]


def tutorial(data: Path) -> Measured:
    """Do what the tutorial does."""
    (x_train, y_train), (x_test, y_test) = (
        (_read(data / f"mnist/{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28) / 255, labels)
        for part in ("train", "t10k")
        for labels in [_read(data / f"mnist/{part}-labels-idx1-ubyte.gz", 8)]
    )
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    started = time.perf_counter()
    model.fit(x_train, y_train, epochs=5, verbose=0)
    seconds = time.perf_counter() - started
    accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    return {"seconds": seconds, "pictures": len(y_train), "accuracy": accuracy}


def _read(path: Path, header: int) -> NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress(path.read_bytes()), dtype=np.uint8, offset=header)


def ours(data: Path) -> Measured:
    """Publish a version with `--architecture mlp`, and time the fit alone."""
    measured: Measured = {}

    def timed(network: keras.Model, parts: PictureParts, config: pictures.PictureConfig) -> History:
        started = time.perf_counter()
        history = fit(network, parts, config)
        measured.update(seconds=time.perf_counter() - started, pictures=len(parts.train))
        return history

    with tempfile.TemporaryDirectory() as models:
        config = pictures.PictureConfig(
            pictures=PICTURE_SETS["mnist"],
            name="quickstart",
            models=Path(models),
            command="",
            data=data,
            architecture="mlp",
        )
        manifest = bundle.read_manifest(pictures.train(config, fit_network=timed))
    return {**measured, "accuracy": manifest.scores["test"]["accuracy"]}


WAYS: Mapping[str, Callable[[Path], Measured]] = {"tutorial": tutorial, "ours": ours}

if __name__ == "__main__":
    _, way, folder = sys.argv
    found: dict[str, Any] = {**WAYS[way](Path(folder))}
    print(json.dumps(found))
