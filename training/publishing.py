"""A trained network -> a bundle: exported, compared, described, renamed into place.

What has not been renamed is not a version: nothing half made is ever seen.
"""

import contextlib
import errno
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Self

import keras
import msgspec
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from training import interruption
from training.errors import CannotTrain
from training.exported import spell_out
from vitrine import bundle
from vitrine.bundle import Manifest, Origin
from vitrine.engines import Engine, Tensors, load_engine
from vitrine.loading import largest_difference
from vitrine.model import Model
from vitrine.signature import Instances, QuantilesOutput, Signature, Task

# The newest that ONNX Runtime has run since 2022; nothing here needs a newer one.
_OPSET = 17
# How far the exported file may be from Keras: in probability, and in parts of the value or score.
_TOLERANCES: Mapping[Task, float] = {
    "classification": 1e-4,
    "multi-label classification": 1e-4,
    "regression": 1e-5,
    "anomaly detection": 1e-5,
}
# Another processor sums in another order; wrong weights are far from this.
GOLDEN_TOLERANCE = 1e-4
# The version of a manifest whose bundle has not been given one.
UNNUMBERED = 0
_LIBRARIES = ("keras", "tensorflow", "tensorflow-cpu", "tf2onnx", "onnx", "onnxruntime", "numpy")
_BATCH = 1024


class Draft:
    """A folder beside a model's versions that becomes one, or disappears.

    Attributes:
        folder: Where to write the bundle's files.
        plots: Where to write its plots.
    """

    def __init__(self, models: Path, name: str) -> None:
        """Make the folder, so that a place that cannot be written to is known before training.

        Raises:
            CannotTrain: The name cannot be served or the folder cannot be made.
        """
        if not bundle.NAME_PATTERN.fullmatch(name):
            raise CannotTrain(
                "--name must be at most 64 letters, digits, '_', '-' or '.'. "
                f"Received: {name[:40]!r}."
            )
        self._model = models / name
        self.folder = self._model / f".{secrets.token_hex(8)}"
        self.plots = self.folder / "plots"
        try:
            self.plots.mkdir(parents=True)
        except OSError as error:
            raise CannotTrain(f"{models} cannot be written to: {error.strerror}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # other versions lie there
            self._model.rmdir()

    def publish(self, manifest: Manifest, card: Callable[[Manifest], str]) -> Path:
        """Give the draft the next free version and rename it into place.

        Args:
            manifest: Its version and files are set here.
            card: Writes the model card.

        Returns:
            The published folder.

        Raises:
            KeyboardInterrupt: The program was told to stop.
        """
        interruption.check()
        # An imported network may lack either file.
        networks = (bundle.KERAS_NAME, bundle.ONNX_NAME)
        written = [name for name in networks if (self.folder / name).exists()]
        files = {
            name: bundle.describe_file(self.folder / name)
            for name in (*written, bundle.GOLDEN_NAME)
        }
        version = 0
        while True:
            version = max([version, *self._taken()]) + 1
            numbered = msgspec.structs.replace(manifest, version=version, files=files)
            (self.folder / "CARD.md").write_text(card(numbered), encoding="utf-8")
            bundle.write_manifest(numbered, self.folder)
            try:
                self.folder.rename(self._model / str(version))
            except OSError as error:
                # A training that ran beside this one took the number first.
                if error.errno not in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}:
                    raise
            else:
                return self._model / str(version)

    def _taken(self) -> list[int]:
        return [int(path.name) for path in self._model.iterdir() if path.name.isdecimal()]


def refuse_below(score: float, least: float | None, *, measure: str) -> None:
    """Refuse to publish a network that scores worse on validation than was asked for.

    Args:
        score: On validation; more is better.
        least: The worst that will do; None for any.
        measure: Its name.

    Raises:
        CannotTrain: It scores worse.
    """
    if least is not None and not score >= least:
        raise CannotTrain(
            f"Not published: the validation {measure} must be at least {least:g}. "
            f"Received: {score:.6g}."
        )


def export(network: keras.Model, signature: Signature, folder: Path) -> onnx.ModelProto:
    """Write the network as Keras' own file and as ONNX, its tensors named by the signature."""
    network.save(folder / bundle.KERAS_NAME)
    names = [spec.tensor for spec in signature.inputs]
    specs = [
        tf.TensorSpec((None, *spec.shape), spec.dtype, name=spec.tensor)
        for spec in signature.inputs
    ]

    @tf.function(input_signature=specs, autograph=False)  # type: ignore[untyped-decorator]
    def call(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs: dict[str, tf.Tensor] = network(
            dict(zip(names, tensors, strict=True)), training=False
        )
        return outputs

    exported, _ = tf2onnx.convert.from_function(call, input_signature=specs, opset=_OPSET)
    spell_out(exported)
    onnx.save(exported, str(folder / bundle.ONNX_NAME))
    return exported


def keras_engine(network: keras.Model) -> Engine:
    """Run a network of this process as the service would run its files."""

    def run(feeds: Tensors) -> dict[str, NDArray[np.float32]]:
        outputs: dict[str, NDArray[np.float32]] = network.predict(
            dict(feeds), batch_size=_BATCH, verbose=0
        )
        return outputs

    return run


def add_golden_examples(
    network: keras.Model, manifest: Manifest, folder: Path, instances: Instances
) -> NDArray[np.float32]:
    """Write raw instances with the predictions that Keras gives, and return these.

    Shapes:
        (n, classes) or (n,).
    """
    expected = Model(manifest, keras_engine(network)).predict(instances).values
    bundle.write_golden(folder, instances, expected)
    return expected


def measure_export(
    network: keras.Model, manifest: Manifest, folder: Path, instances: Instances
) -> float:
    """Return how far the exported file is from Keras on raw instances, through the service's code.

    Raises:
        CannotTrain: It is further than the exported file may be.
    """
    described = msgspec.structs.replace(
        manifest, files={bundle.ONNX_NAME: bundle.describe_file(folder / bundle.ONNX_NAME)}
    )
    engine, in_process = load_engine(folder, described, threads=1), keras_engine(network)
    exported, in_keras = Model(described, engine), Model(described, in_process)
    predicted = in_keras.predict(instances)
    difference = largest_difference(exported.predict(instances).values, predicted.values)
    _refuse_beyond(_TOLERANCES[manifest.task], difference)
    # Calibration was measured in Keras, and is applied to what the exported file says.
    found, expected = engine(predicted.tensors), in_process(predicted.tensors)
    for spec in manifest.signature.outputs[1:]:
        one, other = found[spec.name], expected[spec.tensor]
        if isinstance(spec, QuantilesOutput):  # in the target's unit, hence compared relatively
            one, other = one.ravel(), other.ravel()
        _refuse_beyond(GOLDEN_TOLERANCE, largest_difference(one, other))
    return difference


def _refuse_beyond(allowed: float, difference: float) -> None:
    if not difference <= allowed:
        raise CannotTrain(
            f"Not published: the exported file may differ from Keras by {allowed:g}. "
            f"Received: {difference:.2g}."
        )


def describe_origin(
    *,
    command: str,
    seed: int,
    data: str,
    data_sha256: str,
    split: dict[str, int],
    began: float,
) -> Origin:
    """Say how a version was made, with the versions of everything that made it."""
    installed = {
        each.metadata["Name"].lower().replace("_", "-"): each.version
        for each in metadata.distributions()
    }
    return Origin(
        command=command,
        seed=seed,
        data=data,
        data_sha256=data_sha256,
        split=split,
        libraries={name: installed[name] for name in _LIBRARIES if name in installed},
        commit=_commit(),
        wall_seconds=round(time.monotonic() - began, 1),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _commit() -> str | None:
    """Return the commit of this code, with a "+" where it has been changed since."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(  # noqa: S603 - fixed arguments
            ["git", *arguments],  # noqa: S607 - wherever it is installed
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", str(here))
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def trainable_parameters(network: keras.Model) -> int:
    """Count the numbers that training sets."""
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
