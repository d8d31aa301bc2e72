"""Any picture, whole -> the height, width and channels of a network."""

import numpy as np

from vitrine.geometry.fitted import Fitted, Levels, Pixels, Shape, Steps
from vitrine.geometry.raster import border_pixels, grey_weights, resize


def fit_whole(pixels: Pixels, shape: Shape) -> Fitted:
    """Bring a whole picture to a network's shape; its sides keep their proportion.

    Args:
        pixels: Levels in [0, 255].
        shape: Height, width and channels of the result.

    Shapes:
        pixels: (height, width, channels), channels 1 or 3.
    """
    if pixels.shape == shape:
        return Fitted(pixels.astype(np.float32), ())
    steps: Steps = {}
    height, width, channels = shape
    levels = pixels.astype(np.float32)
    # 1. Make it grey, or as colourful as the network expects.
    if levels.shape[2] != channels:
        levels = _with_channels(levels, channels, steps)
    # 2. Resize it, so that it just fits.
    scale = min(height / levels.shape[0], width / levels.shape[1])
    if scale != 1:
        levels = resize(levels, [max(1, round(side * scale)) for side in levels.shape[:2]])
        steps["shrunk" if scale < 1 else "enlarged"] = None
    # 3. Fill what is left on two sides.
    return Fitted(np.clip(np.rint(_padded(levels, shape, steps)), 0, 255), tuple(steps))


def _with_channels(levels: Levels, channels: int, steps: Steps) -> Levels:
    if channels == 1:
        steps["made grey"] = None
        return np.asarray(levels @ grey_weights(3)[:, np.newaxis], np.float32)
    steps["grey taken for colour"] = None
    return np.repeat(levels, channels, axis=2)


def _padded(levels: Levels, shape: Shape, steps: Steps) -> Levels:
    """Put a picture into the middle of a larger one of its border's colour."""
    if levels.shape == shape:
        return levels
    steps["padded"] = None
    whole = np.empty(shape, np.float32)
    whole[:] = np.median(border_pixels(levels), axis=0)
    height, width = levels.shape[:2]
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    whole[top : top + height, left : left + width] = levels
    return whole
