"""Drift: whether received instances still look like the training data.

Training counts its instances into bins, feature by feature, and the service counts the instances
that it predicts on into the same bins. Counts of several processes and machines can be added up.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrine.bundle import InvalidBundle, Manifest, Reference
from vitrine.signature import FIRST_CODE, CategoryInput, ProbabilitiesOutput

Counts = NDArray[np.int64]
Verdict = Literal["too few", "stable", "shifted", "drifted"]

# Half an instance is added to every bin, of training and of the received instances: an empty bin
# would make the index infinite.
SMOOTHING = 0.5
# With fewer instances, chance alone moves the index too far. It moves it by about the number of
# bins over the number of instances. With 15 instances for each bin, the index of instances like
# those of training exceeds `SHIFTED` once in a thousand times.
LEAST_INSTANCES = 500
LEAST_INSTANCES_PER_BIN = 15
# The limits of the index that are usual in credit scoring, where it was first used. The same limits
# hold for the change of the share of blanks.
SHIFTED = 0.1
DRIFTED = 0.25
BLANK = "blank"
# So many instances, and fewer, are quicker to count one by one.
_FEW = 8


def population_stability_index(expected: Counts, actual: Counts) -> float:
    """Return how much two distributions over the same bins differ; 0 where they are the same.

    It is the sum of (a - e) * ln(a / e) over all bins, where e and a are the shares of a bin in the
    expected and in the actual distribution. A share is (count + 0.5) / (total + 0.5 * bins).

    Shapes:
        expected, actual: (bins,).

    References:
        Yurdakul and Naranjo (2020), Statistical properties of the population stability index,
        doi:10.21314/JRMV.2020.227.
    """
    expected_shares, actual_shares = (
        (counts + SMOOTHING) / (counts.sum() + SMOOTHING * len(counts))
        for counts in (expected, actual)
    )
    gaps = actual_shares - expected_shares
    return float(np.sum(gaps * np.log(actual_shares / expected_shares)))


def picture_measures(
    pixels: NDArray[np.number[Any]], *, inked: bool
) -> dict[str, NDArray[np.float32]]:
    """Measure the ink of pictures that are ink on black, and the light of others.

    Args:
        pixels: Levels in [0, 255], in the geometry of the network.
        inked: Whether the pictures are ink on black.

    Returns:
        Name of each measure -> its values.

        Of ink: `ink_mass`, the mean level in [0, 1]; `box_width` and `box_height` of the ink, and
        `stroke_width`, in pixels. The width of a stroke is twice its area over its outline.

        Of light, in [0, 1]: `brightness`, the mean level; `contrast`, the standard deviation of the
        levels; `detail`, the mean difference of neighbouring pixels; and in colour `saturation`,
        the mean difference between the strongest and the weakest channel.

    Shapes:
        pixels: (n, height, width, channels); each measure: (n,).
    """
    return _ink_measures(pixels) if inked else _light_measures(pixels)


def _light_measures(pixels: NDArray[np.number[Any]]) -> dict[str, NDArray[np.float32]]:
    levels = _levels(pixels)
    differences = (np.abs(np.diff(levels, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2))
    measures = {
        "brightness": levels.mean(axis=(1, 2)),
        "contrast": levels.std(axis=(1, 2)),
        "detail": sum(differences, np.float32(0)) / np.float32(2),
    }
    if pixels.shape[-1] > 1:
        spread = (pixels.max(axis=-1) - pixels.min(axis=-1)).mean(axis=(1, 2), dtype=np.float32)
        measures["saturation"] = spread / np.float32(255)
    return measures


def _ink_measures(pixels: NDArray[np.number[Any]]) -> dict[str, NDArray[np.float32]]:
    # Every call of NumPy counts here: it takes longer than the arithmetic on one small picture.
    levels = _levels(pixels)
    count, height, width = levels.shape
    ink = levels >= 0.5
    area = np.add.reduce(levels.reshape(count, -1), axis=1)
    return {
        "ink_mass": area / np.float32(height * width),
        "box_width": _extents(ink.transpose(0, 2, 1)),
        "box_height": _extents(ink),
        "stroke_width": 2 * area / np.maximum(_outlines(levels), np.float32(1e-6)),
    }


def _levels(pixels: NDArray[np.number[Any]]) -> NDArray[np.float32]:
    """Return the mean of the channels in [0, 1].

    Shapes:
        (n, height, width, channels) to (n, height, width).
    """
    is_grey = pixels.shape[-1] == 1
    means = pixels[..., 0] if is_grey else pixels.mean(axis=-1, dtype=np.float32)
    levels: NDArray[np.float32] = np.divide(means, np.float32(255), dtype=np.float32)
    return levels


def _extents(ink: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the number of lines from the first one with ink to the last; 0 where there is none.

    Shapes:
        (n, lines, length) to (n,).
    """
    count, lines, length = ink.shape
    flags, size = ink.tobytes(), lines * length
    extents = np.zeros(count, dtype=np.float32)
    for index in range(count):
        first = flags.find(1, index * size, (index + 1) * size)
        if first >= 0:
            last = flags.rfind(1, index * size, (index + 1) * size)
            extents[index] = last // length - first // length + 1
    return extents


def _outlines(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the length of the outline of each picture's ink: the sum of its gradients' lengths.

    Shapes:
        (n, height, width) to (n,).
    """
    count, height, width = levels.shape
    # In one row a picture, with a pixel of paper after each line and a line of it above and below:
    # the neighbour above is one line before, the neighbour to the left one pixel.
    line = width + 1
    flat = np.zeros((count, (height + 2) * line + 1), dtype=np.float32)
    inner = flat[:, line + 1 : (height + 1) * line + 1]
    inner.reshape(count, height, line)[:, :, :width] = levels
    pixels = flat[:, line:]
    down = pixels - flat[:, :-line]
    across = pixels - flat[:, line - 1 : -1]
    down *= down
    across *= across
    down += across
    np.sqrt(down, out=down)
    outlines: NDArray[np.float32] = np.add.reduce(down, axis=1)
    return outlines


def bin_indices(values: NDArray[np.floating[Any]], edges: Sequence[float]) -> NDArray[np.intp]:
    """Return the index of each number's bin; NaN is in the last bin.

    Args:
        values: Numbers of one feature.
        edges: Inner edges of its bins, ascending.

    Shapes:
        values: (n,); returns (n,).
    """
    indices = np.searchsorted(np.asarray(edges, dtype=np.float32), values, side="right")
    return np.where(np.isnan(values), len(edges) + 1, indices)


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of a version, with its bins.

    Attributes:
        name: Name of the column, or of a measure of a picture or its prediction.
        bins: Names of the bins in order. Each but that of blanks begins with its index, so that
            they can be sorted.
        reference: Number of training instances in each bin.
    """

    name: str
    bins: tuple[str, ...]
    reference: Reference

    def compare(self, actual: Counts) -> "Drift":
        """Compare counts of instances with those of training.

        Args:
            actual: Number of received instances in each bin.

        Shapes:
            actual: (bins,).
        """
        blank = self.bins.index(BLANK)
        expected = np.array(self.reference.counts, dtype=np.int64)
        blanks, blanks_in_training = (
            float(counts[blank] / max(1, counts.sum())) for counts in (actual, expected)
        )
        values = np.delete(actual, blank)
        return Drift(
            index=population_stability_index(np.delete(expected, blank), values),
            more_blanks=blanks - blanks_in_training,
            values=int(values.sum()),
            least_values=max(LEAST_INSTANCES, LEAST_INSTANCES_PER_BIN * len(values)),
            instances=int(actual.sum()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How much one feature of the received instances differs from training.

    Blanks are kept apart from values. Blanks where training had none say something about the
    instances, which their predictions warn of, but nothing about the distribution of the values.

    Attributes:
        index: Population stability index of the values, without the blanks.
        more_blanks: Share of blanks, minus their share in training.
        values: Number of instances with a value.
        least_values: Number of values from which on the index is more than chance.
        instances: Number of all instances.
    """

    index: float
    more_blanks: float
    values: int
    least_values: int = LEAST_INSTANCES
    instances: int

    @property
    def verdict(self) -> Verdict:
        """What the index and the share of blanks mean, in words."""
        if self.instances < LEAST_INSTANCES:
            return "too few"
        has_index = self.values >= self.least_values
        change = max(abs(self.more_blanks), self.index if has_index else 0.0)
        if change < SHIFTED:
            return "stable" if has_index else "too few"
        return "shifted" if change < DRIFTED else "drifted"


def features(manifest: Manifest) -> tuple[Feature, ...]:
    """Return the features of a version's reference distribution.

    Raises:
        InvalidBundle: A feature has another number of bins in training than in the signature.
    """
    vocabularies: dict[str, tuple[str, ...]] = {
        spec.name: spec.vocabulary
        for spec in manifest.signature.inputs
        if isinstance(spec, CategoryInput)
    }
    prediction = manifest.signature.prediction
    if isinstance(prediction, ProbabilitiesOutput):
        vocabularies.setdefault("label", prediction.labels)
    described = tuple(
        Feature(name, _bin_names(reference, vocabularies.get(name, ())), reference)
        for name, reference in manifest.reference.items()
    )
    for feature in described:
        counts, bins = len(feature.reference.counts), len(feature.bins)
        if counts != bins:
            raise InvalidBundle(
                f"The reference of {feature.name!r} must have {bins} bins. Received: {counts}."
            )
    return described


def _bin_names(reference: Reference, vocabulary: Sequence[str]) -> tuple[str, ...]:
    if reference.edges is None:
        names = [BLANK, "other", *vocabulary]
        blank = 0
    else:
        edges = [f"{edge:.6g}" for edge in reference.edges]
        between = [f"{low} to {high}" for low, high in pairwise(edges)]
        names = [f"below {edges[0]}", *between, f"from {edges[-1]}"] if edges else ["any"]
        names.append(BLANK)
        blank = len(names) - 1
    digits = len(str(len(names) - 1))
    return tuple(
        name if index == blank else f"{index:0{digits}} {name}" for index, name in enumerate(names)
    )


class _Lookup(NamedTuple):
    """Where a feature's values are counted.

    Attributes:
        name: Name of the feature.
        first: Index of its first bin.
        blank: Index of the bin of its blanks.
        edges: Inner edges of its bins, ascending; None for codes of categories.
    """

    name: str
    first: int
    blank: int
    edges: list[float] | None


class Bins:
    """The bins of all features of a version, in one row.

    Attributes:
        features: Features in order; the bins of each follow those of the feature before it.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.features = features(manifest)
        self._lookups: list[_Lookup] = []
        self._count = 0
        for feature in self.features:
            edges, first = feature.reference.edges, self._count
            # As float32, since they are compared with float32.
            rounded = None if edges is None else np.array(edges, dtype=np.float32).tolist()
            blank = first + feature.bins.index(BLANK)
            self._lookups.append(_Lookup(feature.name, first, blank, rounded))
            self._count += len(feature.bins)
        self._picture = manifest.signature.picture

    def __len__(self) -> int:
        return self._count

    def measure(
        self, tensors: Mapping[str, NDArray[Any]], probabilities: NDArray[np.float32] | None
    ) -> dict[str, NDArray[Any]]:
        """Return the values of each feature: numbers, or codes of categories.

        Args:
            tensors: Name of each input -> the network's input.
            probabilities: Predicted probabilities of a classifier; None for other networks.

        Returns:
            Name of each feature -> its values.

        Shapes:
            tensors: (n, ...) each; probabilities: (n, classes); returns (n,) each.
        """
        if self._picture is None:
            return {name: tensor.reshape(len(tensor)) for name, tensor in tensors.items()}
        (pixels,) = tensors.values()
        values: dict[str, NDArray[Any]] = dict(picture_measures(pixels, inked=self._picture.inked))
        if probabilities is not None:
            values["label"] = probabilities.argmax(axis=1) + FIRST_CODE
            values["probability"] = probabilities.max(axis=1)
        return values

    def count(self, values: Mapping[str, NDArray[Any]]) -> Counts:
        """Count instances into the bins.

        Args:
            values: Name of each feature -> its values, as `measure` returns them.

        Shapes:
            values: (n,) each; returns (bins,).
        """
        counted = len(next(iter(values.values()), ()))
        return self._count_few(values) if counted <= _FEW else self._count_many(values)

    def _count_few(self, values: Mapping[str, NDArray[Any]]) -> Counts:
        """Count value by value; quicker than `_count_many` for few instances."""
        indices: list[int] = []
        for name, first, blank, edges in self._lookups:
            for value in values[name].tolist():
                if edges is None:
                    indices.append(first + value)
                elif isnan(value):
                    indices.append(blank)
                else:
                    indices.append(first + bisect_right(edges, value))
        return np.bincount(indices, minlength=self._count)

    def _count_many(self, values: Mapping[str, NDArray[Any]]) -> Counts:
        """Count bin by bin: comparing a column with few edges is quicker than searching them."""
        counts: Counts = np.zeros(self._count, dtype=np.int64)
        for name, first, blank, edges in self._lookups:
            column = values[name]
            if edges is None:
                codes = np.bincount(column)
                counts[first : first + len(codes)] = codes
                continue
            known = int(np.count_nonzero(~np.isnan(column)))
            reached = [known, *(int(np.count_nonzero(column >= edge)) for edge in edges), 0]
            counts[first : first + len(edges) + 1] = -np.diff(reached)
            counts[blank] = len(column) - known
        return counts

    def split(self, counts: Counts) -> dict[str, Counts]:
        """Return the counts of each feature by its name.

        Shapes:
            counts: (bins,); returns (bins of the feature,) each.
        """
        return {
            feature.name: counts[lookup.first : lookup.first + len(feature.bins)]
            for feature, lookup in zip(self.features, self._lookups, strict=True)
        }
