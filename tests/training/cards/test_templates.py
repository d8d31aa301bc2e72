"""Templates of the cards: complete, and filled with nothing that they do not name."""

import re
from pathlib import Path

import pytest

import training
from training.cards.templates import fill

CARDS = Path(training.__path__[0]) / "cards"


def test_template_is_filled() -> None:
    assert fill("kept_epoch", epochs="20", kept="7") == (
        "Epoch 7 of 20 had the smallest validation loss; its weights were kept."
    )


def test_empty_value_leaves_no_space_at_the_end_of_its_line() -> None:
    limits = fill("picture_limits", shows="photos", labels="3", credibility="", size="9 x 9")

    assert "shows any of them.\n" in limits


def test_name_without_a_value_is_refused() -> None:
    with pytest.raises(KeyError, match="kept"):
        fill("kept_epoch", epochs="20")


def test_value_without_a_name_is_refused() -> None:
    with pytest.raises(TypeError, match="has no name for seed"):
        fill("kept_epoch", epochs="20", kept="7", seed="0")


def test_every_template_is_used() -> None:
    code = "".join(path.read_text() for path in CARDS.parent.rglob("*.py"))

    unused = [
        path.stem for path in CARDS.glob("*.md") if not re.search(rf"[\"']{path.stem}[\"']", code)
    ]

    assert not unused
