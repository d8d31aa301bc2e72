"""Small data made by code, and one published bundle of each kind for the tests to look at."""

import gzip
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.pictures import saved
from tests.training.made_tables import PLAIN, made_config
from training.datasets.idx_files import read_idx
from training.datasets.picture_sets import PictureSet
from training.datasets.published import Published
from training.distillation.ensemble import DistillationConfig
from training.drawing.digits import DIGITS, Pen, draw_digit
from training.experiments import pictures, tables
from training.experiments.tables import LearningConfig
from vitrine.geometry import GEOMETRIES

TINY = tables.TableRecipe(
    distillation=DistillationConfig(boosted_trees=20, random_trees=10, synthetic_rows=1500),
    epochs=1,
    batch_size=64,
    steps_per_execution=5,
)


def write_idx(path: Path, values: NDArray[np.uint8]) -> str:
    """Write an IDX file, packed, and return the hash of what is in it."""
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, dtype=">i4").tobytes()
    body = header + values.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(body))
    return hashlib.sha256(body).hexdigest()


def drawn_digits(n: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw n digits in MNIST's geometry, (n, 28, 28), with their codes."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % len(DIGITS)
    fitted = [
        GEOMETRIES["mnist"].fit(drawn[..., np.newaxis], (28, 28, 1))
        for drawn in (np.rint(255 * draw_digit(DIGITS[code], Pen(), rng)) for code in codes)
    ]
    return np.stack([each.pixels[..., 0] for each in fitted]).astype(np.uint8), codes.astype("u1")


@pytest.fixture(scope="session")
def idx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds drawn/ with four IDX files."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def drawn_files(idx_folder: Path) -> Published:
    """Four IDX files of 300 + 40 drawn digits in `idx_folder`."""
    names = ("train-images", "train-labels", "test-images", "test-labels")
    values = (*drawn_digits(300, seed=1), *drawn_digits(40, seed=2))
    files = {
        f"{name}.gz": write_idx(idx_folder / "drawn" / f"{name}.gz", each)
        for name, each in zip(names, values, strict=True)
    }
    mirrors = ("https://first.invalid/", "https://second.invalid/")
    return Published(name="drawn", files=files, mirrors=mirrors)


def set_of(files: Published) -> PictureSet:
    """Return the set of drawn digits that lies in some files."""
    return PictureSet(
        name="drawn",
        geometry="mnist",
        target="digit",
        shows="digits drawn by code",
        test="is drawn by the same pen",
        read=partial(read_idx, published=files, geometry="mnist", labels=DIGITS),
    )


@pytest.fixture(scope="session")
def drawn_set(drawn_files: Published) -> PictureSet:
    """A set of 300 + 40 drawn digits, its files in `idx_folder`."""
    return set_of(drawn_files)


def write_folder(folder: Path, *, each: int = 12, grey: bool = False, seed: int = 0) -> Path:
    """Write pictures of two classes, in sizes of their own: bright above, and bright below."""
    rng = np.random.default_rng(seed)
    for label in ("above", "below"):
        (folder / label).mkdir(parents=True)
        for number in range(each):
            height, width = rng.integers(20, 50, 2)
            pixels = rng.integers(0, 60, (height, width, 3)).astype(np.uint8)
            pixels[: height // 2] += np.uint8(150)
            pixels = pixels if label == "above" else pixels[::-1]
            shown = pixels[..., 0] if grey else pixels
            (folder / label / f"{number}.png").write_bytes(saved(shown))
    return folder


def picture_config(drawn_set: PictureSet, data: Path, models: Path) -> pictures.PictureConfig:
    """Describe a training of one epoch, which is published however little it has learned."""
    return pictures.PictureConfig(
        pictures=drawn_set,
        name="drawn",
        models=models,
        command="python -m training images drawn --name drawn",
        data=data,
        epochs=1,
        force=True,
    )


def write_rents(path: Path, rows: int = 120) -> Path:
    """Write a made-up table of rents with every kind of column."""
    rng = np.random.default_rng(3)
    lines = ["row,flat id,size [m2],built,district,note,rent"]
    for row in range(1, rows + 1):
        size = f"{rng.uniform(20, 120):.1f}" if rng.random() > 0.1 else ""
        built = f"{rng.integers(1950, 2020)}-{rng.integers(1, 13):02d}-01"
        district = rng.choice(["north", "south", "harbour"])
        rent = 300 + 9 * float(size or 60) + 200 * (district == "harbour") + rng.normal(0, 20)
        flat = 7_000_000 + int(rng.integers(0, 900_000))
        lines.append(f"{row},{flat},{size},{built},{district},flat no {row},{rent:.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def table_config(file: Path, models: Path) -> tables.TableConfig:
    """Describe a tiny training."""
    return tables.TableConfig(
        file=file,
        targets=("rent",),
        command="python -m training table rents.csv --target rent --name rents",
        name="rents",
        models=models,
        unit="EUR",
        learning=tables.LearningConfig(recipe=TINY),
    )


@pytest.fixture(scope="session")
def rents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of 120 made-up rents, too few to calibrate."""
    return write_rents(tmp_path_factory.mktemp("rents") / "rents.csv")


@pytest.fixture(scope="session")
def many_rents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of 640 made-up rents, of which 64 calibrate."""
    return write_rents(tmp_path_factory.mktemp("rents") / "rents.csv", rows=640)


@pytest.fixture(scope="session")
def picture_bundle(
    drawn_set: PictureSet, idx_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A published classifier of drawn digits."""
    models = tmp_path_factory.mktemp("models")
    return pictures.train(picture_config(drawn_set, idx_folder, models))


@pytest.fixture(scope="session")
def table_bundle(many_rents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published regression on made-up rents."""
    return tables.train(table_config(many_rents, tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="session")
def small_table_bundle(rents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published regression that nothing calibrated."""
    return tables.train(table_config(rents, tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="session")
def published_tables(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Publish the table of each task once, with an ensemble that teaches or plainly."""
    found: dict[tuple[str, str], Path] = {}

    def publish(task: str, way: str) -> Path:
        if (task, way) not in found:
            learning = (
                LearningConfig(recipe=TINY) if way == "taught" else LearningConfig(plain=PLAIN)
            )
            folder = tmp_path_factory.mktemp(f"{task}-{way}")
            found[task, way] = tables.train(made_config(task, folder, learning))
        return found[task, way]

    return publish


@pytest.fixture(params=["picture", "table", "small_table"])
def published(request: pytest.FixtureRequest) -> Path:
    """A published bundle of each kind."""
    folder: Path = request.getfixturevalue(f"{request.param}_bundle")
    return folder


@pytest.fixture(params=["picture", "table"])
def calibrated(request: pytest.FixtureRequest) -> Path:
    """A published bundle of each kind that is calibrated."""
    folder: Path = request.getfixturevalue(f"{request.param}_bundle")
    return folder
