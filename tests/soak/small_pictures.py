"""How well the default network of pictures learns small and large sets, beside the tutorial's."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from tests.pictures import write_shapes
from tests.soak.data import find_data
from tests.soak.figures import Figure
from training.datasets.picture_sets import PICTURE_SETS, find_picture_set
from training.datasets.pictures import load_pictures
from training.experiments.pictures import PictureConfig
from training.experiments.pictures.config import with_enough_steps
from training.experiments.pictures.fit import fit
from training.experiments.pictures.network import build_network, predict

SHAPES = 3
# A part of errors by chance; twice as many are no better than chance.
_PROMISED_ERRORS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A set of one size.

    Attributes:
        name: Name of a published set, or "shapes" for a folder of drawn discs, squares, triangles.
        pictures: Number of pictures of each shape, or of all besides the test; None for all.
        seeds: Number of trainings, each with its own split; shapes are drawn anew for each.
    """

    name: str
    pictures: int | None
    seeds: int = 1

    def __str__(self) -> str:
        if self.name == "shapes":
            return f"folder of {SHAPES} x {self.pictures}"
        return f"{self.name}, {self.pictures or 'all'}"

    def hits(self, architecture: str) -> list[bool]:
        """Train with each seed, and return whether each picture of the test was told right."""
        return [hit for seed in range(self.seeds) for hit in self._hits(architecture, seed)]

    def _hits(self, architecture: str, seed: int) -> list[bool]:
        with tempfile.TemporaryDirectory() as place:
            config = self._config(Path(place), seed)
            parts = load_pictures(
                config.pictures,
                data=config.data,
                cache=Path(place),
                seed=seed,
                limit=config.limit,
            )
        config = with_enough_steps(replace(config, architecture=architecture), len(parts.train))
        keras.utils.set_random_seed(seed)
        network = build_network(config, parts)
        fit(network, parts, config)
        found = np.argmax(predict(network, parts.test)["probabilities"], axis=1)
        return list(found == parts.test.y)

    def _config(self, place: Path, seed: int) -> PictureConfig:
        plain = PictureConfig(
            pictures=PICTURE_SETS["mnist"], name="small", models=place, command="", seed=seed
        )
        if self.name == "shapes":
            folder = write_shapes(place / "shapes", each=self.pictures or 0, seed=seed)
            return replace(plain, pictures=find_picture_set(str(folder), size=32))
        return replace(
            plain,
            pictures=PICTURE_SETS[self.name],
            data=find_data(self.name),
            limit=self.pictures,
        )


SOME = (Source(name="shapes", pictures=60, seeds=2), Source(name="fashion_mnist", pictures=1000))
ALL = (
    *(Source(name="shapes", pictures=each, seeds=5) for each in (10, 20, 60)),
    *(Source(name="shapes", pictures=each) for each in (200, 1000)),
    *(
        Source(name=name, pictures=each, seeds=3 if each == 100 else 1)
        for name in ("fashion_mnist", "mnist")
        for each in (100, 1000, 3000, 10_000, None)
    ),
)


def some_sizes() -> Iterator[Figure]:
    """Train on two small sets."""
    return _measure(SOME)


def all_sizes() -> Iterator[Figure]:
    """Train on three sets in five sizes, which takes hours."""
    return _measure(ALL)


def _measure(sources: tuple[Source, ...]) -> Iterator[Figure]:
    for source in sources:
        if source.name != "shapes" and find_data(source.name) is None:
            continue
        classes = SHAPES if source.name == "shapes" else 10
        ours, theirs = (np.array(source.hits(name)) for name in ("cnn", "mlp"))
        error = ours.std() / np.sqrt(len(ours) / (1 if source.name == "shapes" else source.seeds))
        right, below = ours.mean(), theirs.mean() - ours.mean()
        yield Figure(name=f"{source}: right", value=100 * right, unit="%")
        yield Figure(
            name=f"{source}: errors beside chance",
            value=(1 - right) / (1 - 1 / classes),
            unit="times",
            at_most=_PROMISED_ERRORS,
        )
        yield Figure(
            name=f"{source}: below the mlp", value=100 * below, unit="points", at_most=100 * error
        )
