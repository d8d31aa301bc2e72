"""Pictures made by code: digits as people draw them, on all kinds of paper and in any file."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Strokes = tuple[tuple[tuple[float, float], ...], ...]

# Points of each stroke, x to the right and y down, in a square of side 1.
DIGITS: Mapping[str, Strokes] = MappingProxyType(
    {
        "1": (((0.35, 0.3), (0.55, 0.1), (0.55, 0.9)),),
        "4": (((0.6, 0.1), (0.25, 0.6), (0.8, 0.6)), ((0.65, 0.4), (0.62, 0.9))),
        "5": (
            ((0.35, 0.15), (0.32, 0.45), (0.6, 0.45), (0.68, 0.65), (0.5, 0.88), (0.28, 0.8)),
            ((0.45, 0.1), (0.75, 0.12)),
        ),
        "7": (((0.25, 0.12), (0.75, 0.12), (0.45, 0.9)),),
    }
)


def coverage(digit: str = "5", *, side: int = 200, width: float = 0.08) -> NDArray[np.float64]:
    """Draw a digit into a square of `side` pixels: how much of each pixel is ink, from 0 to 1."""
    large = Image.new("L", (4 * side, 4 * side))
    pen = ImageDraw.Draw(large)
    for stroke in DIGITS[digit]:
        points = [(4 * side * x, 4 * side * y) for x, y in stroke]
        pen.line(points, fill=255, width=max(1, round(4 * side * width)), joint="curve")
    return np.asarray(large.resize((side, side), Image.Resampling.BOX), np.float64) / 255


def painted(
    ink_share: NDArray[np.float64],
    *,
    ink: tuple[int, int, int] = (30, 30, 40),
    paper: tuple[int, int, int] = (240, 238, 230),
) -> NDArray[np.uint8]:
    """Paint ink on paper.

    Shapes:
        ink_share: (height, width).
        returns: (height, width, 3).
    """
    share = ink_share[..., np.newaxis]
    return np.rint(np.array(paper) * (1 - share) + np.array(ink) * share).astype(np.uint8)


def saved(pixels: NDArray[np.generic] | Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """Save a picture as a file of the given format."""
    body = BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(body, form, **options)
    return body.getvalue()


def noisy(pixels: NDArray[np.uint8], *, sigma: float = 3.0) -> NDArray[np.uint8]:
    """Add the grain of a cheap camera, the same for the same picture size."""
    grain = np.random.default_rng(7).normal(0, sigma, pixels.shape)
    return np.clip(pixels + grain, 0, 255).astype(np.uint8)


def shaded(pixels: NDArray[np.uint8], *, depth: float = 0.5) -> NDArray[np.uint8]:
    """Let a soft-edged shadow fall over the right of a picture."""
    x = np.linspace(-1, 1, pixels.shape[1])
    light = 1 - depth / (1 + np.exp(-(x - 0.1) / 0.05))
    return np.rint(pixels * light[:, np.newaxis]).astype(np.uint8)


def ruled(
    pixels: NDArray[np.uint8], *, pitch: int = 30, squared: bool = False
) -> NDArray[np.uint8]:
    """Rule lines over the paper as dark as a thin pen's."""
    lined = pixels.copy()
    lined[pitch // 2 :: pitch] = np.minimum(lined[pitch // 2 :: pitch], 90)
    if squared:
        lined[:, pitch // 2 :: pitch] = np.minimum(lined[:, pitch // 2 :: pitch], 90)
    return lined


def on_table(pixels: NDArray[np.uint8], *, turned_degrees: float = 6) -> NDArray[np.uint8]:
    """Lay a sheet of paper on a dark table, a little turned."""
    table, side = (60, 45, 35), max(pixels.shape) // 3
    sheet = Image.fromarray(pixels)
    size = (sheet.width + 2 * side, sheet.height + 2 * side)
    scene = Image.new("RGB", size, table)
    scene.paste(sheet, (side, side))
    turned = scene.rotate(turned_degrees, Image.Resampling.BICUBIC, fillcolor=table)
    return np.asarray(turned)


def shape(corners: int, rng: np.random.Generator, *, side: int = 64) -> NDArray[np.uint8]:
    """Draw a bright regular shape on a dark ground, of any size, angle and place, with a grain.

    Args:
        corners: Number of corners; many for a disc.
        rng: Generator of everything else.
        side: Height and width of the picture, in pixels.

    Shapes:
        returns: (side, side, 3).
    """
    ground, paint = rng.integers(0, 100, 3), rng.integers(120, 256, 3)
    large = Image.new("RGB", (4 * side, 4 * side), tuple(ground.tolist()))
    angles = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(corners) / corners
    reach, middle = 4 * side * rng.uniform(0.2, 0.4), 4 * side * rng.uniform(0.35, 0.65, 2)
    points = middle + reach * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ImageDraw.Draw(large).polygon([tuple(each) for each in points.tolist()], tuple(paint.tolist()))
    small = np.asarray(large.resize((side, side), Image.Resampling.BOX), np.float64)
    return np.clip(small + rng.normal(0, 25, small.shape), 0, 255).astype(np.uint8)


def write_shapes(folder: Path, *, each: int, seed: int = 0) -> Path:
    """Write discs, squares and triangles into a folder for each, and return the folder of all."""
    rng = np.random.default_rng(seed)
    for label, corners in (("disc", 60), ("square", 4), ("triangle", 3)):
        (folder / label).mkdir(parents=True)
        for number in range(each):
            (folder / label / f"{number}.png").write_bytes(saved(shape(corners, rng)))
    return folder


def mnist_like() -> NDArray[np.uint8]:
    """Draw a digit that already has MNIST's geometry.

    Shapes:
        returns: (28, 28).
    """
    picture = np.zeros((28, 28), np.uint8)
    picture[4:24, 12:16] = 255
    picture[4:24, 12] = 128
    return picture
