"""Whether what comes in still looks like what was trained on: bins, counts, one distance.

Training counts its instances into bins, feature by feature; the service counts what it answers
into the same ones. Counts of several processes and machines add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vitrine.bundle import InvalidBundle, Manifest, Reference
from vitrine.signature import FIRST_CODE, CategoryInput, ProbabilitiesOutput

Counts = NDArray[np.int64]
Verdict = Literal["too few", "stable", "shifted", "drifted"]

# Half an instance is added to every bin, of the reference and of what came in: an empty bin would
# make the index infinite.
SMOOTHING = 0.5
# With fewer instances chance alone moves the index too far.
LEAST_INSTANCES = 500
# By about the number of bins over that of instances: 15 a bin keep it below `SHIFTED` but for one
# time in a thousand.
LEAST_INSTANCES_A_BIN = 15
# As credit scoring has read the index since it was first used there; and parts of the instances
# that have become blank, or are no longer.
SHIFTED = 0.1
DRIFTED = 0.25
BLANK = "blank"


def population_stability_index(expected: Counts, found: Counts) -> float:
    """Return how far two distributions over the same bins are apart; 0 where they are the same.

    Of the shares e and f of each bin, (f - e) * ln(f / e), summed over all bins. A share is
    (count + 0.5) / (all + 0.5 * bins).

    Shapes:
        (bins,).

    References:
        Yurdakul and Naranjo (2020), Statistical properties of the population stability index,
        doi:10.21314/JRMV.2020.227.
    """
    expected_shares, found_shares = (
        (counts + SMOOTHING) / (counts.sum() + SMOOTHING * len(counts))
        for counts in (expected, found)
    )
    gaps = found_shares - expected_shares
    return float(np.sum(gaps * np.log(found_shares / expected_shares)))


def picture_measures(
    pixels: NDArray[np.number[Any]], *, inked: bool
) -> dict[str, NDArray[np.float32]]:
    """Measure each picture's ink, or the light of one that is not ink on black.

    Args:
        pixels: Levels in [0, 255] in the network's geometry.
        inked: Whether they are ink on black.

    Returns:
        Of ink `ink_mass`, the mean level in [0, 1]; `box_width` and `box_height` of the ink and
        `stroke_width`, in pixels. A stroke's width is twice its area over its outline. Of others,
        in [0, 1], `brightness`, the mean level; `contrast`, its standard deviation; `detail`, the
        mean difference of neighbours; and of those in colour `saturation`, the mean difference
        between the strongest and the weakest channel.

    Shapes:
        pixels: (n, height, width, channels); each measure: (n,).
    """
    return _ink_measures(pixels) if inked else _light_measures(pixels)


def _light_measures(pixels: NDArray[np.number[Any]]) -> dict[str, NDArray[np.float32]]:
    levels = pixels.mean(axis=-1, dtype=np.float32) / np.float32(255)
    steps = (np.abs(np.diff(levels, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2))
    found = {
        "brightness": levels.mean(axis=(1, 2)),
        "contrast": levels.std(axis=(1, 2)),
        "detail": sum(steps, np.float32(0)) / np.float32(2),
    }
    if pixels.shape[-1] > 1:
        spread = (pixels.max(axis=-1) - pixels.min(axis=-1)).mean(axis=(1, 2), dtype=np.float32)
        found["saturation"] = spread / np.float32(255)
    return found


def _ink_measures(pixels: NDArray[np.number[Any]]) -> dict[str, NDArray[np.float32]]:
    levels = pixels.mean(axis=-1, dtype=np.float32) / np.float32(255)
    ink = levels >= 0.5
    area = levels.sum(axis=(1, 2))
    count, height, width = levels.shape
    padded = np.zeros((count, height + 2, width + 2), dtype=np.float32)
    padded[:, 1:-1, 1:-1] = levels
    corner, above, before = padded[:, 1:, 1:], padded[:, :-1, 1:], padded[:, 1:, :-1]
    outline = np.sqrt(np.square(corner - above) + np.square(corner - before)).sum(axis=(1, 2))
    return {
        "ink_mass": levels.mean(axis=(1, 2)),
        "box_width": _extent(ink.any(axis=1)),
        "box_height": _extent(ink.any(axis=2)),
        "stroke_width": 2 * area / np.maximum(outline, np.float32(1e-6)),
    }


def _extent(inked: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the length from the first inked line to the last; 0 where there is none."""
    first, last = inked.argmax(axis=1), inked.shape[1] - inked[:, ::-1].argmax(axis=1)
    return np.where(inked.any(axis=1), last - first, 0).astype(np.float32)


def number_places(values: NDArray[np.floating[Any]], edges: Sequence[float]) -> NDArray[np.intp]:
    """Return the bin of each number; NaN is in the last one.

    Shapes:
        (n,).
    """
    places = np.searchsorted(np.asarray(edges, dtype=np.float32), values, side="right")
    return np.where(np.isnan(values), len(edges) + 1, places)


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of a version, with its bins.

    Attributes:
        name: Of the column, or of what is measured of a picture and its prediction.
        bins: Their names, in order, each with its place before it, but for that of blanks.
        reference: Instances of training in each.
    """

    name: str
    bins: tuple[str, ...]
    reference: Reference

    def compare(self, found: Counts) -> "Drift":
        """Return how far counts are from those of training.

        Shapes:
            found: (bins,).
        """
        blank = self.bins.index(BLANK)
        expected = np.array(self.reference.counts, dtype=np.int64)
        known = np.delete(found, blank)
        blanks, before = (
            float(counts[blank] / max(1, counts.sum())) for counts in (found, expected)
        )
        return Drift(
            index=population_stability_index(np.delete(expected, blank), known),
            more_blanks=blanks - before,
            known=int(known.sum()),
            least=max(LEAST_INSTANCES, LEAST_INSTANCES_A_BIN * len(known)),
            instances=int(found.sum()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far one feature is from what training saw.

    Blanks are told apart from values: a blank where training had none is one more thing to know of
    an instance, which its answer warns of, and not another distribution of what is known.

    Attributes:
        index: The population stability index of the values, blanks left out.
        more_blanks: The share of blanks, less that of training.
        known: Instances with a value.
        least: With so many values the index means something.
        instances: All of them.
    """

    index: float
    more_blanks: float
    known: int
    least: int = LEAST_INSTANCES
    instances: int

    @property
    def verdict(self) -> Verdict:
        """Say plainly what that means."""
        if self.instances < LEAST_INSTANCES:
            return "too few"
        is_told = self.known >= self.least
        far = max(abs(self.more_blanks), self.index if is_told else 0.0)
        if far < SHIFTED:
            return "stable" if is_told else "too few"
        return "shifted" if far < DRIFTED else "drifted"


def features(manifest: Manifest) -> tuple[Feature, ...]:
    """Return the features that a version's reference distribution is about.

    Raises:
        InvalidBundle: Training counted one into other bins than the signature has.
    """
    vocabularies: dict[str, tuple[str, ...]] = {
        spec.name: spec.vocabulary
        for spec in manifest.signature.inputs
        if isinstance(spec, CategoryInput)
    }
    prediction = manifest.signature.prediction
    if isinstance(prediction, ProbabilitiesOutput):
        vocabularies.setdefault("label", prediction.labels)
    found = tuple(
        Feature(name, _bin_names(reference, vocabularies.get(name, ())), reference)
        for name, reference in manifest.reference.items()
    )
    for feature in found:
        counts, bins = len(feature.reference.counts), len(feature.bins)
        if counts != bins:
            raise InvalidBundle(f"the reference of {feature.name!r} has {counts}, not {bins} bins.")
    return found


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
        name if place == blank else f"{place:0{digits}} {name}" for place, name in enumerate(names)
    )


class Bins:
    """The bins of all features of a version, side by side.

    Attributes:
        features: In order; the bins of each follow those of the one before it.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.features = features(manifest)
        ends = np.cumsum([0, *(len(feature.bins) for feature in self.features)])
        self._first = dict(zip((each.name for each in self.features), ends.tolist(), strict=False))
        self._count = int(ends[-1])
        self._picture = manifest.signature.picture

    def __len__(self) -> int:
        return self._count

    def measure(
        self, tensors: Mapping[str, NDArray[Any]], probabilities: NDArray[np.float32] | None
    ) -> dict[str, NDArray[Any]]:
        """Return each feature's values: numbers, or codes of categories.

        Args:
            tensors: What the network took, by the names of the features.
            probabilities: What it answered, where it says which one class it is.

        Shapes:
            Each tensor (n, ...); probabilities: (n, classes); each feature (n,).
        """
        if self._picture is None:
            return {name: tensor.reshape(len(tensor)) for name, tensor in tensors.items()}
        (pixels,) = tensors.values()
        found: dict[str, NDArray[Any]] = dict(picture_measures(pixels, inked=self._picture.inked))
        if probabilities is not None:
            found["label"] = probabilities.argmax(axis=1) + FIRST_CODE
            found["probability"] = probabilities.max(axis=1)
        return found

    def count(self, values: Mapping[str, NDArray[Any]]) -> Counts:
        """Count instances into the bins.

        Args:
            values: As `measure` returns them.

        Shapes:
            (bins,).
        """
        places = [
            self._first[feature.name]
            + (
                values[feature.name]
                if feature.reference.edges is None
                else number_places(values[feature.name], feature.reference.edges)
            )
            for feature in self.features
        ]
        return np.bincount(np.concatenate(places), minlength=self._count)

    def split(self, counts: Counts) -> dict[str, Counts]:
        """Return each feature's own counts.

        Shapes:
            (bins,) to (bins of the feature,) each.
        """
        return {
            feature.name: counts[first : first + len(feature.bins)]
            for feature, first in zip(self.features, self._first.values(), strict=True)
        }
