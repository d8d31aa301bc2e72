"""What is counted in the bins of features, and what training counted there."""

from collections.abc import Iterator, Sequence

import numpy as np

from service.telemetry.exposition import Description, Metrics, Sample
from service.telemetry.numbers import Key, Values
from service.telemetry.totals import Layout
from vitrine.model import Model

_LABELS = ("model", "version", "feature", "bin")
_COUNTED = Description(
    "counter",
    "vitrine_feature_instances",
    "Number of predicted instances in a bin of a feature.",
    _LABELS,
)
_EXPECTED = Description(
    "gauge", "vitrine_reference_instances", "Number of training instances in the same bin.", _LABELS
)
# Index of the last number that `references` returns.
_ZERO = -1


def key_of(model: Model) -> Key:
    """Return the key of a version's bins."""
    version = (model.name, str(model.version))
    # A version that was published again may have other bins.
    return Key("sum", _COUNTED.name, (*version, str(len(model.bins))), version)


def described(models: Sequence[Model], layout: Layout) -> Metrics:
    """Describe the bins of versions.

    Args:
        models: The versions.
        layout: Where their counts are; what `references` returns for them follows.
    """
    counted: list[Sample] = []
    expected: list[Sample] = []
    for model in models:
        cells = layout.cells.get(key_of(model))
        for index, labels in enumerate(_labels(model)):
            counted.append(Sample(labels, (_ZERO if cells is None else cells.start + index,)))
            expected.append(Sample(labels, (layout.count + len(expected),)))
    return [(_COUNTED, counted), (_EXPECTED, expected)]


def _labels(model: Model) -> Iterator[tuple[str, ...]]:
    for feature in model.bins.features:
        for name in feature.bins:
            yield model.name, str(model.version), feature.name, name


def references(models: Sequence[Model]) -> Values:
    """Return the counts of training in all bins of versions, and a 0."""
    features = (feature for model in models for feature in model.bins.features)
    counts = (count for feature in features for count in feature.reference.counts)
    return np.array([*counts, 0.0], dtype=np.float64)
