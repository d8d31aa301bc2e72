"""The plots of the card of a table."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.made_tables import PLAIN, made_config
from training.datasets.column_kinds import Overrides
from training.experiments import tables
from training.experiments.tables import LearningConfig


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_plots_of_classes_are_on_the_card(
    published_tables: Callable[[str, str], Path], kind: str
) -> None:
    folder = published_tables(kind, "plain")
    card = (folder / "CARD.md").read_text()

    drawn = {path.stem for path in (folder / "plots").glob("*.png")}
    assert {"confusion", "reliability", "accuracy", "loss", "predictions"} <= drawn
    assert all(f"](plots/{name}.png)" in card for name in drawn)
    assert ("curves" in drawn) == (kind == "binary")


def test_two_features_are_drawn_as_a_surface(tmp_path: Path) -> None:
    described = made_config("binary", tmp_path, LearningConfig(plain=PLAIN))
    folder = tables.train(replace(described, overrides=Overrides(ignored=("c",))))

    assert (folder / "plots" / "surface.png").is_file()
    assert "](plots/surface.png)" in (folder / "CARD.md").read_text()
