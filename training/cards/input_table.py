"""The inputs of a model, their ranges and vocabularies."""

from training.cards.markdown import table
from vitrine.bundle import Manifest
from vitrine.signature import (
    CategoryInput,
    DateInput,
    InputSpec,
    NumberInput,
    PictureInput,
)

_MOST_TEXTS = 12


def input_table(manifest: Manifest) -> str:
    """Return a table with a line for every input."""
    # An imported network has no scores, and a dialect if a sample was given.
    is_imported = not manifest.scores
    seen = "seen in the sample" if is_imported else "seen in training"
    is_seen = not is_imported or manifest.dialect is not None
    lines = [_line(spec, is_seen=is_seen) for spec in manifest.signature.inputs]
    return table(["input", "kind", seen, "median", "missing values"], lines)


def input_kind(spec: InputSpec) -> str:
    """Return the kind of an input: picture, number, date or category."""
    return str(spec.__struct_config__.tag)


def _line(spec: InputSpec, *, is_seen: bool) -> list[str]:
    if isinstance(spec, PictureInput):
        shape = " x ".join(map(str, spec.shape))
        seen = f"{shape}, geometry {spec.geometry} {spec.geometry_version}"
        return [spec.name, input_kind(spec), seen, "", ""]
    missing = "yes" if spec.blanks else "no" if is_seen else "not known"
    if isinstance(spec, CategoryInput):
        return [spec.name, input_kind(spec), _vocabulary(spec), "", missing]
    detail = spec.format if isinstance(spec, DateInput) else spec.unit
    kind = f"{input_kind(spec)}, {detail}" if detail else input_kind(spec)
    return [spec.name, kind, _range(spec), _number(spec.median), missing]


def _vocabulary(spec: CategoryInput) -> str:
    more = len(spec.vocabulary) - _MOST_TEXTS
    seen = ", ".join(spec.vocabulary[:_MOST_TEXTS])
    return f"{seen} and {more} more" if more > 0 else seen


def _range(spec: NumberInput | DateInput) -> str:
    if spec.minimum is None:
        return "only missing values" if spec.blanks else "not known"
    days = " days since 1970-01-01" if isinstance(spec, DateInput) else ""
    return f"{_number(spec.minimum)} to {_number(spec.maximum)}{days}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
