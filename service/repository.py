"""models/ -> loaded versions: discover, verify, load, check golden answers.

The mapping of what is loaded is replaced whole, never edited: a request keeps the model it began
with.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from service import bundle
from service.bundle import InvalidBundle, Manifest
from service.engines import load_engine
from service.errors import ModelNotFound, VersionNotFound
from service.geometry import GEOMETRY_VERSIONS
from service.model import Model

Versions = Mapping[int, Model]


class Repository:
    """The models that are served, each in one or more versions."""

    def __init__(self, models: Mapping[str, Versions]) -> None:
        self._models = MappingProxyType(
            {name: MappingProxyType(dict(models[name])) for name in sorted(models)}
        )

    @property
    def models(self) -> Mapping[str, Versions]:
        """Every loaded version by name and number."""
        return self._models

    def get(self, name: str, version: int | None = None) -> Model:
        """Find a model, in its latest version where none is named.

        Raises:
            ModelNotFound: No model has that name.
            VersionNotFound: The model has no such version.
        """
        versions = self._models.get(name)
        if versions is None:
            raise ModelNotFound(name, self._models)
        if version is None:
            version = max(versions)
        if version not in versions:
            raise VersionNotFound(name, version, versions)
        return versions[version]


def load(models: Path, *, threads: int) -> Repository:
    """Load every published version under a folder.

    Args:
        models: The folder of bundles.
        threads: Cores that one call of a network may use.

    Raises:
        InvalidBundle: The folder cannot be read, or one of its versions is not what was published.
    """
    try:
        names = bundle.names(models)
    except OSError as error:
        raise InvalidBundle(
            f"The models folder {models} cannot be read: {error.strerror}."
        ) from error
    return Repository(
        {
            name: {
                version: load_version(models / name / str(version), threads=threads)
                for version in bundle.versions(models, name)
            }
            for name in names
        }
    )


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


def _check_geometry(folder: Path, manifest: Manifest) -> None:
    picture = manifest.signature.picture
    if picture is None:
        return
    known = GEOMETRY_VERSIONS.get(picture.geometry)
    if known != picture.geometry_version:
        raise InvalidBundle(
            f"{folder}: was trained with version {picture.geometry_version} of geometry "
            f"{picture.geometry!r}; this service has {known}."
        )


def _check_golden_answers(folder: Path, model: Model) -> None:
    instances, expected = bundle.read_golden(folder)
    try:
        difference = largest_difference(model.predict(instances).values, expected)
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
        (n, classes) for probabilities, compared absolutely; (n,) for values, relatively, or to a
        hundredth of what is usual where a value is next to nothing.
    """
    if values.shape != expected.shape:
        return float("inf")
    sizes = np.abs(expected)
    scale = np.maximum(sizes, max(0.01 * sizes.mean(), 1e-30)) if expected.ndim == 1 else 1.0
    return float(np.max(np.abs(values - expected) / scale, initial=0.0))
