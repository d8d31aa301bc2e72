"""Computes the features of the ensemble: raw numbers, nearest rows, rotated pairs, ratios."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.architectures.embeddings import Pair
from training.datasets.tables import Rows
from training.distillation.neighbours import Neighbours, Scale

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Features:
    """Computes the features of rows, from what it remembers of training rows.

    Attributes:
        scale: Medians, means and spreads of the training rows.
        pairs: Pairs of number columns by which the nearest rows are found.
        ratios: Pairs of number columns that are divided by each other.
        neighbours: The training rows, once for each pair.
    """

    scale: Scale
    pairs: Sequence[Pair]
    ratios: Sequence[Pair]
    neighbours: Sequence[Neighbours]

    @classmethod
    def learn(
        cls, rows: Rows, values: Doubles, pairs: Sequence[Pair], ratios: Sequence[Pair]
    ) -> "Features":
        """Remember training rows.

        Args:
            rows: Training rows.
            values: What is told of the nearest rows: targets and residuals.
            pairs: Pairs of number columns by which the nearest rows are found.
            ratios: Pairs of number columns that are divided by each other.

        Shapes:
            values: (n, kinds).
        """
        scale = Scale.of(rows.numbers)
        points = scale.standardise(rows.numbers)
        neighbours = [Neighbours(points[:, list(pair)], values) for pair in pairs]
        return cls(scale, pairs, ratios, neighbours)

    def compute(self, rows: Rows, *, known: bool = False) -> Floats:
        """Return the features of rows.

        Args:
            rows: The rows.
            known: Whether they are the training rows.

        Shapes:
            (n, features).
        """
        points = self.scale.standardise(rows.numbers)
        parts: list[NDArray[Any]] = [rows.numbers]
        for pair, neighbours in zip(self.pairs, self.neighbours, strict=True):
            of_pair = points[:, list(pair)]
            parts += [neighbours.describe(None if known else of_pair), _rotate(of_pair)]
        parts += [self._ratio(rows.numbers, *pair) for pair in self.ratios]
        return np.hstack(parts).astype(np.float32)

    def _ratio(self, numbers: Floats, above: int, below: int) -> NDArray[Any]:
        # A divisor near zero would let a few rows decide where the trees cut.
        least = 1e-3 * self.scale.spread[below]
        return np.asarray(numbers[:, [above]] / (np.abs(numbers[:, [below]]) + least))


def _rotate(points: Doubles) -> Doubles:
    """Project points onto seven oblique axes, along which trees can cut a map.

    Shapes:
        (n, 2) to (n, 7).
    """
    angles = np.pi / 8 * np.arange(1, 8)
    return np.asarray(points @ np.stack([np.cos(angles), np.sin(angles)]))
