"""One version on disk -> a model that is ready: verify, open, see it give its golden answers."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrine import bundle
from vitrine.bundle import InvalidBundle, Manifest
from vitrine.engines import load_engine
from vitrine.geometry import GEOMETRIES
from vitrine.model import Model


def load_version(folder: Path, *, threads: int) -> Model:
    """Load one version and see it give its golden answers.

    Raises:
        InvalidBundle: A file differs from what was published, nothing installed can run it, its
            geometry is not known here, or it does not answer its golden examples as in training.
    """
    manifest = bundle.read_manifest(folder)
    bundle.verify_files(manifest, folder)
    _check_geometry(folder, manifest)
    model = Model(manifest, load_engine(folder, manifest, threads=threads))
    _check_golden_answers(folder, model)
    return model


def load_versions(
    models: Path, wanted: Iterable[tuple[str, int]], *, threads: int
) -> tuple[dict[tuple[str, int], Model], dict[tuple[str, int], str]]:
    """Load versions, one after the other.

    Args:
        models: The folder of bundles.
        wanted: Names and numbers.
        threads: Cores that one call of a network may use.

    Returns:
        Those that can be served, and why the others cannot, without the folder's name.
    """
    loaded, refused = {}, {}
    for name, version in sorted(wanted):
        folder = models / name / str(version)
        try:
            loaded[name, version] = load_version(folder, threads=threads)
        except InvalidBundle as error:
            refused[name, version] = str(error).removeprefix(f"{folder}: ")
        except Exception as error:  # noqa: BLE001 - nothing in one version may harm the others
            refused[name, version] = f"cannot be loaded: {type(error).__name__}."
    return loaded, refused


def _check_geometry(folder: Path, manifest: Manifest) -> None:
    picture = manifest.signature.picture
    if picture is None:
        return
    known = GEOMETRIES.get(picture.geometry)
    version = None if known is None else known.version
    if version != picture.geometry_version:
        raise InvalidBundle(
            f"{folder}: was trained with version {picture.geometry_version} of geometry "
            f"{picture.geometry!r}; this service has {version}."
        )


def _check_golden_answers(folder: Path, model: Model) -> None:
    instances, expected = bundle.read_golden(folder)
    try:
        predictions = model.predict(instances)
        model.count(predictions)  # where it has a reference of what it does not take, this fails
        difference = largest_difference(predictions.values, expected)
    except Exception as error:  # whatever a published version does on its own examples refuses it
        raise InvalidBundle(f"{folder}: golden examples fail: {type(error).__name__}.") from error
    if not difference <= model.manifest.golden_tolerance:
        raise InvalidBundle(
            f"{folder}: golden answers differ by {difference:.2g}, more than "
            f"{model.manifest.golden_tolerance:.2g}."
        )


def largest_difference(values: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Return how far predictions are apart; infinite where their shapes differ.

    Shapes:
        (n, classes) or (n, labels) for probabilities, compared absolutely; (n,) for values and
        scores, relatively, or to a tenth of what is usual where one is next to nothing.
    """
    if values.shape != expected.shape:
        return float("inf")
    sizes = np.abs(expected)
    scale = np.maximum(sizes, max(0.1 * sizes.mean(), 1e-30)) if expected.ndim == 1 else 1.0
    return float(np.max(np.abs(values - expected) / scale, initial=0.0))
