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


def test_card_has_the_scores_of_its_manifest(published: Path) -> None:
    manifest = bundle.read_manifest(published)
    lines = (published / "CARD.md").read_text().splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("| part | instances"))
    _, _, *measures = _cells(lines[start])

    for part, scores in manifest.scores.items():
        row = next(_cells(line) for line in lines[start:] if line.startswith(f"| {part} |"))
        assert int(row[1]) == manifest.origin.split[part]
        shown = {
            name.replace(" ", "_"): float(cell.split(" ± ")[0])
            for name, cell in zip(measures, row[2:], strict=True)
        }
        assert shown == {name: pytest.approx(scores[name], rel=1e-4) for name in shown}
        assert shown.keys() == {name for name in scores if not name.endswith("_standard_error")}


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_card_of_pictures_tells_the_temperature_that_was_applied(picture_bundle: Path) -> None:
    calibration = bundle.read_manifest(picture_bundle).calibration
    stated = re.search(r"the temperature, ([\d.]+), ", (picture_bundle / "CARD.md").read_text())

    assert calibration is not None
    assert stated is not None
    assert float(stated[1]) == pytest.approx(calibration.temperature, rel=5e-3)


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


def test_card_counts_what_its_manifest_counts(published: Path) -> None:
    manifest = bundle.read_manifest(published)
    card = (published / "CARD.md").read_text()
    split = manifest.origin.split

    spared = re.findall(r"([\d,]+) (?:pictures|rows) (?:calibrated the model)", card)
    too_few = re.findall(r"([\d,]+) rows are too few", card)

    assert [int(each.replace(",", "")) for each in spared] == [split["calibration"]] * len(spared)
    assert [int(each) for each in too_few] == [split["train"] + split["validation"]] * len(too_few)
    assert len(spared) + len(too_few) == 1


PLOTS = {"picture": {"reliability", "credibility"}, "table": {"intervals"}, "small_table": set()}


@pytest.mark.parametrize("kind", PLOTS)
def test_plots_show_how_far_to_trust(kind: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(f"{kind}_bundle")

    drawn = {path.stem for path in (folder / "plots").iterdir()}

    assert drawn & set().union(*PLOTS.values()) == PLOTS[kind]
