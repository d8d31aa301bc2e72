"""Strokes of the ten digits, as a hand may draw them, and what draws them on the page."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import cos, pi, sin

from playwright.sync_api import Page

# Across and down, as shares of the sides of the paper.
Point = tuple[float, float]
Stroke = Sequence[Point]

_PAPER = "#draw-canvas"


def _line(*corners: Point, points: int = 8) -> list[Point]:
    """Go from corner to corner, with some points on each side."""
    stroke: list[Point] = []
    for (x, y), (to_x, to_y) in pairwise(corners):
        shares = [index / points for index in range(points)]
        stroke += [(x + share * (to_x - x), y + share * (to_y - y)) for share in shares]
    return [*stroke, corners[-1]]


def _arc(middle: Point, radii: Point, start: float, end: float, points: int = 24) -> list[Point]:
    """Go along an ellipse from one angle to another, in degrees from the right, clockwise."""
    angles = [(start + (end - start) * index / points) * pi / 180 for index in range(points + 1)]
    return [(middle[0] + radii[0] * cos(a), middle[1] + radii[1] * sin(a)) for a in angles]


DIGITS: Mapping[str, Sequence[Stroke]] = {
    "0": [_arc((0.5, 0.5), (0.2, 0.32), -80, 275, 40)],
    "1": [_line((0.42, 0.3), (0.54, 0.18), (0.5, 0.82))],
    "2": [
        [
            *_arc((0.48, 0.34), (0.17, 0.16), 190, 370),
            *_line((0.64, 0.42), (0.52, 0.6), (0.33, 0.8), (0.5, 0.77), (0.7, 0.8)),
        ]
    ],
    "3": [
        [
            *_arc((0.47, 0.33), (0.17, 0.15), 200, 440),
            *_arc((0.47, 0.64), (0.2, 0.17), -80, 150),
        ]
    ],
    "4": [_line((0.4, 0.18), (0.3, 0.52), (0.68, 0.5)), _line((0.62, 0.2), (0.58, 0.84))],
    "5": [
        [
            *_line((0.66, 0.2), (0.4, 0.21), (0.37, 0.46)),
            *_arc((0.47, 0.62), (0.2, 0.2), -115, 140),
        ]
    ],
    "6": [
        [
            *_line((0.6, 0.16), (0.42, 0.38), (0.34, 0.6)),
            *_arc((0.49, 0.66), (0.16, 0.16), 180, -170),
        ]
    ],
    "7": [_line((0.3, 0.22), (0.7, 0.2), (0.6, 0.42), (0.45, 0.82))],
    "8": [
        [
            *_arc((0.5, 0.34), (0.14, 0.15), -60, -270),
            *_arc((0.5, 0.65), (0.17, 0.16), -90, 270),
            *_arc((0.5, 0.34), (0.14, 0.15), 90, -60),
        ]
    ],
    "9": [
        [
            *_arc((0.48, 0.36), (0.16, 0.17), -20, -350),
            *_line((0.64, 0.34), (0.63, 0.5), (0.57, 0.83)),
        ]
    ],
}
# It may be a 1 or a 7.
ONE_OR_SEVEN: Sequence[Stroke] = [_line((0.38, 0.28), (0.56, 0.2), (0.46, 0.82))]
SCRIBBLE: Sequence[Stroke] = [
    _line(*[(0.1 + 0.8 * (37 * i % 23) / 22, 0.1 + 0.8 * (53 * i % 29) / 28) for i in range(26)])
]


def draw(page: Page, strokes: Sequence[Stroke]) -> None:
    """Draw with the mouse."""
    for stroke in strokes:
        first, *others = _on_screen(page, stroke)
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point)
        page.mouse.up()


def draw_with_finger(page: Page, strokes: Sequence[Stroke]) -> None:
    """Draw with a finger, on a screen that fingers touch."""
    for stroke in strokes:
        touch(page, _on_screen(page, stroke))


def draw_with_pen(page: Page, strokes: Sequence[Stroke], force: float) -> None:
    """Draw with a pen that presses with this force, between 0 and 1."""
    session = page.context.new_cdp_session(page)
    for stroke in strokes:
        points = _on_screen(page, stroke)
        kinds = ["mousePressed", *["mouseMoved"] * (len(points) - 2), "mouseReleased"]
        for kind, (x, y) in zip(kinds, points, strict=True):
            pen = {"pointerType": "pen", "force": force, "button": "left", "buttons": 1}
            event = {"type": kind, "x": x, "y": y, "clickCount": 1, **pen}
            session.send("Input.dispatchMouseEvent", event)
    session.detach()


def touch(page: Page, points: Sequence[Point]) -> None:
    """Put a finger on the screen, move it from point to point, and lift it."""
    session = page.context.new_cdp_session(page)
    kinds = ["touchStart", *["touchMove"] * (len(points) - 1)]
    for kind, (x, y) in zip(kinds, points, strict=True):
        event = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
        session.send("Input.dispatchTouchEvent", event)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def _on_screen(page: Page, stroke: Stroke) -> list[Point]:
    """Return the points in pixels of the screen, after scrolling the paper into it."""
    paper = page.locator(_PAPER)
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    assert box
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
