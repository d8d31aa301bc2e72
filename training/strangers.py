"""Pictures that belong to no set, made by code: a network should find them strange."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from vitrine.geometry import GEOMETRIES

Pixels = NDArray[np.uint8]

# Without those that could be a digit: B, D, G, I, L, O, Q, S and Z.
LETTERS = "ACEFHJKMNPRTUVWXY"
_FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSansMono")
_SIDE = 96


def letters(geometry_name: str, shape: tuple[int, ...]) -> Pixels:
    """Set every letter in a few typefaces and bring it to a geometry.

    Args:
        geometry_name: One of `vitrine.geometry.GEOMETRIES`.
        shape: Of one picture as the network takes it.

    Shapes:
        (n, height, width, channels), levels in [0, 255].
    """
    drawn = [_letter(letter, font) for font in _FONTS for letter in LETTERS]
    fitted = [GEOMETRIES[geometry_name].fit(each[..., np.newaxis], shape).pixels for each in drawn]
    return np.stack(fitted).astype(np.uint8)


def _letter(letter: str, font: str) -> Pixels:
    """Draw one letter, dark on white paper.

    Shapes:
        (height, width).
    """
    folder = Path(mpl.get_data_path()) / "fonts/ttf"
    sheet = Image.new("L", (_SIDE, _SIDE), 255)
    ImageDraw.Draw(sheet).text(
        (_SIDE / 2, _SIDE / 2),
        letter,
        fill=10,
        font=ImageFont.truetype(str(folder / f"{font}.ttf"), 0.7 * _SIDE),
        anchor="mm",
    )
    return np.asarray(sheet)


def strangers(pixels: Pixels, geometry_name: str, rng: np.random.Generator) -> Mapping[str, Pixels]:
    """Make pictures of several kinds that look less and less unlike those of a set.

    Args:
        pixels: Of the set, in its geometry; some kinds are made of them.
        geometry_name: One of `vitrine.geometry.GEOMETRIES`.
        rng: Draws noise and orders.

    Returns:
        Pictures by kind.

    Shapes:
        Each (n, height, width, channels), levels in [0, 255].
    """
    count, *shape = pixels.shape
    shuffled = rng.permuted(pixels.reshape(count, -1), axis=1)
    return {
        "noise": rng.integers(0, 256, pixels.shape, dtype=np.uint8),
        "inverted": 255 - pixels,
        "shuffled": shuffled.reshape(pixels.shape),
        "letters": letters(geometry_name, tuple(shape)),
    }
