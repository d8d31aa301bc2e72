"""What is predicted over two features."""

from pathlib import Path

import numpy as np

from training.plots.surface import FeatureGrid, Surface, plot_surface


def test_surface_of_labels_that_are_all_unlikely_is_drawn(tmp_path: Path) -> None:
    grid = FeatureGrid("x", np.linspace(0, 1, 3))
    unlikely = np.full((3, 3, 2), 0.1)

    plot_surface(tmp_path / "surface.png", grid, grid, Surface(unlikely, "y", ("a", "b")))

    assert (tmp_path / "surface.png").is_file()


def test_names_and_labels_with_dollar_signs_are_drawn(tmp_path: Path) -> None:
    grid = FeatureGrid("$\\frac$ in $", np.linspace(0, 1, 3))
    even = np.full((3, 3, 2), 0.5)

    plot_surface(tmp_path / "surface.png", grid, grid, Surface(even, "y", ("$1_$", "b")))

    assert (tmp_path / "surface.png").is_file()
