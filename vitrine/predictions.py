"""The answers to some instances: labels, values or scores, and how far to trust them.

What is known of each is kept column by column; records and table columns are made when asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.engines import Tensors
from vitrine.errors import VitrineError
from vitrine.signature import (
    AnomalyOutput,
    LabelsOutput,
    PredictionOutput,
    ProbabilitiesOutput,
    ValueOutput,
)

Values = NDArray[np.float32]

# Of several labels those are given that are at least as probable as not.
_LEAST_PROBABILITY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustOptions:
    """What is to be told of an answer besides itself.

    Attributes:
        coverage: Of prediction sets and intervals; None to tell nothing of trust.
        abstain_below: Credibility below which no class label is given.
    """

    coverage: float | None = None
    abstain_below: float | None = None


NO_TRUST = TrustOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How far n answers can be trusted, in their order.

    Attributes:
        coverage: With what probability a set or an interval holds the truth; None where there is
            neither.
        sets: Which labels belong to each prediction set; None where no class is predicted.
        intervals: Where each value lies; None where no value is predicted.
        credibility: Conformal p-value; None where the network gives nothing to tell it by.
        abstain_below: The credibility below which no answer is given.

    Shapes:
        sets: (n, classes); intervals: (n, 2), lower and upper; credibility: (n,).
    """

    coverage: float | None = None
    sets: NDArray[np.bool_] | None = None
    intervals: Values | None = None
    credibility: NDArray[np.float64] | None = None
    abstain_below: float | None = None

    def take(self, places: Sequence[int]) -> "Confidence":
        """Return what is said of the answers at some places."""
        return replace(
            self,
            sets=None if self.sets is None else self.sets[places],
            intervals=None if self.intervals is None else self.intervals[places],
            credibility=None if self.credibility is None else self.credibility[places],
        )

    def abstained(self) -> NDArray[np.intp]:
        """Return the places of the answers that are not given."""
        if self.credibility is None or self.abstain_below is None:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(self.credibility < self.abstain_below)

    def reason(self, place: int) -> str:
        """Say why an answer is not given."""
        credibility = np.nan if self.credibility is None else self.credibility[place]
        return (
            f"The credibility {credibility:.4g} is below {self.abstain_below}: this is too "
            "unlike what the model was trained on."
        )


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answers to n instances, in their order.

    Attributes:
        output: What they are.
        values: Probabilities, values or scores.
        warnings: What is doubtful about an instance, by its place; most have none.
        errors: Why an instance cannot be predicted, by its place; its values mean nothing.
        confidence: How far to trust them, where that was asked for and can be told.
        tensors: What the network took.
        steps: What was done to each picture to get there, in plain words.

    Shapes:
        values: (n, classes) or (n, labels) for probabilities, (n,) for a value or a score; each
            tensor (n, ...).
    """

    output: PredictionOutput
    values: Values
    warnings: Mapping[int, list[str]] = field(default_factory=dict)
    errors: Mapping[int, VitrineError] = field(default_factory=dict)
    confidence: Confidence | None = None
    tensors: Tensors = field(default_factory=dict)
    steps: Sequence[tuple[str, ...]] = ()

    def __len__(self) -> int:
        return len(self.values)

    def good(self) -> "Predictions":
        """Return those without an error."""
        if not self.errors:
            return self
        places = [place for place in range(len(self)) if place not in self.errors]
        return Predictions(
            self.output,
            self.values[places],
            {new: self.warnings[old] for new, old in enumerate(places) if old in self.warnings},
            confidence=None if self.confidence is None else self.confidence.take(places),
            tensors={name: tensor[places] for name, tensor in self.tensors.items()},
            steps=[self.steps[place] for place in places] if self.steps else (),
        )

    def labels(self) -> NDArray[np.object_]:
        """Return each instance's most probable class label; none where no class is predicted.

        Shapes:
            (n,), or (0,) for anything but a classification.
        """
        if not isinstance(self.output, ProbabilitiesOutput):
            return np.empty(0, dtype=object)
        labels = np.array([*self.output.labels, None], dtype=object)
        given: NDArray[np.object_] = labels[self.values.argmax(axis=1)]
        return given

    def label_lists(self) -> list[list[str]]:
        """Return the labels that each instance has, in the signature's order.

        None where other than several labels are predicted.
        """
        if not isinstance(self.output, LabelsOutput):
            return []
        return _members(given_labels(self.values), self.output.labels)

    def abstained(self) -> NDArray[np.intp]:
        """Return the places of the answers that are not given."""
        return np.empty(0, np.intp) if self.confidence is None else self.confidence.abstained()

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the predictions as the columns of a table."""
        if isinstance(self.output, ProbabilitiesOutput):
            return self._class_columns(self.output)
        if isinstance(self.output, LabelsOutput):
            joined = _joined(self.label_lists())
            return dict(zip(label_columns(self.output), [joined, *self.values.T], strict=True))
        if isinstance(self.output, AnomalyOutput):
            return self._anomaly_columns()
        columns: dict[str, NDArray[Any]] = {"prediction": self.values}
        if self.confidence is not None and self.confidence.intervals is not None:
            lower, upper = self.confidence.intervals.T
            columns |= {"lower": lower, "upper": upper}
        return columns

    def _anomaly_columns(self) -> dict[str, NDArray[Any]]:
        columns: dict[str, NDArray[Any]] = {"anomaly_score": self.values}
        if self.confidence is not None and self.confidence.credibility is not None:
            columns["credibility"] = self.confidence.credibility
        return columns

    def _class_columns(self, output: ProbabilitiesOutput) -> dict[str, NDArray[Any]]:
        columns = {"label": self.labels(), "probability": self.values.max(axis=1)}
        confidence = self.confidence
        if confidence is None:
            return columns
        if confidence.sets is not None:
            columns["set"] = _joined(_members(confidence.sets, output.labels))
        if confidence.credibility is not None:
            columns["credibility"] = confidence.credibility
        if confidence.abstain_below is not None:
            reasons = np.full(len(self), None, dtype=object)
            for place in confidence.abstained():
                columns["label"][place], columns["probability"][place] = None, np.nan
                reasons[place] = confidence.reason(place)
            columns["reason"] = reasons
        return columns

    def records(self, *, top: int | None) -> list[dict[str, Any]]:
        """Return the predictions as JSON objects.

        Args:
            top: How many of the most probable classes or labels to list; None for all.
        """
        records = self._records(top)
        for place, texts in self.warnings.items():
            records[place]["warnings"] = texts
        return records

    def _records(self, top: int | None) -> list[dict[str, Any]]:
        output, confidence = self.output, self.confidence
        if isinstance(output, LabelsOutput):
            ranked = _ranked(self.values, output.labels, top=top)
            return [
                {"labels": labels, "probabilities": probabilities}
                for labels, probabilities in zip(self.label_lists(), ranked, strict=True)
            ]
        if isinstance(output, ProbabilitiesOutput):
            records = _class_records(_ranked(self.values, output.labels, top=top))
            if confidence is not None:
                _add_sets(records, confidence, output.labels)
            return records
        name = "anomaly_score" if isinstance(output, AnomalyOutput) else "value"
        records = [{name: value} for value in self.values]
        if confidence is not None:
            _add_intervals(records, confidence)
            _add_credibility(records, confidence)
        return records


def values_shape(output: PredictionOutput) -> tuple[int, ...]:
    """Return the shape of one instance's values: a value or a score is a plain number."""
    return () if isinstance(output, ValueOutput | AnomalyOutput) else output.shape


def given_labels(probabilities: Values) -> NDArray[np.bool_]:
    """Say which of several labels each instance has: those at least as probable as not.

    Shapes:
        (n, labels) to (n, labels).
    """
    return np.asarray(probabilities >= _LEAST_PROBABILITY)


def label_columns(output: LabelsOutput) -> list[str]:
    """Return the names of a table's columns that hold several labels."""
    return ["labels", *(f"probability_{label}" for label in output.labels)]


def _ranked(
    probabilities: Values, labels: tuple[str, ...], *, top: int | None
) -> list[dict[str, np.float32]]:
    """Return each instance's probabilities by label, the largest first."""
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    ordered = np.take_along_axis(probabilities, ranked, axis=1)
    return [
        dict(zip((labels[place] for place in places), values, strict=True))
        for places, values in zip(ranked, ordered, strict=True)
    ]


def _class_records(ranked: list[dict[str, np.float32]]) -> list[dict[str, Any]]:
    records = []
    for probabilities in ranked:
        label, probability = next(iter(probabilities.items()))
        records.append({"label": label, "probability": probability, "probabilities": probabilities})
    return records


def _add_sets(
    records: list[dict[str, Any]], confidence: Confidence, labels: tuple[str, ...]
) -> None:
    if confidence.sets is not None:
        for record, members in zip(records, _members(confidence.sets, labels), strict=True):
            record["set"] = members
    _add_credibility(records, confidence)
    for place in confidence.abstained():
        records[place] |= {
            "label": None,
            "probability": None,
            "reason": confidence.reason(place),
        }


def _add_intervals(records: list[dict[str, Any]], confidence: Confidence) -> None:
    if confidence.intervals is None:
        return
    for record, (lower, upper) in zip(records, confidence.intervals, strict=True):
        record["interval"] = {"lower": lower, "upper": upper, "coverage": confidence.coverage}


def _add_credibility(records: list[dict[str, Any]], confidence: Confidence) -> None:
    if confidence.credibility is None:
        return
    for record, credibility in zip(records, confidence.credibility, strict=True):
        record["credibility"] = credibility


def _joined(lists: list[list[str]]) -> NDArray[np.object_]:
    """Return a column of labels."""
    return np.array([*("|".join(labels) for labels in lists), None], dtype=object)[:-1]


def _members(sets: NDArray[np.bool_], labels: tuple[str, ...]) -> list[list[str]]:
    """Return the labels of each set; equal sets share one list, for most are of the same few."""
    if len(sets) == 1:
        return [[labels[place] for place in np.flatnonzero(sets[0])]]
    bits = np.packbits(sets, axis=1)
    # Whole numbers sort much faster than strings of bytes; up to 64 classes need one of them.
    words = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8))).view(np.uint64)
    patterns = words[:, 0] if words.shape[1] == 1 else words.view(f"V{8 * words.shape[1]}")[:, 0]
    _, firsts, which = np.unique(patterns, return_index=True, return_inverse=True)
    lists = [[labels[place] for place in np.flatnonzero(sets[first])] for first in firsts]
    return [lists[pattern] for pattern in which.tolist()]
