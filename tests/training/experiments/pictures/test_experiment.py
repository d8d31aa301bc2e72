"""Sets of pictures of several kinds, trained on and served."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pictures import saved
from tests.training.conftest import write_folder
from tests.training.experiments.pictures.conftest import config
from training.datasets.picture_data import PictureData
from training.datasets.picture_sets import (
    PICTURE_SETS,
    find_picture_set,
)
from training.datasets.published import Location
from training.experiments import pictures
from vitrine import bundle, loading
from vitrine.signature import ProbabilitiesOutput

NOWHERE = Location(None, Path())


@pytest.fixture(scope="module")
def digits() -> PictureData:
    """The digits that come with scikit-learn."""
    return PICTURE_SETS["digits8x8"].read(NOWHERE)


def few(found: PictureData, _place: Location) -> PictureData:
    """Return a part of what was found."""
    return PictureData(
        x=found.x[:400],
        y=found.y[:400],
        test_x=found.test_x[:40],
        test_y=found.test_y[:40],
        labels=found.labels,
        sha256=found.sha256,
    )


def test_embedded_digits_are_trained_on_and_served(tmp_path: Path, digits: PictureData) -> None:
    source = PICTURE_SETS["digits8x8"]
    part = replace(source, read=partial(few, digits))

    folder = pictures.train(config(part, tmp_path, architecture="mlp", plots=tmp_path / "plots"))

    model = loading.load_version(folder, threads=1)
    assert model.trust is not None
    assert "written by hand, of 8 x 8 pixels" in (folder / "CARD.md").read_text()
    with Image.open(tmp_path / "plots" / "first_test_picture.png") as first:
        np.testing.assert_array_equal(np.asarray(first), digits.test_x[0, ..., 0])


def write_patterns(folder: Path) -> Path:
    """Write twenty pictures of each of three patterns, which no two pictures show alike."""
    rng = np.random.default_rng(0)
    for label, steps in (("level", (1, 0)), ("upright", (0, 1)), ("slanted", (1, 1))):
        (folder / label).mkdir(parents=True)
        for number in range(20):
            phase = np.einsum("i,ihw->hw", steps, np.indices((24, 24))) + rng.integers(0, 6)
            pixels = 100 + 80 * np.sin(phase * np.pi / 3) + rng.normal(0, 30, phase.shape)
            body = saved(np.clip(pixels, 0, 255).astype(np.uint8))
            (folder / label / f"{number}.png").write_bytes(body)
    return folder


def test_small_folder_is_learned_in_few_steps(tmp_path: Path) -> None:
    source = find_picture_set(str(write_patterns(tmp_path / "patterns")), size=24)

    folder = pictures.train(replace(config(source, tmp_path), epochs=10))

    test = bundle.read_manifest(folder).scores["test"]
    assert test["accuracy"] > 1 / 3 + 3 * test["accuracy_standard_error"]


@pytest.fixture(scope="module")
def sky_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of two dozen pictures in a folder, with pictures of the set beside it."""
    folder = tmp_path_factory.mktemp("trained")
    source = find_picture_set(str(write_folder(folder / "sky")), size=24)
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
    assert "too few to set some of them aside for calibration" in card
    assert "does not mean that the picture shows any of them.\n" in card


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
