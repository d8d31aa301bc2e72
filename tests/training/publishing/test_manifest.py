"""The manifest of a trained version says how far to trust it."""

from pathlib import Path

from vitrine import bundle


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
