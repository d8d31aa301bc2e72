"""A digit in a drawn frame is read without the frame, and a 0 is no frame."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tests.pictures import DIGITS, coverage, noisy, painted, shaded
from tests.vitrine.geometry.likeness import likeness
from vitrine.geometry.fitted import Fitted
from vitrine.geometry.frames import add_margin
from vitrine.geometry.mnist import fit_mnist

Share = NDArray[np.float64]
Draw = Callable[[ImageDraw.ImageDraw, int], None]

_OVERSAMPLING = 4


def fitted(pixels: NDArray[np.generic]) -> Fitted:
    return fit_mnist(pixels if pixels.ndim == 3 else pixels[..., np.newaxis], (28, 28, 1))


def drawn(share: Share, draw: Draw) -> Share:
    """Draw over a picture with a fine pen.

    Args:
        share: How much of each pixel is ink.
        draw: Function that draws, with a pen and the number of its pixels in a pixel.
    """
    height, width = share.shape
    fine = Image.new("L", (_OVERSAMPLING * width, _OVERSAMPLING * height))
    draw(ImageDraw.Draw(fine), _OVERSAMPLING)
    drawn_share = np.asarray(fine.resize((width, height), Image.Resampling.BOX), np.float64) / 255
    return np.maximum(share, drawn_share)


def framed(
    share: Share, *, inset: int = 12, line: int = 3, radius: int = 0, round_: bool = False
) -> Share:
    """Draw a box, or an ellipse, `inset` pixels within the picture's edge."""

    def draw(pen: ImageDraw.ImageDraw, scale: int) -> None:
        far = [scale * (side - inset) - 1 for side in share.shape[::-1]]
        box = (scale * inset, scale * inset, *far)
        options: dict[str, Any] = {"outline": 255, "width": scale * line}
        if round_:
            pen.ellipse(box, **options)
        else:
            pen.rounded_rectangle(box, scale * radius, **options)

    return drawn(share, draw)


def with_lines(share: Share, *lines: tuple[float, float, float, float], line: int = 3) -> Share:
    """Draw straight lines from (x, y) to (x, y)."""

    def draw(pen: ImageDraw.ImageDraw, scale: int) -> None:
        for ends in lines:
            pen.line([scale * value for value in ends], fill=255, width=scale * line)

    return drawn(share, draw)


def dashed(share: Share) -> Share:
    rows, columns = np.indices(share.shape)
    lines = framed(np.zeros_like(share))
    return np.maximum(share, np.where((rows // 8 + columns // 8) % 2, lines, 0))


def in_grid(share: Share) -> Share:
    side = share.shape[0]
    positions = (12, side - 12)
    upright = [(x, 0, x, side) for x in positions]
    level = [(0, y, side, y) for y in positions]
    return with_lines(share, *upright, *level)


def turned(pixels: NDArray[np.uint8], *, degrees: float) -> NDArray[np.uint8]:
    paper = tuple(int(level) for level in pixels[0, 0])
    image = Image.fromarray(pixels).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=paper)
    return np.asarray(image)


def on_grey_page(share: Share) -> NDArray[np.uint8]:
    """Paint a white canvas with a border on a grey page."""
    pixels = painted(framed(share), paper=(255, 255, 255))
    page = np.full_like(pixels, 220)
    page[12:-12, 12:-12] = pixels[12:-12, 12:-12]
    return page


def in_grey_box(share: Share) -> NDArray[np.uint8]:
    lines = framed(np.zeros_like(share))
    return np.minimum(painted(share), painted(lines, ink=(150, 150, 150)))


@pytest.mark.parametrize("digit", list(DIGITS))
@pytest.mark.parametrize(
    "in_frame",
    [
        lambda share: painted(framed(share)),
        lambda share: painted(framed(share, line=2)),
        lambda share: painted(framed(np.pad(share, 60))),
        in_grey_box,
        lambda share: painted(framed(share, radius=30)),
        lambda share: painted(framed(np.pad(share, 40), round_=True)),
        lambda share: painted(framed(framed(np.pad(share, 10)), inset=5)),
        lambda share: painted(with_lines(framed(share), (70, 188, 70, 178), (130, 188, 130, 178))),
        lambda share: painted(dashed(share)),
        lambda share: painted(in_grid(share)),
        lambda share: painted(framed(share, inset=0)),
        lambda share: painted(framed(share)[:, 12:]),
        lambda share: painted(framed(share), ink=(240, 240, 240), paper=(10, 10, 10)),
        lambda share: noisy(shaded(turned(painted(framed(np.pad(share, 30))), degrees=4))),
        lambda share: painted(framed(np.pad(share, ((0, 120), (150, 0))))),
        lambda share: painted(with_lines(framed(np.pad(share, 20), inset=40), (10, 9, 60, 9))),
        on_grey_page,
    ],
    ids=[
        "box",
        "thin-line",
        "far-away",
        "grey",
        "round-corners",
        "circle",
        "double",
        "ticks",
        "dashed",
        "cell-of-a-table",
        "along-the-edge",
        "cut-on-the-left",
        "white-on-black",
        "photographed-askew",
        "digit-in-a-corner",
        "something-outside",
        "canvas-on-a-page",
    ],
)
def test_frame_is_removed(digit: str, in_frame: Callable[[Share], NDArray[np.uint8]]) -> None:
    share = coverage(digit)

    result = fitted(in_frame(share))

    assert likeness(result, fitted(painted(share))) > 0.85
    assert "frame removed" in result.steps


@pytest.mark.parametrize("side", [28, 56, 112])
@pytest.mark.parametrize("digit", list(DIGITS))
def test_frame_is_removed_from_a_small_picture(digit: str, side: int) -> None:
    share = coverage(digit, side=side)

    result = fitted(painted(framed(np.pad(share, 4), inset=3, line=1)))

    assert likeness(result, fitted(painted(share))) > 0.85


@pytest.mark.parametrize("gap", [0, 1, 2])
def test_frame_that_touches_the_digit_is_removed(gap: int) -> None:
    share = coverage("7")
    columns = np.flatnonzero(share.any(axis=0))
    cut = share[:, columns[0] - 12 - 3 - gap :]

    result = fitted(painted(framed(cut)))

    assert likeness(result, fitted(painted(share))) > 0.8
    assert "frame removed" in result.steps


def zero(*, width: int = 100, line: int = 14, radius: int = 50) -> Share:
    """Draw a 0 of 160 pixels' height: round, or a box with round corners."""

    def draw(pen: ImageDraw.ImageDraw, scale: int) -> None:
        box = [scale * value for value in (100 - width / 2, 20, 100 + width / 2, 180)]
        pen.rounded_rectangle(box, scale * radius, outline=255, width=scale * line)

    return drawn(np.zeros((200, 200)), draw)


def eight() -> Share:
    return with_lines(zero(radius=0), (50, 100, 150, 100), line=14)


@pytest.mark.parametrize(
    "share",
    [
        zero(),
        zero(radius=0),
        zero(width=150, radius=10, line=5),
        with_lines(zero(radius=20, line=5), (53, 30, 53, 170), line=9),
        with_lines(zero(), (93, 100, 107, 100), line=14),
        with_lines(zero(), (60, 150, 140, 50), line=14),
        with_lines(zero(radius=10), (60, 150, 140, 50), line=14),
        with_lines(zero(), (88, 118, 112, 82), line=14),
        eight(),
    ],
    ids=[
        "round",
        "angular",
        "angular-and-thin",
        "wider-on-one-side",
        "dotted",
        "slashed",
        "angular-and-slashed",
        "dashed",
        "angular-eight",
    ],
)
@pytest.mark.parametrize("margin", [0, 100])
def test_digit_around_a_hole_is_no_frame(share: Share, margin: int) -> None:
    assert "frame removed" not in fitted(painted(np.pad(share, margin))).steps


@pytest.mark.parametrize("share", [zero(), eight()], ids=["zero", "eight"])
def test_digit_around_a_hole_is_kept_within_a_frame(share: Share) -> None:
    result = fitted(painted(framed(np.pad(share, 10))))

    assert likeness(result, fitted(painted(share))) > 0.9


@pytest.mark.parametrize(
    "change",
    [partial(np.subtract, 255), lambda pixels: pixels],
    ids=["dark-on-light", "light-on-dark"],
)
def test_picture_without_a_line_along_its_edge_gets_no_margin(
    change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
) -> None:
    pixels = change(painted(coverage("7")))

    assert add_margin(pixels) is pixels


def test_picture_that_was_cut_along_a_frame_gets_a_margin_of_paper() -> None:
    pixels = painted(framed(coverage("7"), inset=0))

    larger = add_margin(pixels)

    assert larger.shape == (240, 240, 3)
    np.testing.assert_array_equal(larger[0, 0], pixels[10, 10])
    np.testing.assert_array_equal(larger[20:-20, 20:-20], pixels)
