"""Named sets of pictures and CSV files: local or downloaded, verified, split.

Knows nothing of networks.
"""

import gzip
import hashlib
import os
import urllib.request
import zlib
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from service import geometry
from service.bundle import (
    FIRST_CODE,
    MISSING_CODE,
    OTHER_CODE,
    CategoryInput,
    ColumnSpec,
    Dialect,
    Instances,
)
from service.errors import ServiceError, nearest, shown
from service.tables import Table, read_table
from service.tables.cells import parse, parse_numbers
from training.columns import Overrides, learn_specs, tell_kinds
from training.errors import CannotTrain

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Fetch = Callable[[str], bytes]

_TIMEOUT_SECONDS = 30
_LEAST_ROWS = 20
_TEST_SEED = 42
_MOST_SPARED = 2000
_LEAST_VALIDATING = 4
# Fewer calibrate nothing: a 90 % interval from n rows is off by 1 / (n + 1).
_LEAST_CALIBRATING = 50


@dataclass(frozen=True, slots=True)
class PictureSet:
    """A published set of pictures in four IDX files.

    Attributes:
        name: Also the folder its files lie in.
        geometry: That its pictures have.
        target: What a picture shows one of.
        labels: Class labels in the order of the codes in the files.
        files: SHA-256 of the unpacked bytes by packed file name: the same data has been packed in
            more than one way. Training pictures, their labels, test pictures, their labels.
        mirrors: Where the files are published, tried in turn.
    """

    name: str
    geometry: str
    target: str
    labels: tuple[str, ...]
    files: Mapping[str, str]
    mirrors: tuple[str, ...]


PICTURE_SETS = {
    "mnist": PictureSet(
        name="mnist",
        geometry="mnist",
        target="digit",
        labels=tuple("0123456789"),
        files={
            "train-images-idx3-ubyte.gz": (
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
            ),
            "train-labels-idx1-ubyte.gz": (
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
            ),
            "t10k-images-idx3-ubyte.gz": (
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
            ),
            "t10k-labels-idx1-ubyte.gz": (
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
            ),
        },
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Part:
    """Instances of one part of a picture set with what they show.

    Shapes:
        x: (n, height, width, channels), levels in [0, 255], in the network's geometry.
        y: (n,), codes of class labels.
    """

    x: Pixels
    y: Labels

    def __len__(self) -> int:
        return len(self.y)

    def take(self, places: NDArray[np.int64]) -> "Part":
        """Return the instances at some places."""
        return Part(self.x[places], self.y[places])


SomePart = TypeVar("SomePart", bound=Sized)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts(Generic[SomePart]):
    """Data kept apart: `train` fits, `validation` chooses, `calibration` measures trust.

    Attributes:
        calibration: Empty where a table is too small to spare rows for it.
        test: For the one final score.
        sha256: Of all the data, unpacked.
    """

    train: SomePart
    validation: SomePart
    calibration: SomePart
    test: SomePart
    sha256: str

    @property
    def sizes(self) -> dict[str, int]:
        """Instances in each part."""
        names = ("train", "validation", "calibration", "held_out", "test")
        return {name: len(getattr(self, name)) for name in names if hasattr(self, name)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureParts(Parts[Part]):
    """A picture set, whose test part is the published test file, often by other hands.

    Attributes:
        held_out: Of the training file too, and for nothing but to see how far answers about
            pictures of this kind can be trusted.
    """

    held_out: Part


def default_cache() -> Path:
    """Return the folder that downloads are kept in."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vitrine"


def download(url: str) -> bytes:
    """Fetch a file over HTTPS."""
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - https, from the table above
        body: bytes = response.read()
    return body


def load_pictures(
    pictures: PictureSet,
    *,
    data: Path | None,
    cache: Path,
    seed: int,
    limit: int | None = None,
    fetch: Fetch = download,
) -> PictureParts:
    """Load a picture set in its geometry and split its training file by seed.

    Five sixths of the training file train; of the rest, half calibrates, a quarter each validates
    and is held out.

    Args:
        pictures: Which set.
        data: A folder that holds the set's folder; None to download.
        cache: Folder that downloads are kept in.
        seed: Of the split.
        limit: Use only so many of the training file's pictures, drawn by the seed.
        fetch: Downloads a URL.

    Raises:
        CannotTrain: A file is missing and cannot be downloaded, or is not what was published.
    """
    unpacked = [
        _unpack(pictures, name, data=data, cache=cache, fetch=fetch) for name in pictures.files
    ]
    images, labels, test_images, test_labels = (_read_idx(body) for body in unpacked)
    order = np.random.default_rng(seed).permutation(len(labels))[:limit]
    spared = max(1, len(order) // 24)
    calibration, validation, held_out, train = np.split(order, [2 * spared, 3 * spared, 4 * spared])
    whole = Part(_fit(pictures, images), labels.astype(np.int64))
    return PictureParts(
        train=whole.take(train),
        validation=whole.take(validation),
        calibration=whole.take(calibration),
        held_out=whole.take(held_out),
        test=Part(_fit(pictures, test_images), test_labels.astype(np.int64)),
        sha256=hashlib.sha256(b"".join(unpacked)).hexdigest(),
    )


def _fit(pictures: PictureSet, images: NDArray[np.uint8]) -> Pixels:
    return np.stack(
        [geometry.fit(pictures.geometry, image[..., np.newaxis]).pixels for image in images]
    ).astype(np.uint8)


def _unpack(
    pictures: PictureSet, name: str, *, data: Path | None, cache: Path, fetch: Fetch
) -> bytes:
    if data is not None:
        path = data / pictures.name / name
        if not path.is_file():
            raise CannotTrain(
                f"{path} is missing: the folder given by --data or VITRINE_DATA must hold "
                f"{pictures.name}/ with the four published .gz files."
            )
        return _verified(pictures, name, path.read_bytes(), source=str(path))
    path = cache / pictures.name / name
    if path.is_file():
        return _verified(pictures, name, path.read_bytes(), source=str(path))
    packed, source = _download(pictures, name, fetch)
    unpacked = _verified(pictures, name, packed, source=source)
    _keep(path, packed)
    return unpacked


def _download(pictures: PictureSet, name: str, fetch: Fetch) -> tuple[bytes, str]:
    for mirror in pictures.mirrors:
        try:
            return fetch(mirror + name), mirror + name
        except (URLError, OSError):
            continue
    raise CannotTrain(
        f"{name} of {pictures.name} is not here and cannot be downloaded: give a folder that holds "
        f"{pictures.name}/{name} with --data DIR or VITRINE_DATA, or connect to the internet."
    )


def _keep(path: Path, packed: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(packed)
    partial.replace(path)


def _verified(pictures: PictureSet, name: str, packed: bytes, *, source: str) -> bytes:
    try:
        unpacked = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise CannotTrain(f"{source} is not a complete gzip file.") from error
    if hashlib.sha256(unpacked).hexdigest() != pictures.files[name]:
        raise CannotTrain(f"{source} does not hold what was published as {pictures.name}/{name}.")
    return unpacked


def _read_idx(body: bytes) -> NDArray[np.uint8]:
    """Read an array of bytes in the format that LeCun published MNIST in."""
    dimensions = body[3]
    shape = np.frombuffer(body, dtype=">i4", count=dimensions, offset=4)
    values: NDArray[Any] = np.frombuffer(body, dtype=np.uint8, offset=4 + 4 * dimensions)
    return values.reshape(shape)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table as its network takes them.

    Attributes:
        numbers: Raw values, NaN where blank; dates are days since 1970-01-01 UTC.
        categories: Codes: 0 blank, 1 other, from 2 the vocabulary.

    Shapes:
        numbers: (n, number and date columns); categories: (n, category columns).
    """

    numbers: NDArray[np.float32]
    categories: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def joined(cls, parts: Sequence["Rows"]) -> "Rows":
        """Return rows one after the other."""
        return cls(
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.categories for part in parts]),
        )

    def take(self, places: NDArray[np.intp]) -> "Rows":
        """Return the rows at some places, in that order."""
        return Rows(self.numbers[places], self.categories[places])

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by the names of the inner network's inputs."""
        parts: dict[str, NDArray[Any]] = {"numbers": self.numbers, "categories": self.categories}
        return {name: array for name, array in parts.items() if array.shape[1]}


@dataclass(frozen=True, slots=True)
class TablePart:
    """Instances of one part of a table with their targets.

    Attributes:
        instances: Raw values by column name, as a client would send them.
        rows: The same as the network takes them.
        y: Targets.
    """

    instances: Instances
    rows: Rows
    y: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableParts(Parts[TablePart]):
    """A table.

    Attributes:
        specs: The columns that are inputs, as seen in the rows that train.
        left_out: Why other columns are no inputs, by name.
        unusable: Rows without a target.
        dialect: How the file is written.
    """

    specs: tuple[ColumnSpec, ...]
    left_out: dict[str, str]
    unusable: int
    dialect: Dialect


def load_table(
    path: Path, target: str, overrides: Overrides, *, test_share: float, seed: int
) -> TableParts:
    """Read a CSV file, tell what its columns are, and split it.

    The test part is the same whatever the seed, so that scores compare: it is scikit-learn's
    `train_test_split(test_size=test_share, random_state=42)` of the rows with a target, in the
    file's order. An eighth of the rest each, 2 000 rows at most, validate and calibrate.

    Args:
        path: The file.
        target: The column to predict.
        overrides: Kinds of columns that are given.
        test_share: Share of the rows with a target.
        seed: Of the split of the rest.

    Raises:
        CannotTrain: The file cannot be read or does not hold what is needed.
    """
    table = _read_table(path)
    y, usable = _targets(table, target)
    columns = {name: texts for name, texts in table.columns.items() if name != target}
    kinds = tell_kinds(columns, table.dialect, overrides)
    places = _split(usable, test_share=test_share, seed=seed)
    specs = learn_specs(
        {name: [columns[name][place] for place in places["train"]] for name in kinds.kept},
        kinds,
        table.dialect,
    )
    raw = {
        spec.name: parse(spec, [text or "" for text in columns[spec.name]], table.dialect).values
        for spec in specs
    }
    parts = {name: _table_part(raw, specs, y, where) for name, where in places.items()}
    return TableParts(
        **parts,
        specs=specs,
        left_out=kinds.left_out,
        unusable=len(y) - len(usable),
        dialect=table.dialect,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _read_table(path: Path) -> Table:
    try:
        return read_table(path)
    except OSError as error:
        raise CannotTrain(f"{path} cannot be read: {error.strerror}.") from error
    except ServiceError as error:
        raise CannotTrain(f"{path}: {error.detail}") from error


def _targets(table: Table, target: str) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return every row's target and the places of the rows that have one."""
    if target not in table.columns:
        raise CannotTrain(f"There is no column {shown(target)}.{nearest(target, table.columns)}")
    texts = table.columns[target]
    parsed = parse_numbers(texts, table.dialect)
    if parsed.faults:
        place = min(parsed.faults)
        raise CannotTrain(
            f"A regression needs a numeric target: {shown(target)} in data row {place + 1} "
            f"{parsed.faults[place]}. Received: {shown(texts[place])}."
        )
    usable = np.flatnonzero(~np.isnan(parsed.values))
    if len(usable) < _LEAST_ROWS:
        raise CannotTrain(
            f"At least {_LEAST_ROWS} rows must have a value in {shown(target)}. "
            f"Received: {len(usable)}."
        )
    if np.ptp(parsed.values[usable]) == 0:
        raise CannotTrain(f"{shown(target)} has the same value in every row.")
    return parsed.values.astype(np.float64), usable


def _split(
    usable: NDArray[np.intp], *, test_share: float, seed: int
) -> dict[str, NDArray[np.intp]]:
    rest, test = train_test_split(usable, test_size=test_share, random_state=_TEST_SEED)
    rest = np.random.default_rng(seed).permutation(rest)
    spared = min(_MOST_SPARED, len(rest) // 8)
    calibrating = spared if spared >= _LEAST_CALIBRATING else 0
    validating = max(spared, _LEAST_VALIDATING)
    calibration, validation, train = np.split(rest, [calibrating, calibrating + validating])
    return {"train": train, "validation": validation, "calibration": calibration, "test": test}


def _table_part(
    raw: Instances,
    specs: Sequence[ColumnSpec],
    y: NDArray[np.float64],
    places: NDArray[np.intp],
) -> TablePart:
    instances = {name: values[places] for name, values in raw.items()}
    return TablePart(instances, encode_rows(instances, specs), y[places])


def encode_rows(instances: Instances, specs: Sequence[ColumnSpec]) -> Rows:
    """Put raw values side by side as the network takes them."""
    n = len(next(iter(instances.values())))
    numbers = [instances[spec.name] for spec in specs if not isinstance(spec, CategoryInput)]
    categories = [
        _encode(instances[spec.name], spec) for spec in specs if isinstance(spec, CategoryInput)
    ]
    return Rows(
        np.stack([np.empty(n), *numbers], axis=1)[:, 1:].astype(np.float32),
        np.stack([np.empty(n), *categories], axis=1)[:, 1:].astype(np.int32),
    )


def _encode(texts: NDArray[np.object_], spec: CategoryInput) -> NDArray[np.int32]:
    codes: dict[str | None, int] = {None: MISSING_CODE}
    codes.update((text, FIRST_CODE + place) for place, text in enumerate(spec.vocabulary))
    return np.array([codes.get(text, OTHER_CODE) for text in texts], dtype=np.int32)
