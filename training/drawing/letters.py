"""Letters of five fonts."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]

# All capital letters but those that look like a digit: B, D, G, I, L, O, Q, S and Z.
LETTERS = "ACEFHJKMNPRTUVWXY"
# The fonts that come with matplotlib.
_FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSansMono")
_SIDE = 96


def draw_letters() -> Pixels:
    """Draw every letter in every font, dark on white paper.

    Shapes:
        (n, 96, 96, 1).
    """
    letters = [_draw_letter(letter, font) for font in _FONTS for letter in LETTERS]
    return np.stack(letters)[..., np.newaxis]


def _draw_letter(letter: str, font: str) -> Pixels:
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
