"""The predictions for some instances: labels, values or scores, and how far to trust them.

They are kept as arrays; records and table columns are made when they are asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
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
from vitrine.tables.blocks import Block

Values = NDArray[np.float32]

# An instance is given every label that is at least as probable as not.
_LEAST_PROBABILITY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustOptions:
    """What a prediction says about its own trustworthiness.

    Attributes:
        coverage: Coverage of prediction sets and intervals; None for neither, nor credibility.
        abstain_below: Credibility below which no class label is given.
    """

    coverage: float | None = None
    abstain_below: float | None = None


NO_TRUST = TrustOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How far to trust n predictions, in their order.

    Attributes:
        coverage: Probability that a set or an interval holds the truth; None without either.
        sets: Membership of each label in each prediction set; None where no class is predicted.
        intervals: Interval of each value; None where no value is predicted.
        credibility: Conformal p-value of each instance; None where there is none.
        abstain_below: Credibility below which no class label is given.

    Shapes:
        sets: (n, classes); intervals: (n, 2), lower and upper; credibility: (n,).
    """

    coverage: float | None = None
    sets: NDArray[np.bool_] | None = None
    intervals: Values | None = None
    credibility: NDArray[np.float64] | None = None
    abstain_below: float | None = None

    def take(self, indices: Sequence[int]) -> "Confidence":
        """Return the part about some of the predictions."""
        return replace(
            self,
            sets=None if self.sets is None else self.sets[indices],
            intervals=None if self.intervals is None else self.intervals[indices],
            credibility=None if self.credibility is None else self.credibility[indices],
        )

    def part(self, start: int, stop: int) -> "Confidence":
        """Return the part about the predictions from one index up to another one."""
        return Confidence(
            coverage=self.coverage,
            sets=None if self.sets is None else self.sets[start:stop],
            intervals=None if self.intervals is None else self.intervals[start:stop],
            credibility=None if self.credibility is None else self.credibility[start:stop],
            abstain_below=self.abstain_below,
        )

    def reason(self, index: int) -> str:
        """Say why the label of a prediction is withheld."""
        credibility = np.nan if self.credibility is None else self.credibility[index]
        return (
            f"The credibility {credibility:.4g} is below {self.abstain_below}: the instance is too "
            "unlike the model's training data."
        )


@dataclass(frozen=True, slots=True)
class Predictions:
    """The predictions for n instances, in their order.

    Attributes:
        output: The output of the signature that they are.
        values: Probabilities, values or scores.
        warnings: Doubts about an instance, by its index; most instances have none.
        errors: Reason why an instance has no prediction, by its index; its values mean nothing.
        confidence: How far to trust the predictions; None where that was not asked for.
        tensors: Input of the network.
        steps: What the geometry did to each picture, in plain words.

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

    @classmethod
    def none(cls, output: PredictionOutput) -> "Predictions":
        """Return the predictions for no instances."""
        return cls(output, np.empty((0, *values_shape(output)), dtype=np.float32))

    def __len__(self) -> int:
        return len(self.values)

    def part(self, start: int, stop: int) -> "Predictions":
        """Return the predictions from one index up to another one, as if there were no others."""
        indices = range(start, stop)
        confidence = self.confidence
        return Predictions(
            self.output,
            self.values[start:stop],
            {at - start: self.warnings[at] for at in indices if at in self.warnings},
            {at - start: self.errors[at] for at in indices if at in self.errors},
            None if confidence is None else confidence.part(start, stop),
            {name: tensor[start:stop] for name, tensor in self.tensors.items()},
            self.steps[start:stop],
        )

    def good(self) -> "Predictions":
        """Return the predictions without an error."""
        if not self.errors:
            return self
        indices = [index for index in range(len(self)) if index not in self.errors]
        return Predictions(
            self.output,
            self.values[indices],
            {new: self.warnings[old] for new, old in enumerate(indices) if old in self.warnings},
            confidence=None if self.confidence is None else self.confidence.take(indices),
            tensors={name: tensor[indices] for name, tensor in self.tensors.items()},
            steps=[self.steps[index] for index in indices] if self.steps else (),
        )

    def labels(self) -> NDArray[np.object_]:
        """Return each instance's most probable class label; nothing where no class is predicted.

        Shapes:
            (n,), or (0,) for anything but a classification.
        """
        if not isinstance(self.output, ProbabilitiesOutput):
            return np.empty(0, dtype=object)
        labels = np.array([*self.output.labels, None], dtype=object)
        given: NDArray[np.object_] = labels[self.values.argmax(axis=1)]
        return given

    def label_lists(self) -> list[list[str]]:
        """Return each instance's labels, in the signature's order; nothing without such labels."""
        if not isinstance(self.output, LabelsOutput):
            return []
        return _members(given_labels(self.values), self.output.labels)

    def set_lists(self) -> list[list[str]]:
        """Return the labels of each instance's prediction set; nothing where there are no sets."""
        sets = None if self.confidence is None else self.confidence.sets
        if sets is None or not isinstance(self.output, ProbabilitiesOutput):
            return []
        return _members(sets, self.output.labels)

    def abstained(self) -> NDArray[np.intp]:
        """Return the indices of the predictions whose label is withheld."""
        return _abstained(self.confidence)

    def columns(self, *, lists: bool = False) -> dict[str, NDArray[Any]]:
        """Return the predictions as the columns of a table.

        Args:
            lists: Whether several labels in a cell stay a list, and are not joined to one text.
        """
        if isinstance(self.output, ProbabilitiesOutput):
            return self._class_columns(self.output, lists=lists)
        if isinstance(self.output, LabelsOutput):
            labels = _cells(self.label_lists(), lists=lists)
            return dict(zip(label_columns(self.output), [labels, *self.values.T], strict=True))
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

    def _class_columns(
        self, output: ProbabilitiesOutput, *, lists: bool
    ) -> dict[str, NDArray[Any]]:
        columns = {"label": self.labels(), "probability": self.values.max(axis=1)}
        confidence = self.confidence
        if confidence is None:
            return columns
        if confidence.sets is not None:
            columns["set"] = _cells(_members(confidence.sets, output.labels), lists=lists)
        if confidence.credibility is not None:
            columns["credibility"] = confidence.credibility
        if confidence.abstain_below is not None:
            reasons = np.full(len(self), None, dtype=object)
            for index in _abstained(confidence):
                columns["label"][index], columns["probability"][index] = None, np.nan
                reasons[index] = confidence.reason(index)
            columns["reason"] = reasons
        return columns

    def records(self, *, top: int | None) -> list[dict[str, Any]]:
        """Return the predictions as JSON objects.

        Args:
            top: Number of the most probable classes or labels to list; None for all.
        """
        records = self._records(top)
        for index, texts in self.warnings.items():
            records[index]["warnings"] = texts
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


@dataclass(frozen=True, slots=True)
class PredictedBlock:
    """The rows of one block with what was predicted for each.

    Attributes:
        block: The rows as they came.
        predictions: Predictions for the rows without an error, in order.
        errors: What is wrong with each of the other rows, by its index in the block.
        explanations: Explanations for the rows without an error, where they were asked for.
    """

    block: Block
    predictions: Predictions
    errors: Mapping[int, str]
    explanations: Sequence[Mapping[str, Any]] = ()

    @property
    def is_complete(self) -> bool:
        """Whether there is a prediction for each of the block's instances."""
        return len(self.predictions.values) == len(next(iter(self.block.instances.values()), ()))

    def good_rows(self) -> NDArray[np.intp]:
        """Return the indices of the rows that have a prediction."""
        return rows_without(self.errors, self.block.rows)

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Give every row its value, and a blank to the rows with an error."""
        blank = np.nan if values.dtype.kind == "f" else None
        spread = np.full(self.block.rows, blank, dtype=values.dtype)
        spread[self.good_rows()] = values
        return spread


def rows_without(errors: Mapping[int, str], count: int) -> NDArray[np.intp]:
    """Return the indices of the rows without an error."""
    return np.setdiff1d(np.arange(count), np.fromiter(errors, dtype=np.intp, count=len(errors)))


def values_shape(output: PredictionOutput) -> tuple[int, ...]:
    """Return the shape of one instance's values: () where it is a single number."""
    return () if isinstance(output, ValueOutput | AnomalyOutput) else output.shape


def given_labels(probabilities: Values) -> NDArray[np.bool_]:
    """Say which labels each instance is given: those at least as probable as not.

    Shapes:
        (n, labels) to (n, labels).
    """
    return np.asarray(probabilities >= _LEAST_PROBABILITY)


def label_columns(output: LabelsOutput) -> list[str]:
    """Return the names of the table columns that hold an instance's labels."""
    return ["labels", *(f"probability_{label}" for label in output.labels)]


def _abstained(confidence: Confidence | None) -> NDArray[np.intp]:
    if confidence is None or confidence.credibility is None or confidence.abstain_below is None:
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero(confidence.credibility < confidence.abstain_below)


def _ranked(
    probabilities: Values, labels: tuple[str, ...], *, top: int | None
) -> list[dict[str, np.float32]]:
    """Return each instance's probabilities by label, the largest first."""
    ranked = (-probabilities).argsort(axis=1, kind="stable")[:, :top].tolist()
    return [
        {labels[index]: values[index] for index in indices}
        for indices, values in zip(ranked, probabilities, strict=True)
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
    for index in _abstained(confidence):
        records[index] |= {
            "label": None,
            "probability": None,
            "reason": confidence.reason(index),
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


def _cells(labels: list[list[str]], *, lists: bool) -> NDArray[np.object_]:
    """Return a table column that holds several labels in each cell."""
    cells: Iterable[object] = labels if lists else map("|".join, labels)
    return np.array([*cells, None], dtype=object)[:-1]


def _members(sets: NDArray[np.bool_], labels: tuple[str, ...]) -> list[list[str]]:
    """Return the labels of each set; equal sets share one list, since few different ones occur."""
    if len(sets) == 1:
        return [[*compress(labels, sets[0].tolist())]]
    bits = np.packbits(sets, axis=1)
    # Integers sort much faster than strings of bytes; up to 64 classes fit into one integer.
    words = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8))).view(np.uint64)
    patterns = words[:, 0] if words.shape[1] == 1 else words.view(f"V{8 * words.shape[1]}")[:, 0]
    _, firsts, which = np.unique(patterns, return_index=True, return_inverse=True)
    lists = [[*compress(labels, sets[first].tolist())] for first in firsts]
    return [lists[pattern] for pattern in which.tolist()]
