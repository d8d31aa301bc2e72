"""One version on disk -> a model that is ready: verify, open, check its golden answers, time it."""

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrine import bundle
from vitrine.bundle import InvalidBundle, Manifest
from vitrine.engines import load_engine
from vitrine.geometry import GEOMETRIES
from vitrine.model import Model
from vitrine.signature import Instances

# Passes that are timed: fewer of a slow network, so that loading it takes no longer.
_PASSES = 9
_TIMING_SECONDS = 0.005


def load_version(folder: Path, *, threads: int, is_moved: bool = False) -> Model:
    """Load one version, check its golden answers, and measure its pass.

    Args:
        folder: Folder of the version.
        threads: Number of threads that one call of the network may use.
        is_moved: Whether the folder may lie anywhere, and not only in `<name>/<version>/`.

    Raises:
        InvalidBundle: A file differs from what was published, no installed engine can run the
            network, its geometry is unknown here, or its golden answers differ from training's.
    """
    manifest = bundle.read_manifest(folder, is_moved=is_moved)
    bundle.verify_files(manifest, folder)
    _check_geometry(folder, manifest)
    model = Model(manifest, load_engine(folder, manifest, threads=threads))
    instances, expected = bundle.read_golden(folder)
    _check_golden_answers(folder, model, instances, expected)
    model.pass_seconds = measure_pass(model, instances)
    return model


def load_versions(
    models: Path, wanted: Iterable[tuple[str, int]], *, threads: int
) -> tuple[dict[tuple[str, int], Model], dict[tuple[str, int], str]]:
    """Load versions, one after the other.

    Args:
        models: Folder of the bundles.
        wanted: Names and numbers of the versions.
        threads: Number of threads that one call of a network may use.

    Returns:
        The models, and why the other versions cannot be loaded, without their folder's name.
    """
    loaded, refused = {}, {}
    for name, version in sorted(wanted):
        folder = models / name / str(version)
        try:
            loaded[name, version] = load_version(folder, threads=threads)
        except Exception as error:  # noqa: BLE001 - nothing in one version may harm the others
            refused[name, version] = reason_of(error, folder)
    return loaded, refused


def reason_of(error: Exception, folder: Path) -> str:
    """Say in one sentence why a version cannot be loaded, without its folder's name."""
    if isinstance(error, InvalidBundle):
        return str(error).removeprefix(f"{folder}: ")
    return f"The version cannot be loaded: {type(error).__name__}."


def _check_geometry(folder: Path, manifest: Manifest) -> None:
    picture = manifest.signature.picture
    if picture is None:
        return
    known = GEOMETRIES.get(picture.geometry)
    version = None if known is None else known.version
    if version != picture.geometry_version:
        raise InvalidBundle(
            f"{folder}: The network was trained with version {picture.geometry_version} of the "
            f"geometry {picture.geometry!r}; this installation has {_named(version)}."
        )


def _named(version: int | None) -> str:
    return "no such geometry" if version is None else f"version {version}"


def _check_golden_answers(
    folder: Path, model: Model, instances: Instances, expected: NDArray[np.float32]
) -> None:
    try:
        predictions = model.predict(instances)
        model.count(predictions)  # fails where the reference is of features that it does not have
        difference = largest_difference(predictions.values, expected)
    except Exception as error:  # a version that fails on its own examples is refused, however
        raise InvalidBundle(
            f"{folder}: The golden examples fail: {type(error).__name__}."
        ) from error
    if not difference <= model.manifest.golden_tolerance:
        raise InvalidBundle(
            f"{folder}: The golden answers differ by {difference:.2g}, more than "
            f"{model.manifest.golden_tolerance:.2g}."
        )


def measure_pass(model: Model, instances: Instances) -> float:
    """Return the least time, in seconds, that the network takes for the first instance.

    Whatever else the machine does makes a pass longer, and none shorter.
    """
    # This prediction is not timed: the first pass of a new size takes longer.
    tensors = model.predict({name: values[:1] for name, values in instances.items()}).tensors
    seconds: list[float] = []
    while len(seconds) < _PASSES and sum(seconds) < _TIMING_SECONDS:
        started = time.perf_counter()
        model.run(tensors)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def largest_difference(values: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Return the largest difference between predictions; infinite where their shapes differ.

    Probabilities are compared absolutely. Values and scores are compared relatively; a value near
    nothing is compared with a tenth of the mean.

    Shapes:
        (n, classes) or (n, labels) for probabilities; (n,) for values and scores.
    """
    if values.shape != expected.shape:
        return float("inf")
    sizes = np.abs(expected)
    scale = np.maximum(sizes, max(0.1 * sizes.mean(), 1e-30)) if expected.ndim == 1 else 1.0
    return float(np.max(np.abs(values - expected) / scale, initial=0.0))
