"""One version of a model on disk: the folder `models/<name>/<version>/`, called a bundle.

A bundle is the contract between training, which writes it, and the service, which reads it. Its
file `manifest.json` is a `Manifest`. A folder without a manifest is not a version.
"""

import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from io import BufferedReader
from itertools import pairwise
from math import prod
from pathlib import Path
from stat import S_ISREG
from typing import Annotated, Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import msgspec
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from vitrine.errors import shown
from vitrine.json_types import read_from_json
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
# Makes the folder a model of MLflow, too.
MLMODEL_NAME = "MLmodel"
# The report of a version, which people read and nothing is served from.
CARD_NAME = "CARD.md"
HISTORY_NAME = "history.csv"
PLOTS_NAME = "plots"
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

# The longest manifest that is read; one of a picture model takes 200 KB.
MAX_MANIFEST_BYTES = 16 * 2**20
# The most that the arrays of the golden examples may take; a deflated file may declare anything.
MAX_GOLDEN_BYTES = 64 * 2**20
_MAX_FILES = 100
# A plot of a card takes 40 to 120 KB, and a card has a dozen of them at most.
_MAX_REPORT_FILES = 32
_MAX_REPORT_FILE_BYTES = 4 * 2**20
_REPORT_PATH = (
    rf"^(?:{re.escape(CARD_NAME)}|{re.escape(HISTORY_NAME)}"
    rf"|{PLOTS_NAME}/[A-Za-z0-9_-]{{1,64}}\.png)\Z"
)
# Characters that would act on a terminal; line breaks in the header of a spreadsheet are common.
_CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

# Numbers of a manifest that a version could not be served with.
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Tolerance = Annotated[float, msgspec.Meta(ge=0, le=0.1)]
_ReportPath = Annotated[str, msgspec.Meta(pattern=_REPORT_PATH)]

# How an archive of arrays fails that is damaged, or that somebody made to be so.
_UNREADABLE_ARCHIVE = (
    *(OSError, ValueError, KeyError, EOFError, MemoryError),
    *(NotImplementedError, RuntimeError, BadZipFile, zlib.error),
)


class InvalidBundle(Exception):
    """A bundle cannot be served; the message says which one and why."""


class File(Record, frozen=True, kw_only=True):
    """One file of a bundle, which is checked before it is opened.

    Attributes:
        sha256: SHA-256 hash of its bytes, in hexadecimal.
        size_bytes: Number of its bytes.
    """

    sha256: str
    size_bytes: int


class ReportFile(File, frozen=True, kw_only=True):
    """One file of a version's report, which is checked whenever it is read."""

    size_bytes: Annotated[int, msgspec.Meta(ge=0, le=_MAX_REPORT_FILE_BYTES)]


_Report = Annotated[dict[_ReportPath, ReportFile], msgspec.Meta(max_length=_MAX_REPORT_FILES)]


class Origin(Record, frozen=True, kw_only=True):
    """How the version was made, so that it can be made again.

    Attributes:
        command: Command as it was typed.
        seed: Seed of every random choice.
        data: Name or file name of the data set.
        data_sha256: SHA-256 hash of the data set's bytes.
        split: Name of each part of the data -> number of its instances.
        libraries: Name of each library -> its version.
        commit: Commit of the training code; None where it was not under version control.
        wall_seconds: Time from the start to publishing.
        created: Time of publishing in UTC, in ISO 8601.
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
        edges: Inner edges of a number's bins, ascending; None for a category.
        counts: Number of instances in each bin. The bins of a number are: below the first edge,
            between each two edges, from the last edge on, blank. The bins of a category are: blank,
            other, then each text of the vocabulary in order.
    """

    edges: tuple[float, ...] | None
    counts: tuple[int, ...]


class Calibration(Record, frozen=True, kw_only=True):
    """The scores of the calibration part: instances that no choice about the network saw.

    Attributes:
        scores: Nonconformity scores of the true answers, as `vitrine.trust` defines them,
            ascending. Of a network that detects anomalies, its own scores.
        novelty: Novelty scores of the network, ascending; empty where it has no such output.
        temperature: Number that the logits are divided by, inside the network; None where it
            predicts no class.
    """

    scores: tuple[float, ...]
    novelty: tuple[float, ...] = ()
    temperature: float | None = None


class Batching(Record, frozen=True, kw_only=True):
    """How the network gains from predicting on the instances of several requests in one call.

    It was measured when the version was published.

    Attributes:
        max_instances: Number of instances in the call that is the fastest for each of them.
        speedup: Time for one instance alone, divided by the time for one in such a call.
    """

    max_instances: Annotated[int, msgspec.Meta(ge=2, le=1024)]
    speedup: Annotated[float, msgspec.Meta(ge=1.0, le=1024.0)]


@read_from_json
class Manifest(Record, frozen=True, kw_only=True):
    """The description of one version.

    Attributes:
        format: Number of the manifest's own format.
        name: Name of the model.
        version: Number of the version.
        task: Kind of prediction: a class, a number, several labels, or an anomaly score.
        signature: Inputs and outputs of the network.
        target: Name of the column, or of the thing, that is predicted.
        files: Name of every other file that the service needs -> its hash and size.
        origin: How the version was made.
        scores: Part of the data ("validation", "test") -> name of the metric -> its value.
        multiply_adds: Multiply-adds for one instance; None where they cannot be counted.
        parameters: Number of trainable parameters of the network.
        onnx_difference: Largest difference between the ONNX file and Keras, absolute of
            probabilities and relative of values; None where there is no ONNX file.
        golden_tolerance: Largest difference from the golden answers that an engine may have,
            measured in the same way.
        calibration: Scores that tell how far to trust an answer; None where there was too little
            data.
        reference: Name of each feature -> its distribution over the training instances.
        dialect: Dialect of the training file; None for pictures.
        ignored_columns: Name of each column of the training file that is no input -> the reason.
        default: Whether the version may answer requests that name no version. One that scored worse
            than the version before it answers only requests that name it.
        batching: How the network gains from several instances in one call; None where it does not,
            or where that was not measured.
        report: Path of each file for people, which are the card, the history of the training and
            the plots -> its hash and size. A version is served without those that are missing.
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
    multiply_adds: _Count | None
    parameters: _Count
    onnx_difference: float | None
    golden_tolerance: _Tolerance
    calibration: Calibration | None
    reference: dict[str, Reference]
    dialect: Dialect | None = None
    ignored_columns: dict[str, str] = msgspec.field(default_factory=dict)
    default: bool = True
    batching: Batching | None = None
    report: _Report = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a calibration that does not fit the signature."""
        calibration, signature = self.calibration, self.signature
        is_value = isinstance(signature.prediction, ValueOutput)
        if (is_value and calibration is not None) != (signature.quantiles is not None):
            raise ValueError("a value must have both a calibration and quantiles, or neither")
        is_labels = isinstance(signature.prediction, LabelsOutput)
        is_anomaly = isinstance(signature.prediction, AnomalyOutput)
        if (is_labels or is_anomaly) and signature.novelty is not None:
            raise ValueError("only a class or a value may have a novelty score")
        if calibration is None:
            return
        if is_labels:
            raise ValueError("labels must not have a calibration: their network is tempered itself")
        if is_anomaly and calibration.temperature is not None:
            raise ValueError("an anomaly score must not have a temperature")
        if not calibration.scores or bool(calibration.novelty) != (signature.novelty is not None):
            raise ValueError("every calibrated output must have calibration scores")
        for scores in (calibration.scores, calibration.novelty):
            if any(low > high for low, high in pairwise(scores)):
                raise ValueError("calibration scores must ascend")


@read_from_json
class _Default(msgspec.Struct):
    """The one member of a manifest that tells whether its version may answer by default."""

    default: bool = True


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write the manifest, as the last file: it makes the folder a version."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / MANIFEST_NAME).write_bytes(text + b"\n")


def read_manifest(folder: Path, *, is_moved: bool = False) -> Manifest:
    """Read the manifest of one version.

    Args:
        folder: Folder of the version.
        is_moved: Whether the folder may lie anywhere, and not only in `<name>/<version>/`.

    Raises:
        InvalidBundle: The manifest is missing or malformed, has another format, or belongs to
            another folder.
    """
    body = read_manifest_bytes(folder)
    try:
        # The format is checked before the members, which another format need not have.
        members = msgspec.json.decode(body, type=dict[str, Any])
        received = members.get("format")
        if received != FORMAT:
            raise InvalidBundle(f"{folder}: The format must be {FORMAT}. Received: {received!r}.")
        manifest = msgspec.convert(members, Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidBundle(f"{folder}: {MANIFEST_NAME} is malformed: {error}.") from error
    except RecursionError as error:
        raise InvalidBundle(f"{folder}: {MANIFEST_NAME} is nested too deeply.") from error
    names = (folder.parent.name, folder.name)
    if not is_moved and (manifest.name, str(manifest.version)) != names:
        raise InvalidBundle(
            f"{folder}: The manifest belongs to {manifest.name}/{manifest.version}."
        )
    for text in _shown_texts(manifest):
        if _CONTROL_CHARACTERS.search(text):
            raise InvalidBundle(f"{folder}: {shown(text)} has characters that control a terminal.")
    return manifest


def read_manifest_bytes(folder: Path) -> bytes:
    """Read the manifest of one version as it was published, without looking into it.

    Raises:
        InvalidBundle: The manifest is missing, is no regular file, or is too long.
    """
    with open_file(folder, MANIFEST_NAME) as stream:
        body = stream.read(MAX_MANIFEST_BYTES + 1)
    if len(body) > MAX_MANIFEST_BYTES:
        raise InvalidBundle(f"{folder}: {MANIFEST_NAME} has more than {MAX_MANIFEST_BYTES} bytes.")
    return body


def manifest_digest(folder: Path) -> str:
    """Return the SHA-256 hash of a version's manifest, which names the hashes of all its files.

    Raises:
        InvalidBundle: The manifest cannot be read.
    """
    return hashlib.sha256(read_manifest_bytes(folder)).hexdigest()


def _shown_texts(manifest: Manifest) -> Iterator[str]:
    """Return the texts that people see; the words of a vocabulary come from a table's cells."""
    yield manifest.target
    for spec in (*manifest.signature.inputs, *manifest.signature.outputs):
        yield spec.name
        yield from getattr(spec, "labels", ())
        yield getattr(spec, "unit", None) or ""


def open_file(folder: Path, name: str) -> BufferedReader:
    """Open a file of a version, and nothing else that its name may lead to.

    A link could lead out of the folder, a pipe would wait for a writer, and a device never ends.

    Args:
        folder: Folder of the version.
        name: Name of the file; that of a plot has the name of its folder in front.

    Raises:
        InvalidBundle: The file cannot be opened, or is no regular file.
    """
    try:
        descriptor = _open_beneath(folder, name)
    except OSError as error:
        if (folder / name).is_symlink():
            raise InvalidBundle(f"{folder}: {name} is a link, not a regular file.") from error
        raise InvalidBundle(f"{folder}: {name} cannot be read: {error.strerror}.") from error
    if not S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidBundle(f"{folder}: {name} is not a regular file.")
    return os.fdopen(descriptor, "rb")


def _open_beneath(folder: Path, name: str) -> int:
    """Open a file, and follow no link from the folder of the version on."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    inner, _, own = name.rpartition("/")
    if not inner:
        return os.open(folder / own, flags)
    parent = os.open(folder / inner, flags | os.O_DIRECTORY)
    try:
        return os.open(own, flags, dir_fd=parent)
    finally:
        os.close(parent)


def describe_file(path: Path) -> File:
    """Return the hash and the size of one file, for the manifest."""
    with path.open("rb") as stream:
        return File(sha256=_sha256(stream), size_bytes=path.stat().st_size)


def describe_report(folder: Path) -> dict[str, ReportFile]:
    """Return the hash and the size of each file for people, for the manifest.

    What no manifest may list is left out: very large files, other names, and more than 32 files.
    """
    plots = sorted(folder.glob(f"{PLOTS_NAME}/*.png"))
    report: dict[str, ReportFile] = {}
    for path in (folder / CARD_NAME, folder / HISTORY_NAME, *plots):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and re.match(_REPORT_PATH, name) and len(report) < _MAX_REPORT_FILES:
            file = describe_file(path)
            if file.size_bytes <= _MAX_REPORT_FILE_BYTES:
                report[name] = ReportFile(sha256=file.sha256, size_bytes=file.size_bytes)
    return report


def has_report_file(folder: Path, path: str, expected: ReportFile) -> bool:
    """Tell whether a file of a report is there with the size that was published."""
    try:
        with open_file(folder, path) as stream:
            return os.fstat(stream.fileno()).st_size == expected.size_bytes
    except (InvalidBundle, OSError):
        return False


def read_report_file(folder: Path, path: str, expected: ReportFile) -> bytes | None:
    """Read a file of a report; None where its bytes are not those that were published.

    Args:
        folder: Folder of the version.
        path: Path of the file, as the manifest lists it.
        expected: Its hash and size in the manifest.
    """
    try:
        with open_file(folder, path) as stream:
            body = stream.read(expected.size_bytes + 1)
    except (InvalidBundle, OSError):
        return None
    return body if hashlib.sha256(body).hexdigest() == expected.sha256 else None


def verify_files(manifest: Manifest, folder: Path) -> None:
    """Compare every file of a version with its size and hash in the manifest.

    Keras' own file may be missing beside an ONNX file: nothing opens it then.

    Raises:
        InvalidBundle: A file is missing, or its bytes are not those that were published. There is
            something in the folder that is neither a file nor a folder.
    """
    if len(manifest.files) > _MAX_FILES:
        raise InvalidBundle(f"{folder}: {MANIFEST_NAME} names more than {_MAX_FILES} files.")
    for name, expected in manifest.files.items():
        if Path(name).name != name:
            raise InvalidBundle(f"{folder}: The file name {shown(name)} leaves the folder.")
        is_unused = name == KERAS_NAME and ONNX_NAME in manifest.files
        if not (is_unused and not os.path.lexists(folder / name)):
            _verify_file(folder, name, expected)
    _check_entries(folder)


def _verify_file(folder: Path, name: str, expected: File) -> None:
    with open_file(folder, name) as stream:
        # The size alone tells a file that is still being copied, without reading it.
        is_whole = os.fstat(stream.fileno()).st_size == expected.size_bytes
        if not is_whole or _sha256(stream) != expected.sha256:
            raise InvalidBundle(f"{folder}: {name} does not have the bytes that were published.")


def _check_entries(folder: Path) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                raise InvalidBundle(f"{folder}: {shown(entry.name)} is not a regular file.")


def _sha256(stream: BufferedReader) -> str:
    return hashlib.file_digest(stream, "sha256").hexdigest()


def versions(models: Path, name: str) -> list[int]:
    """List the published versions of a model in ascending order."""
    return sorted(
        int(path.parent.name)
        for path in (models / name).glob(f"*/{MANIFEST_NAME}")
        if re.fullmatch(r"[1-9][0-9]{0,17}", path.parent.name)
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


def answers_by_default(folder: Path) -> bool:
    """Tell whether a version may answer requests that name no version.

    A manifest that cannot be read does not forbid it: whoever loads the version says what is wrong.
    """
    try:
        return msgspec.json.decode(read_manifest_bytes(folder), type=_Default).default
    except (InvalidBundle, OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return True


def default_version(models: Path, name: str, *, below: int | None = None) -> int | None:
    """Find the version of a model that answers where none is named; None where it has none.

    It is the newest one that may answer by default or, if none may, the newest.

    Args:
        models: Folder of the models.
        name: Name of the model.
        below: Number below which versions are looked at; None for all versions.
    """
    listed = versions(models, name)[::-1]
    newest_first = [each for each in listed if below is None or each < below]
    may_answer = (each for each in newest_first if answers_by_default(models / name / str(each)))
    return next(may_answer, newest_first[0] if newest_first else None)


def write_golden(folder: Path, instances: Instances, expected: NDArray[np.float32]) -> None:
    """Write golden examples: raw instances, and what the network predicted on them.

    Args:
        folder: Folder of the bundle.
        instances: Raw values. Pictures must have one size, so that they can be stacked.
        expected: Predicted probabilities, values or scores.

    Shapes:
        expected: (n, classes), (n, labels) or (n,).
    """
    inputs = {f"input {name}": _without_objects(raw) for name, raw in instances.items()}
    np.savez_compressed(folder / GOLDEN_NAME, allow_pickle=False, expected=expected, **inputs)


def read_golden(folder: Path) -> tuple[Instances, NDArray[np.float32]]:
    """Read golden examples: raw instances, and what the network predicted on them.

    Raises:
        InvalidBundle: The file is missing or damaged.
    """
    try:
        with open_file(folder, GOLDEN_NAME) as stream, ZipFile(stream) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_GOLDEN_BYTES:
                raise InvalidBundle(
                    f"{folder}: {GOLDEN_NAME} declares more than {MAX_GOLDEN_BYTES} bytes."
                )
            arrays = {
                member.filename.removesuffix(".npy"): _read_array(archive, member)
                for member in archive.infolist()
            }
        instances = {
            name.removeprefix("input "): _with_objects(array)
            for name, array in arrays.items()
            if name.startswith("input ")
        }
        return instances, arrays["expected"]
    except _UNREADABLE_ARCHIVE as error:
        raise InvalidBundle(f"{folder}: {GOLDEN_NAME} cannot be read: {error}.") from error


def _read_array(archive: ZipFile, member: ZipInfo) -> NDArray[Any]:
    """Read one array, if its header declares no more than there is."""
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        read_header = npy.read_array_header_1_0 if version[0] == 1 else npy.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        if prod(shape) * dtype.itemsize > member.file_size:
            raise ValueError(f"the array {shown(member.filename)} declares more than there is")
    with archive.open(member) as stream:
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        return array


def _without_objects(raw: NDArray[Any]) -> NDArray[Any]:
    """Turn texts into Unicode of fixed width, a blank into "": no pickled object is ever stored."""
    if raw.dtype != object:
        return raw
    return np.array(["" if text is None else text for text in raw], dtype=np.str_)


def _with_objects(stored: NDArray[Any]) -> NDArray[Any]:
    if stored.dtype.kind != "U":
        return stored
    return np.array([str(text) or None for text in stored], dtype=object)
