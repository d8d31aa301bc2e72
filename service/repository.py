"""Loaded versions, and which of them answers: verify, load, check golden answers, look up, swap.

The catalogue of what is served is replaced whole, never edited: a request keeps the model it
began with.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from service import bundle
from service.bundle import InvalidBundle, Manifest
from service.engines import load_engine
from service.errors import LabelNotFound, ModelNotFound, ModelUnavailable, VersionNotFound
from service.geometry import GEOMETRY_VERSIONS
from service.model import Model
from service.wishes import CANARY, Plan, Serving

Versions = Mapping[int, Model]
Loaded = Mapping[tuple[str, int], Model]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model of the catalogue.

    Attributes:
        serving: What is served of it, and why not the rest.
        versions: The models themselves, by number; may be none.
    """

    serving: Serving
    versions: Versions

    @property
    def default(self) -> Model | None:
        """The version that answers where none is asked for, a canary's share aside."""
        return None if self.serving.default is None else self.versions[self.serving.default]

    @property
    def shadow(self) -> Model | None:
        """The version that is compared with the one that answered."""
        return None if self.serving.shadow is None else self.versions[self.serving.shadow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What is served at one moment.

    Attributes:
        number: Of the plan it fulfils.
        at: Since when, by the monotonic clock.
        entries: By name, in order.
    """

    number: int = 0
    at: float = 0.0
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def models(self) -> dict[str, Versions]:
        """Return the models that have a version to answer with."""
        return {name: entry.versions for name, entry in self.entries.items() if entry.versions}


class Repository:
    """The models that are served, each in one or more versions.

    Args:
        models: What to serve from the start, each model's latest version by default.
        draw: A random number from 0 to 1, which decides whom a canary answers.
    """

    def __init__(
        self,
        models: Mapping[str, Versions] | None = None,
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._draw = draw
        self._catalogue = Catalogue()
        self._next: Catalogue | None = None
        self._swapping = threading.Lock()
        self._watchers: list[Callable[[Catalogue], None]] = []
        self._staged: Loaded = {}
        loaded = {
            (name, version): model
            for name, versions in (models or {}).items()
            for version, model in versions.items()
        }
        plan = Plan(
            models={
                name: Serving(versions=tuple(sorted(versions)), default=max(versions))
                for name, versions in (models or {}).items()
            }
        )
        self.serve(plan, loaded)

    @property
    def catalogue(self) -> Catalogue:
        """What is served now."""
        following = self._next
        if following is not None and time.monotonic() >= following.at:
            self._swap(following)
        return self._catalogue

    def _swap(self, following: Catalogue) -> None:
        with self._swapping:
            if self._next is not following:
                return
            self._catalogue, self._next = following, None
            for watcher in self._watchers:
                watcher(following)

    def serve(self, plan: Plan, loaded: Loaded) -> None:
        """Serve what a plan says from its time on; requests under way keep what they began with.

        The clock decides, not whoever calls this: so all workers begin at once.

        Args:
            plan: What to serve.
            loaded: Every version it names, and what may be asked for by number already.
        """
        entries = {
            name: Entry(
                serving=serving,
                versions=MappingProxyType(
                    {version: loaded[name, version] for version in serving.versions}
                ),
            )
            for name, serving in sorted(plan.models.items())
        }
        following = Catalogue(number=plan.number, at=plan.at, entries=MappingProxyType(entries))
        self._next = following
        if time.monotonic() >= plan.at:
            self._swap(following)

    def stage(self, loaded: Loaded) -> None:
        """Answer with further versions where they are asked for by number.

        Another worker may serve them by default already, and its clients ask for what they see.
        """
        self._staged = MappingProxyType(dict(loaded))

    def watch(self, watcher: Callable[[Catalogue], None]) -> None:
        """Call back with the catalogue, now and whenever another one is served."""
        with self._swapping:
            self._watchers.append(watcher)
            watcher(self._catalogue)

    @property
    def models(self) -> Mapping[str, Versions]:
        """Every model that has a version to answer with."""
        return self.catalogue.models()

    def entry(self, name: str) -> Entry:
        """Find what is served of a model.

        Raises:
            ModelNotFound: No model has that name.
        """
        entry = self.catalogue.entries.get(name)
        if entry is None:
            raise ModelNotFound(name, self.models)
        return entry

    def get(self, name: str, version: int | None = None, *, label: str | None = None) -> Model:
        """Find a model by version or label; by neither, its default version or a canary.

        Raises:
            ModelNotFound: No model has that name.
            VersionNotFound: The model has no such version.
            LabelNotFound: The model has no such label.
            ModelUnavailable: None of its versions is served.
        """
        entry = self.entry(name)
        if label is not None:
            if label not in entry.serving.labels:
                raise LabelNotFound(name, label, entry.serving.labels)
            version = entry.serving.labels[label]
        if version is None:
            share = entry.serving.canary_share
            if share and self._draw() < share:
                return entry.versions[entry.serving.labels[CANARY]]
            return self.default(name)
        model = entry.versions.get(version) or self._staged.get((name, version))
        if model is None:
            raise VersionNotFound(name, version, entry.versions)
        return model

    def default(self, name: str) -> Model:
        """Find the version that answers where none is asked for, a canary's share aside.

        Raises:
            ModelNotFound: No model has that name.
            ModelUnavailable: None of its versions is served.
        """
        entry = self.entry(name)
        if entry.default is None:
            raise ModelUnavailable(name, entry.serving.refused, is_wanted=entry.serving.loaded)
        return entry.default


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
    known = GEOMETRY_VERSIONS.get(picture.geometry)
    if known != picture.geometry_version:
        raise InvalidBundle(
            f"{folder}: was trained with version {picture.geometry_version} of geometry "
            f"{picture.geometry!r}; this service has {known}."
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
