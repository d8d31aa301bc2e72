"""The model card: what a version is, how it was made, what it scores, where it ends.

References:
    Mitchell et al. (2019), Model Cards for Model Reporting, arXiv:1810.03993.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import keras

from training.calibration.coverage import ObservedCoverage
from training.datasets.parts import Parts, SomePart
from training.formatting import format_number
from vitrine.bundle import Manifest
from vitrine.signature import (
    AnomalyOutput,
    CategoryInput,
    DateInput,
    InputSpec,
    LabelsOutput,
    NumberInput,
    PictureInput,
    ProbabilitiesOutput,
)

_VOCABULARY_SHOWN = 12
# Between a measure's name and the one label that it is about.
OF_LABEL = " of "


@dataclass(frozen=True, slots=True)
class Section:
    """One heading of the card with what stands under it, in Markdown."""

    heading: str
    body: str


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    """Keep a text from ending its cell or its line."""
    return str(value).replace("|", "\\|").replace("\n", " ")


COVERED = ("asked", "found", "margin", "mean size")


def covered(found: ObservedCoverage, *, unit: str) -> list[str]:
    """Return the cells under `COVERED` of one coverage that was measured."""
    low, high = found.margin
    return [
        f"{found.coverage:.1%}",
        f"{found.observed:.2%}",
        f"-{100 * low:.2f}, +{100 * high:.2f} points",
        f"{format_number(found.size)} {unit}".strip(),
    ]


def uncalibrated(parts: Parts[SomePart], told: str) -> str:
    """Say that there was too little to calibrate with, and what is told instead."""
    few = len(parts.train) + len(parts.validation)
    return f"{few} rows are too few to spare some for calibration: {told}"


def image(name: str, text: str) -> str:
    """Return Markdown that shows one of the bundle's plots."""
    return f"![{text}](plots/{name}.png)"


def render(manifest: Manifest, network: keras.Model | None, sections: Sequence[Section]) -> str:
    """Return a model card: what every bundle has, then the experiment's own sections.

    Args:
        manifest: What is said about the version.
        network: None where there is only an exported one.
        sections: The experiment's own.
    """
    common = [
        Section("What it is", _identity(manifest)),
        Section("Scores", _scores(manifest)),
    ]
    made = [
        Section("Inputs", _inputs(manifest)),
        Section("Network", _network(manifest, network)),
        Section("How it was made", _origin(manifest)),
    ]
    body = "\n\n".join(
        f"## {section.heading}\n\n{section.body}" for section in (*common, *sections, *made)
    )
    return f"# {manifest.name}, version {manifest.version}\n\n{body}\n"


def _identity(manifest: Manifest) -> str:
    output = manifest.signature.prediction
    inputs = manifest.signature.picture
    source = "a picture" if inputs else f"{len(manifest.signature.inputs)} columns of a table"
    if isinstance(output, AnomalyOutput):
        return f"An anomaly detection that tells how strange {source} is for a `{manifest.target}`."
    if isinstance(output, ProbabilitiesOutput):
        answer = f"one of {len(output.labels)} labels: {_listed(output.labels)}"
    elif isinstance(output, LabelsOutput):
        answer = f"any of {len(output.labels)} labels: {_listed(output.labels)}"
    else:
        answer = "a number" + (f" in {output.unit}" if output.unit else "")
    return f"A {manifest.task} that predicts `{_cell(manifest.target)}` from {source}: {answer}."


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(map(_cell, labels))


def _scores(manifest: Manifest) -> str:
    if not manifest.scores:
        return "None: it was trained elsewhere, on data that is not known."
    every = sorted({name for part in manifest.scores.values() for name in part})
    every = [name for name in every if not name.endswith("_standard_error")]
    measures = [name for name in every if OF_LABEL not in name]
    rows = [
        [part, manifest.origin.split.get(part, ""), *(_score(scores, name) for name in measures)]
        for part, scores in manifest.scores.items()
    ]
    texts = [
        table(["part", "instances", *(name.replace("_", " ") for name in measures)], rows),
        "After ± stands one standard error of that sample. The validation part chose the epoch; "
        "the test part was scored once, at the end.",
    ]
    own = [name.split(OF_LABEL, 1) for name in every if OF_LABEL in name]
    if own:
        labels, names = (list(dict.fromkeys(each[place] for each in own)) for place in (1, 0))
        test = manifest.scores["test"]
        each = [
            [label, *(_score(test, f"{name}{OF_LABEL}{label}") for name in names)]
            for label in labels
        ]
        texts += [
            "Above stand means over the labels; each by itself, on the test part:",
            table(["label", *(name.replace("_", " ") for name in names)], each),
        ]
    return "\n\n".join(texts)


def _score(scores: dict[str, float], name: str) -> str:
    if name not in scores:
        return ""
    error = scores.get(f"{name}_standard_error")
    return f"{scores[name]:.5g}" + (f" ± {error:.2g}" if error is not None else "")


def _inputs(manifest: Manifest) -> str:
    return table(
        ["input", "kind", "seen in training", "median", "blanks"],
        [_input(spec) for spec in manifest.signature.inputs],
    )


def kind_of(spec: InputSpec) -> str:
    """Return what kind of input it is, in a word."""
    return str(spec.__struct_config__.tag)


def _input(spec: InputSpec) -> list[str]:
    if isinstance(spec, PictureInput):
        shape = " x ".join(map(str, spec.shape))
        seen = f"{shape}, geometry {spec.geometry} {spec.geometry_version}"
        return [spec.name, kind_of(spec), seen, "", ""]
    blanks = "yes" if spec.blanks else "no"
    if isinstance(spec, CategoryInput):
        more = len(spec.vocabulary) - _VOCABULARY_SHOWN
        seen = ", ".join(spec.vocabulary[:_VOCABULARY_SHOWN])
        seen += f" and {more} more" if more > 0 else ""
        return [spec.name, kind_of(spec), seen, "", blanks]
    kind = f"date, {spec.format}" if isinstance(spec, DateInput) else kind_of(spec)
    return [spec.name, kind, _range(spec), _number(spec.median), blanks]


def _range(spec: NumberInput | DateInput) -> str:
    if spec.minimum is None:
        return "only blanks" if spec.blanks else "not known"
    days = " days since 1970-01-01" if isinstance(spec, DateInput) else ""
    return f"{_number(spec.minimum)} to {_number(spec.maximum)}{days}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _network(manifest: Manifest, network: keras.Model | None) -> str:
    if network is None:
        return f"Held as ONNX alone. {_cost(manifest)}".strip()
    rows = [
        [layer.name, type(layer).__name__, _shape(layer), f"{layer.count_params():,}"]
        for layer in _layers(network)
    ]
    held = network.count_params() - manifest.parameters
    return (
        table(["layer", "kind", "output", "parameters"], rows)
        + f"\n\n{manifest.parameters:,} trainable parameters and {held:,} fixed ones. "
        f"{_cost(manifest)} {_exported(manifest)}"
    )


def _cost(manifest: Manifest) -> str:
    if manifest.multiply_adds is None:
        return "What an instance costs could not be counted."
    return f"{manifest.multiply_adds:,} multiply-adds an instance, counted in the exported file."


def _exported(manifest: Manifest) -> str:
    if manifest.onnx_difference is None:
        return "There is no exported file: TensorFlow runs it."
    on = "the validation part" if manifest.scores else "made-up instances"
    return (
        f"The exported file differs from Keras by at most {manifest.onnx_difference:.1e} on {on}."
    )


def _layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def _shape(layer: keras.layers.Layer) -> str:
    output = layer.output
    return "" if isinstance(output, list | tuple | dict) else " x ".join(map(str, output.shape[1:]))


def _origin(manifest: Manifest) -> str:
    origin = manifest.origin
    split = ", ".join(f"{part} {count:,}" for part, count in origin.split.items())
    libraries = ", ".join(f"{name} {version}" for name, version in origin.libraries.items())
    rows: list[tuple[str, object]] = [
        ("command", f"`{origin.command}`"),
        ("seed", origin.seed),
        ("data", f"{origin.data}, SHA-256 `{origin.data_sha256}`"),
        ("split", split or "not known"),
        ("libraries", libraries),
        ("commit", origin.commit or "not under version control"),
        ("wall time", f"{origin.wall_seconds:,.0f} s"),
        ("published", origin.created),
    ]
    return table(["", ""], rows)
