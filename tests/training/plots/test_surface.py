"""What is predicted over two features."""

from pathlib import Path

import numpy as np
from PIL import Image

from training.plots.surface import FeatureGrid, Points, Surface, plot_surface

NO_POINTS = Points(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))


def test_surface_of_labels_that_are_all_unlikely_is_drawn(tmp_path: Path) -> None:
    grid = FeatureGrid("x", np.linspace(0, 1, 3))
    unlikely = np.full((3, 3, 2), 0.1)

    plot_surface(
        tmp_path / "surface.png", grid, grid, Surface(unlikely, "y", ("a", "b")), NO_POINTS
    )

    assert (tmp_path / "surface.png").is_file()


def test_names_and_labels_with_dollar_signs_are_drawn(tmp_path: Path) -> None:
    grid = FeatureGrid("$\\frac$ in $", np.linspace(0, 1, 3))
    even = np.full((3, 3, 2), 0.5)

    plot_surface(tmp_path / "surface.png", grid, grid, Surface(even, "y", ("$1_$", "b")), NO_POINTS)

    assert (tmp_path / "surface.png").is_file()


def count_colours(path: Path, points: Points) -> int:
    grid = FeatureGrid("x", np.linspace(0, 1, 3))
    values = Surface(np.zeros((3, 3)), "y")
    plot_surface(path, grid, grid, values, points)
    with Image.open(path) as plot:
        return len(plot.convert("RGB").getcolors(1 << 20) or [])


def test_points_are_drawn_over_a_surface(tmp_path: Path) -> None:
    middle = Points(np.array([0.5]), np.array([0.5]), np.array([0.0]))
    beyond = Points(np.array([7.0]), np.array([0.5]), np.array([0.0]))

    without = count_colours(tmp_path / "without.png", NO_POINTS)

    assert count_colours(tmp_path / "with.png", middle) > without
    assert count_colours(tmp_path / "beyond.png", beyond) == without


def test_points_of_a_category_stand_near_their_text() -> None:
    grid = FeatureGrid("c", np.array(["a", "b"], dtype=object))

    places = grid.place(np.array(["b", None, "unknown", "a"], dtype=object))

    np.testing.assert_array_equal(np.isnan(places), [False, True, True, False])
    np.testing.assert_allclose(places[[0, 3]], [1, 0], atol=0.25)
