"""A version is shown with its card and a prediction."""

from pathlib import Path

import pytest

from tests.bundles import (
    write_picture_bundle,
    write_table_bundle,
)
from tests.training.versions.conftest import rewrite
from training.__main__ import main


def test_show_prints_the_card_and_an_answer_about_a_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (write_table_bundle(tmp_path) / "CARD.md").write_text("# Rooms\n\nWhat they cost.\n")

    main(["show", "rooms", "--models", str(tmp_path)])

    shown = capsys.readouterr().out
    assert "What they cost." in shown
    assert "│ size   │ 1     │" in shown
    assert "│ colour │ red   │" in shown
    assert "What version 1 predicts for price" in shown
    assert "13" in shown.splitlines()[-1]


def test_newest_version_that_may_answer_by_default_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for version in (9, 10):
        write_table_bundle(tmp_path, version=version)
    rewrite(write_table_bundle(tmp_path, version=11), default=False)

    main(["show", "rooms", "--models", str(tmp_path)])

    assert "What version 10 predicts" in capsys.readouterr().out


def test_picture_is_shown_by_its_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_picture_bundle(tmp_path)
    write_picture_bundle(tmp_path, version=2)

    main(["show", "strokes", "--version", "1", "--models", str(tmp_path)])

    shown = capsys.readouterr().out
    assert "picture of 28 x 28 x 1" in shown
    assert "What version 1 predicts" in shown
    assert "left 0.5, right 0.5" in shown


def test_plots_are_named_by_their_paths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_table_bundle(tmp_path)
    (folder / "CARD.md").write_text("# Rooms\n\n![loss by epoch](plots/loss_of_all.png)\n")

    main(["show", "rooms", "--models", str(tmp_path)])

    shown = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert f"loss by epoch: {folder / 'plots/loss_of_all.png'}" in shown
