"""The PNG that a plot is saved as."""

from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from PIL import Image

from training.plots.style import label_logarithmic, saved_figure


def draw_line(path: Path) -> bytes:
    with saved_figure(path, width=2, height=1) as figure:
        figure.subplots().plot([0, 1])
    return path.read_bytes()


def test_equal_plots_are_equal_bytes(tmp_path: Path) -> None:
    assert draw_line(tmp_path / "one.png") == draw_line(tmp_path / "other.png")


def test_plot_that_fails_writes_nothing_and_leaves_no_figure_open(tmp_path: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        saved_figure(tmp_path / "plot.png", width=2, height=1) as figure,
    ):
        figure.subplots().plot([1 / 0])

    assert not (tmp_path / "plot.png").exists()
    assert not plt.get_fignums()


def test_plots_are_pictures_with_something_on_them(published: Path) -> None:
    for path in (published / "plots").iterdir():
        with Image.open(path) as plot:
            assert plot.width > 300
            assert len(plot.convert("L").getcolors() or []) > 10


@pytest.mark.parametrize(
    ("minor", "expected"), [(True, {"0.1", "0.2", "0.5", "1"}), (False, {"0.1", "1"})]
)
def test_logarithmic_axis_is_labelled_with_plain_numbers(
    tmp_path: Path, minor: bool, expected: set[str]
) -> None:
    with saved_figure(tmp_path / "plot.png", width=4, height=3) as figure:
        axes = figure.subplots()
        axes.semilogx([0.1, 1], [0, 1])
        label_logarithmic(axes.xaxis, minor=minor)
        figure.canvas.draw()
        labels = {text.get_text() for text in axes.get_xticklabels(which="both")}

    assert expected <= labels
    assert not any("$" in label for label in labels)
