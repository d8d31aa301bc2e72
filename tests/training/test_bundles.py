"""What a training publishes: whole, described, and giving the same answers everywhere."""

import re
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest
from PIL import Image

from tests.training.conftest import picture_config
from training.calibration.coverage import supported_coverages
from training.datasets.picture_sets import PictureSet
from training.drawing.digits import golden_digits
from training.experiments import pictures
from vitrine import bundle, loading

FILES = {"CARD.md", "golden.npz", "history.csv", "manifest.json", "model.keras", "model.onnx"}
MAX_BUNDLE_BYTES = 5_000_000


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


def test_bundle_holds_every_file(published: Path) -> None:
    assert {path.name for path in published.iterdir()} == FILES | {"plots"}


def test_bundle_is_small(published: Path) -> None:
    sizes = [path.stat().st_size for path in published.rglob("*") if path.is_file()]

    assert sum(sizes) < MAX_BUNDLE_BYTES


def test_bundle_is_loaded_with_its_golden_answers(published: Path) -> None:
    model = loading.load_version(published, threads=1)

    assert model.version == 1


def test_exported_file_runs_with_the_inputs_of_the_signature_alone(published: Path) -> None:
    manifest = bundle.read_manifest(published)
    session = onnxruntime.InferenceSession(published / bundle.ONNX_NAME)
    feeds = {
        spec.tensor: np.ones((3, *spec.shape), dtype=spec.dtype)
        for spec in manifest.signature.inputs
    }

    outputs = session.run([spec.tensor for spec in manifest.signature.outputs], feeds)

    assert {tensor.name for tensor in session.get_inputs()} == set(feeds)
    assert [output.shape for output in outputs] == [
        (3, *spec.shape) for spec in manifest.signature.outputs
    ]


def test_exported_file_agrees_with_the_saved_network(published: Path) -> None:
    manifest = bundle.read_manifest(published)
    network = keras.saving.load_model(published / bundle.KERAS_NAME)
    session = onnxruntime.InferenceSession(published / bundle.ONNX_NAME)
    rng = np.random.default_rng(0)
    feeds = {
        spec.tensor: rng.integers(0, 3, (5, *spec.shape)).astype(spec.dtype)
        for spec in manifest.signature.inputs
    }
    output = manifest.signature.prediction.tensor

    expected = network.predict(feeds, verbose=0)[output]

    np.testing.assert_allclose(session.run([output], feeds)[0], expected, rtol=1e-5, atol=1e-6)


def test_manifest_states_the_difference_of_the_exported_file(published: Path) -> None:
    difference = bundle.read_manifest(published).onnx_difference

    assert difference is not None
    assert 0 <= difference < 1e-5


def test_manifest_lists_a_score_of_every_calibrating_instance_ascending(calibrated: Path) -> None:
    manifest = bundle.read_manifest(calibrated)

    assert manifest.calibration is not None
    scores = manifest.calibration.scores
    assert list(scores) == sorted(scores)
    assert len(scores) == manifest.origin.split["calibration"] > 0


def test_picture_manifest_lists_novelty_of_every_calibrating_instance_ascending(
    picture_bundle: Path,
) -> None:
    manifest = bundle.read_manifest(picture_bundle)

    assert manifest.calibration is not None
    novelty = manifest.calibration.novelty
    assert list(novelty) == sorted(novelty)
    assert len(novelty) == manifest.origin.split["calibration"]


def test_table_manifest_has_neither_novelty_nor_temperature(table_bundle: Path) -> None:
    calibration = bundle.read_manifest(table_bundle).calibration

    assert calibration is not None
    assert (calibration.novelty, calibration.temperature) == ((), None)


def test_picture_manifest_states_the_temperature(picture_bundle: Path) -> None:
    calibration = bundle.read_manifest(picture_bundle).calibration

    assert calibration is not None
    assert calibration.temperature is not None
    assert calibration.temperature > 0


def test_picture_scores_state_the_calibration_error(picture_bundle: Path) -> None:
    scores = bundle.read_manifest(picture_bundle).scores

    assert set(scores) == {"validation", "held_out", "test"}
    assert all(0 <= part["calibration_error"] <= 1 for part in scores.values())


def test_signature_tells_trust_after_the_prediction(calibrated: Path) -> None:
    outputs = bundle.read_manifest(calibrated).signature.outputs

    assert [spec.name for spec in outputs] in (
        ["probabilities", "novelty"],
        ["value", "quantiles"],
    )


def test_manifest_says_how_the_version_was_made(published: Path) -> None:
    origin = bundle.read_manifest(published).origin

    assert origin.command.startswith("python -m training ")
    assert {"keras", "onnxruntime"} <= set(origin.libraries)
    assert set(origin.split) - {"held_out"} == {"train", "validation", "calibration", "test"}


def test_card_shows_every_plot(published: Path) -> None:
    shown = re.findall(r"!\[[^\]]+\]\((plots/[^)]+)\)", (published / "CARD.md").read_text())

    assert {published / name for name in shown} == set((published / "plots").iterdir())


def test_plots_are_pictures_with_something_on_them(published: Path) -> None:
    for path in (published / "plots").iterdir():
        with Image.open(path) as plot:
            assert plot.width > 300
            assert len(plot.convert("L").getcolors() or []) > 10


def test_card_tells_scores_cost_and_data(published: Path) -> None:
    manifest = bundle.read_manifest(published)
    card = (published / "CARD.md").read_text()

    assert f"{manifest.multiply_adds:,} multiply-adds" in card
    assert f"{manifest.parameters:,} trainable parameters" in card
    assert manifest.origin.data_sha256 in card
    for part in manifest.scores:
        assert f"| {part} |" in card


def test_card_of_a_calibrated_version_counts_coverage(calibrated: Path) -> None:
    manifest = bundle.read_manifest(calibrated)
    card = (calibrated / "CARD.md").read_text()

    section = card.split("## How far to trust it\n")[1].split("\n## ")[0]
    assert " coverage | observed | margin | mean size |" in section
    supported = [
        f"{asked:.1%}" for asked in supported_coverages(manifest.origin.split["calibration"])
    ]
    asked = re.findall(r"\| (\d+\.\d%) \| \d+\.\d\d% \|", section)
    assert list(dict.fromkeys(asked)) == supported


PLOTS = {"picture": {"reliability", "credibility"}, "table": {"intervals"}, "small_table": set()}


@pytest.mark.parametrize("kind", PLOTS)
def test_plots_show_how_far_to_trust(kind: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(f"{kind}_bundle")

    drawn = {path.stem for path in (folder / "plots").iterdir()}

    assert drawn & set().union(*PLOTS.values()) == PLOTS[kind]


def test_served_sets_and_credibility_are_of_the_published_calibration(
    picture_bundle: Path,
) -> None:
    model = loading.load_version(picture_bundle, threads=1)
    asked = model.trust_options(coverage=0.8, default=0.9, abstain_below=None)

    predictions = model.predict({"image": golden_digits()[0]}, asked)

    assert predictions.confidence is not None
    assert predictions.confidence.sets is not None
    assert predictions.confidence.credibility is not None
    assert predictions.confidence.sets.any(axis=1).all()
    # The least that 50 calibrating pictures can give is 1 / 51.
    assert predictions.confidence.credibility.min() >= 1 / 51
    assert predictions.confidence.credibility.max() <= 1


def test_history_has_a_line_an_epoch(published: Path) -> None:
    header, *epochs = (published / "history.csv").read_text().splitlines()

    assert header.startswith("epoch,")
    assert [line.split(",")[0] for line in epochs] == ["1"]


def test_golden_pictures_are_the_drawn_digits(picture_bundle: Path) -> None:
    instances, expected = bundle.read_golden(picture_bundle)
    drawn, _ = golden_digits()

    np.testing.assert_array_equal(instances["image"], drawn)
    assert expected.shape == (len(drawn), 10)


def test_picture_manifest_keeps_the_reference_of_ink_and_answers(picture_bundle: Path) -> None:
    manifest = bundle.read_manifest(picture_bundle)

    assert set(manifest.reference) == {
        *("ink_mass", "box_width", "box_height", "stroke_width"),
        *("label", "probability"),
    }
    assert sum(manifest.reference["ink_mass"].counts) == manifest.origin.split["train"]


def test_table_manifest_keeps_the_reference_of_every_column(table_bundle: Path) -> None:
    manifest = bundle.read_manifest(table_bundle)

    assert list(manifest.reference) == [spec.name for spec in manifest.signature.inputs]
    for reference in manifest.reference.values():
        assert sum(reference.counts) == manifest.origin.split["train"]


def test_same_seed_gives_the_same_network(
    picture_bundle: Path, drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    again = pictures.train(picture_config(drawn_set, idx_folder, tmp_path))

    first, second = (bundle.read_golden(folder)[1] for folder in (picture_bundle, again))
    np.testing.assert_array_equal(first, second)
