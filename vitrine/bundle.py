"""One version on disk: `manifest.json` <-> `Manifest`.

Training writes it, the service reads it; it is the contract between the two and knows neither.
A bundle is the folder `models/<name>/<version>/`; what has no manifest is not a version.
"""

import hashlib
import re
from itertools import pairwise
from pathlib import Path
from stat import S_ISREG
from typing import Any
from zipfile import BadZipFile

import msgspec
import numpy as np
from numpy.typing import NDArray

from vitrine.signature import (
    AnomalyOutput,
    Dialect,
    Instances,
    LabelsOutput,
    Record,
    Signature,
    Task,
    ValueOutput,
)

FORMAT = 2
MANIFEST_NAME = "manifest.json"
KERAS_NAME = "model.keras"
ONNX_NAME = "model.onnx"
GOLDEN_NAME = "golden.npz"
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class InvalidBundle(Exception):
    """A folder under `models/` that cannot be served; the message says which and why."""


class File(Record, frozen=True, kw_only=True):
    """One file of the bundle, to be checked before it is opened."""

    sha256: str
    size_bytes: int


class Origin(Record, frozen=True, kw_only=True):
    """How the version was made, so that it can be made again.

    Attributes:
        command: As typed.
        seed: Of every random choice.
        data: Name or file name of the data set.
        data_sha256: Of its bytes.
        split: Instances in each part, by the part's name.
        libraries: Version by name.
        commit: Of the training code, where it was under version control.
        wall_seconds: From start to publishing.
        created: Time of publishing, ISO 8601, UTC.
    """

    command: str
    seed: int
    data: str
    data_sha256: str
    split: dict[str, int]
    libraries: dict[str, str]
    commit: str | None
    wall_seconds: float
    created: str


class Reference(Record, frozen=True, kw_only=True):
    """The distribution of one feature over the training instances.

    Attributes:
        edges: Inner bin edges of a number, ascending; None for a category.
        counts: Instances a bin. Of a number: below the first edge, between each two, from the last
            on, blank. Of a category: blank, other, then the vocabulary in order.
    """

    edges: tuple[float, ...] | None
    counts: tuple[int, ...]


class Calibration(Record, frozen=True, kw_only=True):
    """What was measured on instances that neither trained the network nor chose anything of it.

    Attributes:
        scores: Nonconformity of their true answers as `vitrine.trust` has it, ascending; of
            anomalies the network's own scores.
        novelty: The network's novelty scores, ascending; empty where it gives none.
        temperature: What the logits were divided by, inside the network; None where it predicts no
            class.
    """

    scores: tuple[float, ...]
    novelty: tuple[float, ...] = ()
    temperature: float | None = None


class Manifest(Record, frozen=True, kw_only=True):
    """Everything that is said about one version.

    Attributes:
        format: Of the manifest itself.
        name, version: Of the model.
        task: What is predicted: a class, a number, several labels, or how strange an instance is.
        signature: What goes in and what comes out.
        target: Name of the column or thing predicted.
        files: Every other file that is served from, by its name in the folder.
        origin: How the version was made.
        scores: By part of the data ("validation", "test") and name of the measure.
        multiply_adds: Of one instance; None where it cannot be counted.
        parameters: Trainable numbers of the network.
        onnx_difference: Largest difference between the exported file and Keras: of a probability,
            or relative of a value; None where there is no ONNX file.
        golden_tolerance: How far an engine may be from the golden answers, in the same measure.
        calibration: What tells how far to trust an answer; None where there was too little data.
        reference: Distribution over the training instances by feature.
        dialect: Of the training file, for tables.
        ignored_columns: Columns of the training file that are not inputs, with the reason.
    """

    format: int
    name: str
    version: int
    task: Task
    signature: Signature
    target: str
    files: dict[str, File]
    origin: Origin
    scores: dict[str, dict[str, float]]
    multiply_adds: int | None
    parameters: int
    onnx_difference: float | None
    golden_tolerance: float
    calibration: Calibration | None
    reference: dict[str, Reference]
    dialect: Dialect | None = None
    ignored_columns: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a calibration that is not one of this signature."""
        calibration, signature = self.calibration, self.signature
        is_value = isinstance(signature.prediction, ValueOutput)
        if (is_value and calibration is not None) != (signature.quantiles is not None):
            raise ValueError("a value is calibrated where it has quantiles, and only there")
        is_labels = isinstance(signature.prediction, LabelsOutput)
        is_anomaly = isinstance(signature.prediction, AnomalyOutput)
        if (is_labels or is_anomaly) and signature.novelty is not None:
            raise ValueError("novelty is told of a class or a value only")
        if calibration is None:
            return
        if is_labels:
            raise ValueError("labels are tempered within the network, and not calibrated")
        if is_anomaly and calibration.temperature is not None:
            raise ValueError("an anomaly's score has no temperature")
        if not calibration.scores or bool(calibration.novelty) != (signature.novelty is not None):
            raise ValueError("every output that is calibrated needs scores")
        for scores in (calibration.scores, calibration.novelty):
            if any(low > high for low, high in pairwise(scores)):
                raise ValueError("calibration scores must ascend")


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write the manifest, which makes the folder a version: the last file to be written."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST_NAME).write_bytes(text + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of one version.

    Raises:
        InvalidBundle: It is missing, unreadable, of another format, or of another folder.
    """
    try:
        body = (folder / MANIFEST_NAME).read_bytes()
    except OSError as error:
        raise InvalidBundle(
            f"{folder}: {MANIFEST_NAME} cannot be read: {error.strerror}."
        ) from error
    try:
        found = msgspec.json.decode(body, type=dict[str, Any]).get("format")
        if found != FORMAT:
            raise InvalidBundle(f"{folder}: format must be {FORMAT}. Received: {found!r}.")
        manifest = msgspec.json.decode(body, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidBundle(f"{folder}: {MANIFEST_NAME} is malformed: {error}.") from error
    if (manifest.name, str(manifest.version)) != (folder.parent.name, folder.name):
        raise InvalidBundle(f"{folder}: the manifest is of {manifest.name}/{manifest.version}.")
    return manifest


def describe_file(path: Path) -> File:
    """Hash and measure one file for the manifest."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return File(sha256=digest, size_bytes=path.stat().st_size)


def verify_files(manifest: Manifest, folder: Path) -> None:
    """Compare every file of a version with what the manifest says of it.

    Raises:
        InvalidBundle: A file is missing or has other bytes than were published.
    """
    for name, expected in manifest.files.items():
        if Path(name).name != name:
            raise InvalidBundle(f"{folder}: file name {name!r} leaves the folder.")
        try:
            # Of one that is still being copied the size alone tells it.
            status = (folder / name).stat()
            is_whole = S_ISREG(status.st_mode) and status.st_size == expected.size_bytes
            is_whole = is_whole and describe_file(folder / name) == expected
        except OSError as error:
            raise InvalidBundle(f"{folder}: {name} cannot be read: {error.strerror}.") from error
        if not is_whole:
            raise InvalidBundle(f"{folder}: {name} does not have the bytes that were published.")


def versions(models: Path, name: str) -> list[int]:
    """List a model's published versions, ascending."""
    return sorted(
        int(path.parent.name)
        for path in (models / name).glob(f"*/{MANIFEST_NAME}")
        if path.is_file() and re.fullmatch(r"[1-9][0-9]{0,17}", path.parent.name)
    )


def list_versions(models: Path) -> dict[str, list[int]]:
    """List the published versions of every model that has one; both in ascending order."""
    names = sorted(
        path.name
        for path in models.iterdir()
        if path.is_dir() and NAME_PATTERN.fullmatch(path.name)
    )
    listing = {name: versions(models, name) for name in names}
    return {name: published for name, published in listing.items() if published}


def write_golden(folder: Path, instances: Instances, expected: NDArray[np.float32]) -> None:
    """Write golden examples: raw instances and the predictions that belong to them.

    Args:
        folder: The bundle.
        instances: Raw values; pictures stacked, so of one size.
        expected: Probabilities, values or scores.

    Shapes:
        expected: (n, classes), (n, labels) or (n,).
    """
    inputs = {f"input {name}": _without_objects(raw) for name, raw in instances.items()}
    np.savez_compressed(folder / GOLDEN_NAME, allow_pickle=False, expected=expected, **inputs)


def read_golden(folder: Path) -> tuple[Instances, NDArray[np.float32]]:
    """Read golden examples: raw instances and the predictions that belong to them.

    Raises:
        InvalidBundle: There are none, or the file is damaged.
    """
    try:
        with (
            (folder / GOLDEN_NAME).open("rb") as stream,
            np.load(stream, allow_pickle=False) as arrays,
        ):
            instances = {
                name.removeprefix("input "): _with_objects(arrays[name])
                for name in arrays.files
                if name.startswith("input ")
            }
            return instances, arrays["expected"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise InvalidBundle(f"{folder}: {GOLDEN_NAME} cannot be read: {error}.") from error


def _without_objects(raw: NDArray[Any]) -> NDArray[Any]:
    """Turn texts into fixed-width unicode, blank as "": pickled objects are never stored."""
    if raw.dtype != object:
        return raw
    return np.array(["" if text is None else text for text in raw], dtype=np.str_)


def _with_objects(stored: NDArray[Any]) -> NDArray[Any]:
    if stored.dtype.kind != "U":
        return stored
    return np.array([str(text) or None for text in stored], dtype=object)
