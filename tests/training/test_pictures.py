"""Sets of pictures of several makes, each read by its own reader, and trained on end to end."""

import io
import pickle
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pictures import saved
from training.datasets.folders import read_folder
from training.datasets.found import Found
from training.datasets.pictures import (
    CIFAR10_CONTENTS,
    CIFAR100_CONTENTS,
    PICTURE_SETS,
    PictureSet,
    picture_set,
)
from training.datasets.published import Contents, Place, Published, read_cifar
from training.errors import CannotTrain
from training.experiments import pictures
from training.experiments.picture_kinds import PICTURE_KINDS
from vitrine import bundle, loading
from vitrine.signature import ProbabilitiesOutput

NOWHERE = Place(None, Path())


def batch(count: int, codes: bytes, seed: int) -> dict[bytes, Any]:
    """Make one member of an archive."""
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 256, (count, 3072)).astype(np.uint8)
    return {b"data": data, codes: (np.arange(count) % 3).tolist(), b"filenames": [b"x"] * count}


def archive(folder: Path, members: Mapping[str, Any], *, protocol: int = 2) -> Published:
    """Write an archive as CIFAR was published, in the folder that its set has."""
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as written:
        for name, member in members.items():
            pickled = pickle.dumps(member, protocol)
            info = tarfile.TarInfo(f"cifar-python/{name}")
            info.size = len(pickled)
            written.addfile(info, io.BytesIO(pickled))
    path = folder / "made" / "made.tar.gz"
    path.parent.mkdir()
    path.write_bytes(body.getvalue())
    sha256 = bundle.describe_file(path).sha256
    return Published(name="made", files={path.name: sha256}, mirrors=())


def members(contents: Contents) -> dict[str, Any]:
    """Make the members of a small archive."""
    return {
        **{name: batch(4, contents.codes, seed) for seed, name in enumerate(contents.train)},
        contents.test: batch(3, contents.codes, 99),
        contents.meta: {contents.names: [b"cat", b"oak_tree", b"truck"]},
        "readme.html": "not looked at",
    }


@pytest.mark.parametrize(
    ("contents", "count"), [(CIFAR10_CONTENTS, 20), (CIFAR100_CONTENTS, 4)], ids=["10", "100"]
)
def test_cifar_is_read_in_colour_with_its_labels(
    tmp_path: Path, contents: Contents, count: int
) -> None:
    made = members(contents)
    published = archive(tmp_path, made, protocol=4)

    read = read_cifar(Place(tmp_path, Path()), published, contents)

    assert read.labels == ("cat", "oak_tree", "truck")
    assert (read.x.shape, read.test_x.shape) == ((count, 32, 32, 3), (3, 32, 32, 3))
    assert read.y[:4].tolist() == [0, 1, 2, 0]
    # The levels of red come first, row by row, then those of green.
    first = made[contents.train[0]][b"data"][0]
    assert read.x[0, 0, :3, 0].tolist() == first[:3].tolist()
    assert read.x[0, 1, 0].tolist() == first[[32, 1024 + 32, 2048 + 32]].tolist()


class Trap:
    """Writes a file when it is unpickled by those who trust it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", [2, 4])
def test_archive_that_calls_anything_is_refused(tmp_path: Path, protocol: int) -> None:
    made = {**members(CIFAR100_CONTENTS), "meta": Trap(tmp_path / "sprung")}
    published = archive(tmp_path, made, protocol=protocol)

    with pytest.raises(CannotTrain, match=r"The archive of made is refused: it names "):
        read_cifar(Place(tmp_path, Path()), published, CIFAR100_CONTENTS)

    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "array", [np.zeros((4, 3072)), np.array([None], dtype=object)], ids=["float", "object"]
)
def test_archive_with_arrays_of_other_than_bytes_is_refused(tmp_path: Path, array: Any) -> None:
    made = {**members(CIFAR100_CONTENTS), "test": {b"data": array}}
    published = archive(tmp_path, made, protocol=4)

    with pytest.raises(CannotTrain, match="it holds an array of other than bytes"):
        read_cifar(Place(tmp_path, Path()), published, CIFAR100_CONTENTS)


def write_folder(folder: Path, *, each: int = 12, grey: bool = False) -> Path:
    """Write pictures of two classes, in sizes of their own: bright above, and bright below."""
    rng = np.random.default_rng(0)
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


def test_folder_is_read_with_its_sub_folders_as_labels(tmp_path: Path) -> None:
    read = read_folder(write_folder(tmp_path / "sky"), size=24)

    assert read.labels == ("above", "below")
    assert read.x.shape == (19, 24, 24, 3)
    assert np.bincount(read.test_y).tolist() in ([2, 3], [3, 2])
    brighter_above = read.x[:, 4:10].mean((1, 2, 3)) > read.x[:, 14:20].mean((1, 2, 3))
    np.testing.assert_array_equal(brighter_above, read.y == 0)
    assert read.notes == ()


def test_folder_of_grey_pictures_is_grey(tmp_path: Path) -> None:
    assert read_folder(write_folder(tmp_path, grey=True), size=24).x.shape == (19, 24, 24, 1)


def test_one_picture_in_colour_makes_them_all_so(tmp_path: Path) -> None:
    write_folder(tmp_path, grey=True)
    (tmp_path / "above" / "x.png").write_bytes(saved(np.full((9, 9, 3), (9, 8, 7), np.uint8)))

    assert read_folder(tmp_path, size=24).x.shape[-1] == 3


def test_folder_is_split_and_hashed_alike_each_time(tmp_path: Path) -> None:
    first, again = (
        read_folder(write_folder(tmp_path / name / "sky"), size=24) for name in ("one", "two")
    )

    assert first.sha256 == again.sha256
    np.testing.assert_array_equal(first.test_x, again.test_x)
    (tmp_path / "two" / "sky" / "above" / "0.png").rename(tmp_path / "two" / "sky" / "above" / "z")
    assert read_folder(tmp_path / "two" / "sky", size=24).sha256 != first.sha256


def test_what_is_no_picture_is_named_and_left_out(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "above" / "notes.txt").write_text("no picture")
    (tmp_path / "above" / "broken.png").write_bytes(saved(np.zeros((9, 9), np.uint8))[:40])
    again = (tmp_path / "above" / "0.png").read_bytes()
    (tmp_path / "below" / "copy.png").write_bytes(again)

    read = read_folder(tmp_path, size=24)

    assert len(read.x) + len(read.test_x) == 24
    assert [note.partition(": ")[::2] for note in read.notes] == [
        ("Skipped above/broken.png", "The PNG picture is truncated or corrupt."),
        ("Skipped above/notes.txt", note_of_text(read)),
        ("Skipped below/copy.png", "It has the same bytes as above/0.png."),
    ]


def note_of_text(read: Found) -> str:
    """Return why a text was left out, which must say what is read."""
    reason = read.notes[1].partition(": ")[2]
    assert "PNG, JPEG" in reason
    return reason


def test_no_more_than_ten_files_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path)
    for number in range(13):
        (tmp_path / "above" / f"{number}.txt").write_text("no picture")

    notes = read_folder(tmp_path, size=24).notes

    assert len(notes) == 11
    assert notes[-1] == "Skipped 3 more."


def test_hidden_files_are_left_out_without_a_word(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "above" / ".DS_Store").write_text("hidden")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.png").write_bytes(saved(np.zeros((9, 9), np.uint8)))

    read = read_folder(tmp_path, size=24)

    assert (read.labels, read.notes) == (("above", "below"), ())


@pytest.mark.parametrize("each", [0, 9], ids=["none", "nine"])
def test_too_few_pictures_of_a_class_are_refused(tmp_path: Path, each: int) -> None:
    write_folder(tmp_path, each=each)

    expected = {
        0: r"must hold at least two sub-folders with pictures, one a class\. Received: 0",
        9: r"Every class must have at least 10 pictures\. Received: 9 in 'above'",
    }
    with pytest.raises(CannotTrain, match=expected[each]):
        read_folder(tmp_path, size=24)


def test_what_is_neither_set_nor_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match=r"SET must be .*mnist.* or a folder"):
        picture_set(str(tmp_path / "missing"), size=32)


@pytest.fixture(scope="module")
def digits() -> Found:
    """The digits that come with scikit-learn."""
    return PICTURE_SETS["digits8x8"].read(NOWHERE)


def test_embedded_digits_have_the_geometry_of_mnist(digits: Found) -> None:
    assert digits.x.shape == (1437, 28, 28, 1)
    assert digits.test_x.shape == (360, 28, 28, 1)
    for pixels in digits.x[..., 0]:
        rows, columns = np.nonzero(pixels)
        assert max(np.ptp(rows), np.ptp(columns)) == 19
    assert np.bincount(digits.test_y).min() >= 34


def few(found: Found, _place: Place) -> Found:
    """Return a part of what was found."""
    return Found(
        x=found.x[:400],
        y=found.y[:400],
        test_x=found.test_x[:40],
        test_y=found.test_y[:40],
        labels=found.labels,
        sha256=found.sha256,
    )


def config(source: PictureSet, tmp_path: Path, **options: Any) -> pictures.Config:
    """Describe a training of one epoch."""
    return pictures.Config(
        pictures=source,
        name=source.name,
        models=tmp_path / "models",
        command="python -m training images",
        epochs=1,
        **options,
    )


def test_embedded_digits_are_trained_on_and_served(tmp_path: Path, digits: Found) -> None:
    source = PICTURE_SETS["digits8x8"]
    part = replace(source, read=partial(few, digits))

    folder = pictures.train(config(part, tmp_path, architecture="mlp"))

    model = loading.load_version(folder, threads=1)
    assert model.trust is not None
    assert "written by hand, of 8 x 8 pixels" in (folder / "CARD.md").read_text()


@pytest.fixture(scope="module")
def sky_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of two dozen pictures in a folder, with pictures of the set beside it."""
    folder = tmp_path_factory.mktemp("trained")
    source = picture_set(str(write_folder(folder / "sky")), size=24)
    return pictures.train(config(source, folder, plots=folder / "plots", reduce_patience=1))


def test_folder_is_trained_on_and_predicted(sky_bundle: Path) -> None:
    model = loading.load_version(sky_bundle, threads=1)
    pixels = np.empty(2, dtype=object)
    pixels[:] = [
        np.asarray(Image.open(sky_bundle.parents[2] / "sky" / name).convert("RGB"))
        for name in ("above/0.png", "below/0.png")
    ]

    predictions = model.predict({"image": pixels})

    assert not predictions.errors
    output = model.manifest.signature.prediction
    assert isinstance(output, ProbabilitiesOutput)
    assert output.labels == ("above", "below")
    assert model.manifest.target == "class"
    np.testing.assert_allclose(predictions.values.sum(axis=1), 1, rtol=1e-5)


def test_too_few_pictures_are_published_without_calibration(sky_bundle: Path) -> None:
    manifest = bundle.read_manifest(sky_bundle)

    assert manifest.calibration is None
    assert [spec.name for spec in manifest.signature.outputs] == ["probabilities"]
    assert set(manifest.scores) == {"validation", "test"}
    drawn = {path.stem for path in (sky_bundle / "plots").iterdir()}
    assert drawn == {"accuracy", "loss", "confusion", "predictions"}
    card = (sky_bundle / "CARD.md").read_text()
    assert "none were spared for calibration" in card
    assert "shows one at\n  all." in card


def test_reference_of_pictures_in_colour_is_of_their_light(sky_bundle: Path) -> None:
    reference = bundle.read_manifest(sky_bundle).reference

    assert set(reference) == {
        *("brightness", "contrast", "detail", "saturation"),
        *("label", "probability"),
    }


def test_pictures_of_the_set_are_drawn_beside_the_bundle_alone(sky_bundle: Path) -> None:
    drawn = sky_bundle.parents[2] / "plots"

    assert {path.name for path in drawn.iterdir()} == {"samples.png", "test_predictions.png"}
    for path in drawn.iterdir():
        with Image.open(path) as plot:
            assert len(plot.convert("L").getcolors() or []) > 10


def test_rate_that_is_reduced_follows_no_schedule(tmp_path: Path) -> None:
    source = PICTURE_SETS["mnist"]

    asked = config(source, tmp_path, reduce_patience=2, patience=3, augmented=False)

    assert config(source, tmp_path).recipe.decays
    assert (asked.recipe.decays, asked.recipe.augmented) == (False, False)
    assert (asked.callbacks.patience, asked.callbacks.reduce_patience) == (3, 2)


@pytest.mark.parametrize(
    ("instances", "batch_size"), [(50_000, 128), (1200, 60), (40, 16)], ids=["many", "some", "few"]
)
def test_few_pictures_are_learned_in_small_steps(
    tmp_path: Path, instances: int, batch_size: int
) -> None:
    asked = config(PICTURE_SETS["mnist"], tmp_path)

    assert pictures.suited(asked, instances).recipe.batch_size == batch_size


def test_every_set_has_a_motif() -> None:
    assert {each.target for each in PICTURE_SETS.values()} | {"class"} == set(PICTURE_KINDS)
