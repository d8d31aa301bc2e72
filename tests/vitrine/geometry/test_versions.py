"""What a geometry returns belongs to its version: a network only sees what it was trained with.

`results.npz` holds what the geometries returned when these versions were made. Whoever changes a
geometry's results gives it the next version and writes the file again, by running this file:
`python -m tests.vitrine.geometry.test_versions`.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.pictures import coverage, mnist_like, noisy, on_table, painted, ruled, shaded
from tests.soak.framing import FRAMES, framed
from vitrine.errors import BlankPicture
from vitrine.geometry import GEOMETRIES

RESULTS = Path(__file__).with_name("results.npz")
SHAPES = {"mnist": (28, 28, 1), "fashion": (28, 28, 1), "fit": (32, 24, 3)}


def pictures() -> Mapping[str, NDArray[np.uint8]]:
    """Draw digits on paper of many kinds, from canvases to photographs."""
    seven, five = painted(coverage("7")), painted(coverage("5", side=280))
    four = coverage("4", side=28, width=0.1)
    # All but an eighth of the paper has just one colour.
    light = np.maximum(0, np.linspace(-5.5, 2.5, 120))[:, np.newaxis, np.newaxis]
    bent = painted(coverage("7", side=120, width=0.06)) + light
    photograph = on_table(noisy(shaded(five)))
    drawn = {
        "canvas": np.rint(255 * coverage("5", side=280)),
        "black on white": np.rint(255 * (1 - coverage("7", side=150, width=0.16))),
        "thin": painted(coverage("1", side=120, width=0.02)),
        "colour": painted(coverage("4"), ink=(200, 40, 30), paper=(40, 90, 60)),
        "small": np.rint(255 * four),
        "small and moved": np.roll(np.rint(255 * four), (3, -2), axis=(0, 1)),
        "small, black on grey": np.rint(200 - 180 * four),
        "small in a shadow": shaded(painted(coverage("1", side=40, width=0.06))),
        "in its geometry": mnist_like(),
        "grain": noisy(seven, sigma=9),
        "shadow": shaded(seven),
        "ruled": ruled(seven),
        "squared": noisy(ruled(five, squared=True)),
        "bright edge": bent,
        "photograph": photograph,
        "large": photograph.repeat(3, axis=0).repeat(3, axis=1),
        "cut to the ink": seven[15:185, 40:160],
        "noise": np.random.default_rng(3).integers(0, 256, (40, 50)),
    }
    ink = Image.fromarray(painted(coverage("5", side=120)))
    drawn |= {name: np.asarray(framed(ink, frame)) for name, frame in FRAMES.items()}
    return {
        name: levels.reshape(*levels.shape[:2], -1).astype(np.uint8)
        for name, levels in drawn.items()
    }


def fitted(geometry: str) -> dict[str, NDArray[np.uint8]]:
    """Bring all pictures to a geometry; where nothing is found, the result is black."""
    results = {}
    for name, levels in pictures().items():
        try:
            pixels = GEOMETRIES[geometry].fit(levels, SHAPES[geometry]).pixels
        except BlankPicture:
            pixels = np.zeros(SHAPES[geometry], np.float32)
        results[f"{geometry} {GEOMETRIES[geometry].version}: {name}"] = pixels.astype(np.uint8)
    return results


@pytest.mark.parametrize("geometry", sorted(GEOMETRIES))
def test_results_are_those_of_the_version(geometry: str) -> None:
    results = fitted(geometry)

    with np.load(RESULTS) as known:
        assert {name for name in known.files if name.startswith(f"{geometry} ")} == set(results)
        for name, levels in results.items():
            # Another processor adds in another order, which may round a level the other way.
            difference = np.abs(levels.astype(int) - known[name])
            assert difference.max() <= 1, name
            assert np.count_nonzero(difference) <= 0.02 * levels.size, name


if __name__ == "__main__":
    results: dict[str, NDArray[np.uint8]] = {}
    for each in sorted(GEOMETRIES):
        results |= fitted(each)
    np.savez_compressed(RESULTS, allow_pickle=False, **results)
