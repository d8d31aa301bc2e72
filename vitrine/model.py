"""One loaded version: raw instances -> predictions.

Raw values become the network's input here and nowhere else, so that every caller gets the same
geometry, the same vocabulary and the same warnings.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrine.bundle import Manifest
from vitrine.drift import Bins, Counts
from vitrine.engines import Engine, Tensors
from vitrine.errors import BlankPicture, InvalidParameter, NoFiniteAnswer, VitrineError, shown
from vitrine.geometry import GEOMETRIES, Fit
from vitrine.predictions import (
    NO_TRUST,
    Confidence,
    Predictions,
    TrustOptions,
    Values,
    label_columns,
    values_shape,
)
from vitrine.signature import (
    FIRST_CODE,
    MISSING_CODE,
    OTHER_CODE,
    AnomalyOutput,
    CategoryInput,
    DateInput,
    Instances,
    LabelsOutput,
    NumberInput,
    PictureInput,
    ProbabilitiesOutput,
)
from vitrine.tables.cells import encode_texts
from vitrine.tables.dates import date_of
from vitrine.trust import Trust, p_values

Warnings = dict[int, list[str]]
Errors = dict[int, VitrineError]


class Model:
    """One version of a model, loaded and ready to predict.

    Attributes:
        manifest: Description of the version.
        trust: Calibration of its predictions; None where nothing was calibrated.
        bins: Bins that instances are counted into, to see whether they drift.
        pass_seconds: Time that the network takes for one instance, as it was measured when the
            version was loaded; 0 where it was not measured.
    """

    def __init__(self, manifest: Manifest, engine: Engine) -> None:
        self.manifest = manifest
        calibration = manifest.calibration
        self.trust: Trust | None = None
        if calibration is not None:
            self.trust = Trust.of(calibration.scores, calibration.novelty)
        self.bins = Bins(manifest)
        self.pass_seconds = 0.0
        self._engine = engine
        self._output = manifest.signature.prediction
        self._quantiles = manifest.signature.quantiles
        self._novelty = manifest.signature.novelty
        numbers = [
            spec for spec in manifest.signature.inputs if isinstance(spec, NumberInput | DateInput)
        ]
        self._number_names = [spec.name for spec in numbers]
        self._lowest = _column(spec.minimum for spec in numbers)
        self._highest = _column(spec.maximum for spec in numbers)
        self._output_names = [spec.name for spec in manifest.signature.outputs]
        self._tensors = [(spec.name, spec.tensor) for spec in manifest.signature.inputs]
        self._codes = {
            spec.name: spec.codes
            for spec in manifest.signature.columns
            if isinstance(spec, CategoryInput)
        }
        self._fits = {
            spec.name: GEOMETRIES[spec.geometry].fit
            for spec in manifest.signature.inputs
            if isinstance(spec, PictureInput)
        }

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest.name

    @property
    def version(self) -> int:
        """The model's version."""
        return self.manifest.version

    @property
    def instance_seconds(self) -> float:
        """Time that the network takes for each further instance of a large call."""
        batching = self.manifest.batching
        return self.pass_seconds if batching is None else self.pass_seconds / batching.speedup

    @property
    def max_batch_instances(self) -> int:
        """Number of instances, of several requests, that are worth one call of the network."""
        batching = self.manifest.batching
        return 1 if batching is None else batching.max_instances

    @property
    def largest_coverage(self) -> float | None:
        """The highest coverage that can be asked for; None where it has no meaning."""
        if self.trust is None or isinstance(self._output, AnomalyOutput):
            return None
        return self.trust.largest_coverage

    def trust_options(
        self, *, coverage: float | None, default: float, abstain_below: float | None
    ) -> TrustOptions:
        """Return the trust options that this version can fulfil.

        Args:
            coverage: Coverage that the caller asks for; None for the default.
            default: Default coverage; lowered to the most that the calibration supports.
            abstain_below: Credibility below which the caller wants no class label.

        Raises:
            InvalidParameter: The caller asks for more than the calibration supports.
        """
        if abstain_below is not None and self._why_no_abstaining:
            rule = f"has no meaning for {self.name!r}, {self._why_no_abstaining}"
            raise InvalidParameter("abstain_below", str(abstain_below), rule)
        trust, largest = self.trust, self.largest_coverage
        if trust is None or largest is None:
            if coverage is None:
                return NO_TRUST
            rule = f"has no meaning for {self.name!r}, {self._why_no_coverage}"
            raise InvalidParameter("coverage", str(coverage), rule)
        if coverage is not None and coverage > largest:
            calibrating = len(trust.scores)
            most = f"{calibrating} / {calibrating + 1}"
            rule = f"must be at most {most}, since {calibrating} instances calibrate {self.name!r}"
            raise InvalidParameter("coverage", str(coverage), rule)
        supported = min(default, largest) if coverage is None else coverage
        return TrustOptions(coverage=supported, abstain_below=abstain_below)

    @property
    def can_abstain(self) -> bool:
        """Whether a caller may ask for no class label where the credibility is low."""
        return not self._why_no_abstaining

    @property
    def _why_no_abstaining(self) -> str:
        if isinstance(self._output, AnomalyOutput):
            return "whose answers are no class labels"
        is_credible = self.trust is not None and self._quantiles is None
        return "" if is_credible else "whose answers have no credibility"

    @property
    def _why_no_coverage(self) -> str:
        if isinstance(self._output, LabelsOutput | AnomalyOutput):
            return "whose answers are neither sets nor intervals"
        return "which was not calibrated"

    def columns(self, options: TrustOptions) -> list[str]:
        """Return the names of the columns that its predictions have as a table."""
        if isinstance(self._output, LabelsOutput):
            return label_columns(self._output)
        if isinstance(self._output, AnomalyOutput):
            return ["anomaly_score", *(["credibility"] if self.trust is not None else [])]
        is_trusted = options.coverage is not None
        if not isinstance(self._output, ProbabilitiesOutput):
            return ["prediction", *(["lower", "upper"] if is_trusted else [])]
        trusted = ["set", "credibility"] if is_trusted else []
        reason = ["reason"] if options.abstain_below is not None else []
        return ["label", "probability", *trusted, *reason]

    def predict(self, instances: Instances, options: TrustOptions = NO_TRUST) -> Predictions:
        """Predict on raw instances.

        Args:
            instances: One array for every input of the signature, all of one length.
            options: Trust options, as `trust_options` returns them.
        """
        warnings: Warnings = {}
        errors: Errors = {}
        steps: list[tuple[str, ...]] = []
        tensors = self._encode(instances, warnings, errors, steps)
        values, outputs = self._answer(tensors)
        numbers = [outputs[name] for name in self._output_names]
        if not all(np.isfinite(output).all() for output in numbers):
            for index in _not_finite(numbers):
                errors.setdefault(index, NoFiniteAnswer())
        confidence = self._confidence(values, outputs, options)
        return Predictions(self._output, values, warnings, errors, confidence, tensors, steps)

    def run(self, tensors: Tensors) -> Values:
        """Return the network's own predictions on its own input, and nothing else.

        Shapes:
            (n, classes), (n, labels) or (n,).
        """
        return self._answer(tensors)[0]

    def count(self, predictions: Predictions) -> Counts:
        """Count the instances of some predictions into `bins`.

        Shapes:
            (bins,).
        """
        if not len(self.bins):
            return np.zeros(0, dtype=np.int64)
        tensors = {name: predictions.tensors[tensor] for name, tensor in self._tensors}
        is_class = isinstance(self._output, ProbabilitiesOutput)
        return self.bins.count(self.bins.measure(tensors, predictions.values if is_class else None))

    def _answer(self, tensors: Tensors) -> tuple[Values, dict[str, Values]]:
        outputs = self._engine(tensors)
        values = outputs[self._output.name]
        return values.reshape(len(values), *values_shape(self._output)), outputs

    def _confidence(
        self, values: Values, outputs: Mapping[str, Values], options: TrustOptions
    ) -> Confidence | None:
        if self.trust is None:
            return None
        if isinstance(self._output, AnomalyOutput):
            return Confidence(credibility=p_values(values, self.trust.scores))
        if options.coverage is None:
            return None
        if self._quantiles is not None:
            ends = self.trust.intervals(values, outputs[self._quantiles.name], options.coverage)
            return Confidence(coverage=options.coverage, intervals=ends)
        novelty = None if self._novelty is None else outputs[self._novelty.name][:, 0]
        return Confidence(
            coverage=options.coverage,
            sets=self.trust.sets(values, options.coverage),
            credibility=self.trust.credibility(values, novelty),
            abstain_below=options.abstain_below,
        )

    def _encode(
        self,
        instances: Instances,
        warnings: Warnings,
        errors: Errors,
        steps: list[tuple[str, ...]],
    ) -> dict[str, NDArray[Any]]:
        numbers = self._read_numbers(instances)
        tensors: dict[str, NDArray[Any]] = {}
        for spec in self.manifest.signature.inputs:
            encoded: NDArray[Any]
            if isinstance(spec, PictureInput):
                raw = instances[spec.name]
                encoded = _fit_pictures(self._fits[spec.name], spec.shape, raw, errors, steps)
            elif isinstance(spec, CategoryInput):
                raw = instances[spec.name]
                encoded = encode_texts(raw, self._codes[spec.name])
                _warn_of_category(spec, raw, encoded, warnings)
            else:
                encoded, is_plain = numbers[spec.name]
                if not is_plain:
                    _warn_of_number(spec, encoded, warnings)
            tensors[spec.tensor] = encoded.reshape(-1, *spec.shape)
        return tensors

    def _read_numbers(self, instances: Instances) -> dict[str, tuple[NDArray[np.float32], bool]]:
        """Return each column of numbers, and whether all of it is within the range of training.

        Most columns are, and all of them are looked at together.
        """
        names = self._number_names
        if not names:
            return {}
        columns = [instances[name] for name in names]
        numbers = np.concatenate(columns, dtype=np.float32, casting="unsafe")
        numbers = numbers.reshape(len(names), -1)
        inside = (numbers >= self._lowest) & (numbers <= self._highest)  # NaN is not
        are_plain: list[bool] = np.logical_and.reduce(inside, axis=1).tolist()
        return dict(zip(names, zip(numbers, are_plain, strict=True), strict=True))


def _column(ends: Iterable[float | None]) -> NDArray[np.float32]:
    """Return ends of ranges, to compare each row of a matrix with one of them; NaN for None."""
    return np.array([[np.nan if end is None else end] for end in ends], dtype=np.float32)


def _not_finite(outputs: Sequence[Values]) -> list[int]:
    """Return the indices of the instances of which some output is no finite number."""
    finite = [np.isfinite(output).reshape(len(output), -1).all(axis=1) for output in outputs]
    indices: list[int] = np.flatnonzero(~np.logical_and.reduce(finite)).tolist()
    return indices


def _fit_pictures(
    fit: Fit,
    shape: tuple[int, ...],
    pictures: NDArray[np.object_],
    errors: Errors,
    steps: list[tuple[str, ...]],
) -> NDArray[np.float32]:
    tensor = np.zeros((len(pictures), *shape), dtype=np.float32)
    for index, pixels in enumerate(pictures):
        try:
            fitted = fit(pixels, shape)
        except BlankPicture as error:
            errors[index] = error
            steps.append(())
        else:
            tensor[index] = fitted.pixels
            steps.append(fitted.steps)
    return tensor


def _warn(warnings: Warnings, where: NDArray[np.bool_], text: Callable[[int], str]) -> None:
    for index in where.nonzero()[0].tolist():
        warnings.setdefault(index, []).append(text(index))


def _warn_of_category(
    spec: CategoryInput, raw: NDArray[np.object_], codes: NDArray[np.int32], warnings: Warnings
) -> None:
    if not (codes < FIRST_CODE).any():
        return
    _warn(
        warnings,
        codes == OTHER_CODE,
        lambda index: f"{spec.name} is {shown(raw[index])}; training did not have this category.",
    )
    _warn_of_blanks(spec, codes == MISSING_CODE, warnings)


def _warn_of_number(
    spec: NumberInput | DateInput, values: NDArray[np.float32], warnings: Warnings
) -> None:
    if spec.minimum is not None and spec.maximum is not None:
        _warn_of_range(spec, values, spec.minimum, spec.maximum, warnings)
    _warn_of_blanks(spec, np.isnan(values), warnings)


def _warn_of_blanks(
    spec: NumberInput | DateInput | CategoryInput, blank: NDArray[np.bool_], warnings: Warnings
) -> None:
    if not spec.blanks:
        _warn(warnings, blank, lambda _: f"{spec.name} is missing; it never was in training.")


def _warn_of_range(
    spec: NumberInput | DateInput,
    values: NDArray[np.float32],
    low: float,
    high: float,
    warnings: Warnings,
) -> None:
    def text(index: int) -> str:
        value, *ends = (_format(spec, number) for number in (float(values[index]), low, high))
        return f"{spec.name} is {value}; in training it was between {' and '.join(ends)}."

    _warn(warnings, (values < low) | (values > high), text)


def _format(spec: NumberInput | DateInput, value: float) -> str:
    if isinstance(spec, DateInput):
        try:
            return date_of(value).strftime(spec.format)
        except (OverflowError, ValueError):  # `datetime` ends with the year 9999
            return f"{value:g} days after 1970-01-01"
    text = f"{value:.6g}"
    # Nine digits distinguish any two float32, such as the end of a range and a value beyond it.
    return text if np.float32(text) == np.float32(value) else f"{value:.9g}"
