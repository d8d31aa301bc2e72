"""The card of a trained version."""

import re
from pathlib import Path

import pytest

from training.calibration.coverage import supported_coverages
from vitrine import bundle


def test_card_shows_every_plot(published: Path) -> None:
    shown = re.findall(r"!\[[^\]]+\]\((plots/[^)]+)\)", (published / "CARD.md").read_text())

    assert {published / name for name in shown} == set((published / "plots").iterdir())


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
