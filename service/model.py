"""One loaded version: raw instances -> predictions.

The one place where raw features become what the network takes, so that every language a client
may speak gets the same geometry, the same vocabulary and the same warnings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service import geometry
from service.bundle import (
    FIRST_CODE,
    MISSING_CODE,
    OTHER_CODE,
    CategoryInput,
    InputSpec,
    Instances,
    Manifest,
    OutputSpec,
    PictureInput,
    ProbabilitiesOutput,
)
from service.engines import Engine
from service.errors import BlankPicture, NoFiniteAnswer, ServiceError, shown

Warnings = dict[int, list[str]]
Errors = dict[int, ServiceError]


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answers to n instances, in their order.

    Attributes:
        output: What they are.
        values: Probabilities or values.
        warnings: What is doubtful about an instance, by its place; most have none.
        errors: Why an instance cannot be predicted, by its place; its values mean nothing.

    Shapes:
        values: (n, classes) for probabilities, (n,) for a value.
    """

    output: OutputSpec
    values: NDArray[np.float32]
    warnings: Mapping[int, list[str]] = field(default_factory=dict)
    errors: Mapping[int, ServiceError] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    def good(self) -> "Predictions":
        """Return those without an error."""
        if not self.errors:
            return self
        places = [place for place in range(len(self)) if place not in self.errors]
        warnings = {
            new: self.warnings[old] for new, old in enumerate(places) if old in self.warnings
        }
        return Predictions(self.output, self.values[places], warnings)

    def labels(self) -> NDArray[np.object_]:
        """Return each instance's most probable class label; none where a value is predicted.

        Shapes:
            (n,), or (0,) for a regression.
        """
        if not isinstance(self.output, ProbabilitiesOutput):
            return np.empty(0, dtype=object)
        labels = self.output.labels
        return np.array([labels[place] for place in self.values.argmax(axis=1)], dtype=object)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the predictions as the columns of a table."""
        if isinstance(self.output, ProbabilitiesOutput):
            return {"label": self.labels(), "probability": self.values.max(axis=1)}
        return {"prediction": self.values}

    def records(self, *, top: int | None) -> list[dict[str, Any]]:
        """Return the predictions as JSON objects.

        Args:
            top: How many of the most probable classes to list; None for all.
        """
        if isinstance(self.output, ProbabilitiesOutput):
            records = _probability_records(self.values, self.output.labels, top=top)
        else:
            records = [{"value": value} for value in self.values]
        for place, texts in self.warnings.items():
            records[place]["warnings"] = texts
        return records


def _probability_records(
    probabilities: NDArray[np.float32], labels: tuple[str, ...], *, top: int | None
) -> list[dict[str, Any]]:
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    ordered = np.take_along_axis(probabilities, ranked, axis=1)
    return [
        {
            "label": labels[places[0]],
            "probability": values[0],
            "probabilities": dict(zip((labels[place] for place in places), values, strict=True)),
        }
        for places, values in zip(ranked, ordered, strict=True)
    ]


class Model:
    """One version of a model, loaded and ready to predict.

    Attributes:
        manifest: What is said about it.
    """

    def __init__(self, manifest: Manifest, engine: Engine) -> None:
        self.manifest = manifest
        self._engine = engine
        self._codes = {
            spec.name: _codes(spec)
            for spec in manifest.signature.columns
            if isinstance(spec, CategoryInput)
        }

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest.name

    @property
    def version(self) -> int:
        """The model's version."""
        return self.manifest.version

    def predict(self, instances: Instances) -> Predictions:
        """Predict on raw instances.

        Args:
            instances: An array for every input of the signature, all of one length.

        """
        warnings: Warnings = {}
        errors: Errors = {}
        tensors = {
            spec.tensor: self._encode(spec, instances[spec.name], warnings, errors)
            for spec in self.manifest.signature.inputs
        }
        output = self.manifest.signature.outputs[0]
        values = self._engine(tensors)[output.name]
        values = values.reshape(len(values), *(output.shape if output.shape != (1,) else ()))
        finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
        for place in np.flatnonzero(~finite):
            errors.setdefault(int(place), NoFiniteAnswer())
        return Predictions(output, values, warnings, errors)

    def _encode(
        self, spec: InputSpec, raw: NDArray[Any], warnings: Warnings, errors: Errors
    ) -> NDArray[Any]:
        if isinstance(spec, PictureInput):
            return _fit_pictures(spec, raw, errors)
        if isinstance(spec, CategoryInput):
            encoded = self._encode_category(spec, raw, warnings)
            blank = encoded == MISSING_CODE
        else:
            encoded = np.asarray(raw, dtype=np.float32)
            blank = np.isnan(encoded)
        if not spec.blanks:
            _warn(warnings, blank, f"{spec.name} is blank; no training row was")
        return encoded.reshape(-1, *spec.shape)

    def _encode_category(
        self, spec: CategoryInput, raw: NDArray[Any], warnings: Warnings
    ) -> NDArray[np.int32]:
        codes: dict[str | None, int] = {None: MISSING_CODE, **self._codes[spec.name]}
        encoded = np.fromiter(
            (codes.get(text, OTHER_CODE) for text in raw), dtype=np.int32, count=len(raw)
        )
        for place in np.flatnonzero(encoded == OTHER_CODE):
            texts = warnings.setdefault(int(place), [])
            texts.append(f"{spec.name} {shown(raw[place])} is not a category known from training")
        return encoded


def _codes(spec: CategoryInput) -> dict[str | None, int]:
    codes: dict[str | None, int] = {None: MISSING_CODE}
    codes.update((text, FIRST_CODE + place) for place, text in enumerate(spec.vocabulary))
    return codes


def _fit_pictures(
    spec: PictureInput, pictures: NDArray[np.object_], errors: Errors
) -> NDArray[np.float32]:
    tensor = np.zeros((len(pictures), *spec.shape), dtype=np.float32)
    for place, pixels in enumerate(pictures):
        try:
            tensor[place] = geometry.fit(spec.geometry, pixels).pixels
        except BlankPicture as error:
            errors[place] = error
    return tensor


def _warn(warnings: Warnings, where: NDArray[np.bool_], text: str) -> None:
    if where.any():
        for place in np.flatnonzero(where):
            warnings.setdefault(int(place), []).append(text)
