"""How alike two fitted pictures are."""

import numpy as np

from vitrine.geometry.fitted import Fitted


def likeness(one: Fitted, other: Fitted) -> float:
    """Return the correlation of two pictures, one of which may be moved by a pixel."""
    moves = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    moved = [np.roll(one.pixels, move, axis=(0, 1)).ravel() for move in moves]
    return max(float(np.corrcoef(pixels, other.pixels.ravel())[0, 1]) for pixels in moved)


def ink_box(picture: Fitted) -> tuple[int, int]:
    """Return the height and the width of what is not black."""
    rows, columns = np.nonzero(picture.pixels[..., 0])
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
