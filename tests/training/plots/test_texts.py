"""The fonts of plots, and what is written where no font has a character."""

from pathlib import Path

import numpy as np
import pytest

from training.plots.confusion import plot_confusion
from training.plots.style import saved_figure
from training.plots.texts import is_legible, spell_unknown

# No font has a character for this code point, which Unicode leaves to private agreements.
UNKNOWN = "\U0010fffd"


@pytest.mark.parametrize("text", ["Círculo ø", "été, Größe, łódź", "Москва", "", "two\nlines"])
def test_european_letters_are_legible(text: str) -> None:
    assert is_legible(text)
    assert spell_unknown(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UNKNOWN, "U+10FFFD"),
        (f"a{UNKNOWN}", "a U+10FFFD"),
        (f"{UNKNOWN}{UNKNOWN} 1", "U+10FFFD U+10FFFD 1"),
    ],
    ids=["alone", "after a letter", "two and a number"],
)
def test_unknown_characters_are_spelled(text: str, expected: str) -> None:
    assert spell_unknown(text) == expected


def test_plot_of_unknown_characters_is_drawn_without_warnings(tmp_path: Path) -> None:
    with saved_figure(tmp_path / "plot.png", width=4, height=3) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], label=UNKNOWN)
        axes.set(title=UNKNOWN, xlabel=UNKNOWN)
        axes.set_xticks([0, 1], [UNKNOWN, "b"])
        axes.legend()

    texts = {label.get_text() for label in axes.get_xticklabels()}
    assert texts == {"U+10FFFD", "b"}
    assert axes.get_title(loc="left") in {"U+10FFFD", ""}


def test_confusion_of_unknown_labels_is_drawn(tmp_path: Path) -> None:
    counts = np.array([[3, 1], [0, 2]])

    plot_confusion(tmp_path / "plot.png", counts, [UNKNOWN * 20, "b"], title="Test part")

    assert (tmp_path / "plot.png").is_file()
