"""Make the examples: `python examples/make.py` writes seven.png, houses.csv and points.csv here."""

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from training.drawing.digits import Pen, draw_digit, draw_on_paper  # noqa: E402 - found through the line above


def make_seven(path: Path) -> None:
    """Draw a seven with a pen on paper."""
    rng = np.random.default_rng(7)
    pen = Pen(side=280, height=0.56, width=0.036, slant=0.1, tremble=0.015)
    Image.fromarray(draw_on_paper(draw_digit("7", pen, rng), rng)).save(path, optimize=True)


def make_houses(path: Path) -> None:
    """Write invented block groups that could be in California; none of them is from the census."""
    houses = [
        # longitude, latitude, age, rooms, bedrooms, population, households, income, ocean
        (-122.41, 37.76, 48, 2100, 455, 1020, 430, 5.2, "NEAR BAY"),
        (-118.29, 34.02, 40, 1500, 420, 1650, 400, 2.4, "<1H OCEAN"),
        (-121.49, 38.57, 30, 2600, 540, 1300, 510, 3.1, "INLAND"),
        (-119.78, 36.75, 22, 3100, 640, 1900, 600, 2.2, "INLAND"),
        (-117.26, 32.83, 25, 3400, 560, 1250, 530, 8.1, "NEAR OCEAN"),
        (-117.92, 33.63, 18, 2900, "", 980, 450, 9.5, "<1H OCEAN"),
    ]
    header = (
        "longitude,latitude,housing_median_age,total_rooms,total_bedrooms,"
        "population,households,median_income,ocean_proximity"
    )
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(houses)


def make_points(path: Path) -> None:
    """Write points of two colours: those inside of a ring are blue, with a few mistakes."""
    rng = np.random.default_rng(3)
    points = rng.uniform(-2, 2, (600, 2))
    is_inside = np.hypot(points[:, 0], 1.3 * points[:, 1]) + rng.normal(0, 0.08, 600) < 1.2
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["x", "y", "colour"])
        for (x, y), inside in zip(points, is_inside, strict=True):
            writer.writerow([f"{x:.2f}", f"{y:.2f}", "blue" if inside else "orange"])


if __name__ == "__main__":
    make_seven(HERE / "seven.png")
    make_houses(HERE / "houses.csv")
    make_points(HERE / "points.csv")
