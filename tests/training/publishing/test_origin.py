"""The manifest says how a version was made."""

from pathlib import Path

from vitrine import bundle


def test_manifest_says_how_the_version_was_made(published: Path) -> None:
    origin = bundle.read_manifest(published).origin

    assert origin.command.startswith("python -m training ")
    assert {"keras", "onnxruntime"} <= set(origin.libraries)
    assert set(origin.split) - {"held_out"} == {"train", "validation", "calibration", "test"}
