"""Digits as other pens and cameras would have made them.

The amounts suit grey ink, white on black, in the 28 x 28 pixels of MNIST's geometry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from training.augmentation.warping import WarpLimits, warp

Ink: TypeAlias = NDArray[np.floating[Any]]
Pixels: TypeAlias = NDArray[np.uint8]

# Pictures are changed in blocks, whose temporary arrays stay in the processor's cache.
_BLOCK = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitAugmentation:
    """Which changes digits undergo.

    Attributes:
        warp: How far all pictures are warped at most.
        strokes: Share of the pictures whose strokes become thicker or thinner.
        coarse: Share of the pictures whose pixels are doubled.
        edges: Share of the pictures whose edges are sharpened.
        blur: Share of the pictures that are blurred.
        faintness: Share of the pictures whose ink is weakened.
        noise: Share of the pictures with a camera's noise.
        specks: Share of the pictures with specks of dirt.
    """

    warp: WarpLimits = WarpLimits()
    strokes: float = 0.6
    coarse: float = 0.08
    edges: float = 0.15
    blur: float = 0.15
    faintness: float = 0.4
    noise: float = 0.1
    specks: float = 0.1


_DEFAULT = DigitAugmentation()


def augment_digits(
    pictures: Pixels, rng: np.random.Generator, changes: DigitAugmentation = _DEFAULT
) -> Pixels:
    """Return one changed copy of every picture, in the same order.

    The same state of the generator gives the same copies.

    Shapes:
        pictures and result: (n, side, side), ink in [0, 255], white on black.
    """
    changed = np.empty_like(pictures)
    for start in range(0, len(pictures), _BLOCK):
        block = slice(start, start + _BLOCK)
        changed[block] = np.rint(_change(pictures[block] / np.float32(255), rng, changes) * 255)
    return changed


def _change(ink: Ink, rng: np.random.Generator, changes: DigitAugmentation) -> Ink:
    """Change pictures in the order in which pen, paper and camera do."""
    vary_strokes(ink, rng, share=changes.strokes)
    ink = warp(ink, rng, changes.warp)
    coarsen(ink, rng, share=changes.coarse)
    sharpen_edges(ink, rng, share=changes.edges)
    blur(ink, rng, share=changes.blur)
    fade(ink, rng, share=changes.faintness)
    add_noise(ink, rng, share=changes.noise)
    add_specks(ink, rng, share=changes.specks)
    return np.clip(ink, 0, 1)


def vary_strokes(ink: Ink, rng: np.random.Generator, *, share: float) -> None:
    """Thicken the strokes of half of the chosen pictures in place, and thin those of the rest.

    A stroke grows or shrinks by up to a pixel on all sides; of the thickened ones every second
    grows twice.
    """
    chosen = rng.permutation(_choose(rng, len(ink), share))
    thick, thin = np.array_split(chosen, 2)
    for indices in (thick, thick[::2]):
        wide = _spread(ink[indices], np.maximum)
        ink[indices] += _uniform(rng, 0, 1, len(indices)) * (wide - ink[indices])
    full = ink[thin]
    fine = full + _uniform(rng, 0, 0.9, len(thin)) * (_spread(full, np.minimum) - full)
    # A thin pen is not a faint one: the darkest ink keeps its value.
    ink[thin] = fine * _darkest(full) / np.maximum(_darkest(fine), 0.2)


def coarsen(ink: Ink, rng: np.random.Generator, *, share: float) -> None:
    """Redraw pictures in place with pixels twice as large, as in small icons."""
    chosen = _choose(rng, len(ink), share)
    padded = np.pad(ink[chosen], ((0, 0), (0, 1), (0, 1)))
    rows = (padded[:, :-1] + padded[:, 1:]) / 2
    means = (rows[:, :, :-1] + rows[:, :, 1:]) / 2
    large = np.arange(ink.shape[1]) // 2 * 2
    ink[chosen] = means[:, large][:, :, large]


def sharpen_edges(ink: Ink, rng: np.random.Generator, *, share: float) -> None:
    """Steepen edges in place, up to pure black and white, as scanners and paint programs do."""
    chosen = _choose(rng, len(ink), share)
    threshold = _uniform(rng, 0.25, 0.6, len(chosen))
    steepness = np.exp(_uniform(rng, np.log(3), np.log(40), len(chosen)))
    ink[chosen] = np.clip((ink[chosen] - threshold) * steepness + 0.5, 0, 1)


def blur(ink: Ink, rng: np.random.Generator, *, share: float) -> None:
    """Blur pictures in place with a kernel of 3 x 3 pixels, up to their mean."""
    chosen = _choose(rng, len(ink), share)
    weight = _uniform(rng, 0, 1 / 3, len(chosen))
    padded = np.pad(ink[chosen], ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, 1:-1] * (1 - 2 * weight) + weight * (padded[:, :-2] + padded[:, 2:])
    ink[chosen] = rows[:, :, 1:-1] * (1 - 2 * weight) + weight * (rows[:, :, :-2] + rows[:, :, 2:])


def fade(ink: Ink, rng: np.random.Generator, *, share: float) -> None:
    """Bend the tones in place by a gamma of 0.5 to 2, and weaken the ink to a half at the least."""
    chosen = _choose(rng, len(ink), share)
    gamma = np.exp(_uniform(rng, -np.log(2), np.log(2), len(chosen)))
    ink[chosen] = np.power(ink[chosen], gamma) * _uniform(rng, 0.5, 1, len(chosen))


def add_noise(ink: Ink, rng: np.random.Generator, *, share: float) -> None:
    """Add the noise of a camera in place."""
    chosen = _choose(rng, len(ink), share)
    noise = rng.standard_normal((len(chosen), *ink.shape[1:]), dtype=np.float32)
    ink[chosen] += noise * _uniform(rng, 0, 0.08, len(chosen))


def add_specks(ink: Ink, rng: np.random.Generator, *, share: float, count: int = 2) -> None:
    """Add single pixels of dirt in place."""
    chosen = _choose(rng, len(ink), share)
    for _ in range(count):
        row, column = rng.integers(2, ink.shape[1] - 2, (2, len(chosen)))
        ink[chosen, row, column] += 0.8 * rng.random(len(chosen), dtype=np.float32)


def _choose(rng: np.random.Generator, count: int, share: float) -> NDArray[np.intp]:
    return np.flatnonzero(rng.random(count) < share)


def _uniform(rng: np.random.Generator, low: float, high: float, count: int) -> Ink:
    return rng.uniform(low, high, (count, 1, 1)).astype(np.float32)


def _darkest(ink: Ink) -> Ink:
    darkest: Ink = ink.max(axis=(1, 2), keepdims=True)
    return darkest


def _spread(ink: Ink, extreme: Callable[..., Ink]) -> Ink:
    """Dilate (np.maximum) or erode (np.minimum) over a pixel and its four neighbours."""
    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    vertical = extreme(padded[:, :-2, 1:-1], padded[:, 2:, 1:-1])
    horizontal = extreme(padded[:, 1:-1, :-2], padded[:, 1:-1, 2:])
    return extreme(ink, extreme(vertical, horizontal))
