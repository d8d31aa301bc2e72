"""Frames that are drawn around digits: boxes of forms, borders of canvases, cells of tables."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageOps

# A digit is drawn in a square of this side; frames stand in a margin around it.
_SIDE, _MARGIN = 200, 60
_WHOLE = _SIDE + 2 * _MARGIN
_INSET = 20
_BOX = (_INSET, _INSET, _WHOLE - _INSET, _WHOLE - _INSET)

Frame = Callable[[ImageDraw.ImageDraw], None]


def _box(pen: ImageDraw.ImageDraw, *, width: int = 3, level: int = 0) -> None:
    pen.rectangle(_BOX, outline=level, width=width)


def _double(pen: ImageDraw.ImageDraw) -> None:
    _box(pen)
    pen.rectangle((_INSET - 8, _INSET - 8, _BOX[2] + 8, _BOX[3] + 8), outline=0, width=2)


def _dashed(pen: ImageDraw.ImageDraw) -> None:
    for start in range(_INSET, _BOX[2], 16):
        for edge in (_INSET, _BOX[2]):
            pen.line((start, edge, start + 8, edge), fill=0, width=3)
            pen.line((edge, start, edge, start + 8), fill=0, width=3)


def _cell(pen: ImageDraw.ImageDraw) -> None:
    for edge in (_INSET, _BOX[2]):
        pen.line((0, edge, _WHOLE, edge), fill=0, width=2)
        pen.line((edge, 0, edge, _WHOLE), fill=0, width=2)


FRAMES: Mapping[str, Frame] = MappingProxyType(
    {
        "none": lambda _: None,
        "black box of 2 pixels": lambda pen: _box(pen, width=2),
        "black box of 4 pixels": lambda pen: _box(pen, width=4),
        "grey box": lambda pen: _box(pen, level=150),
        "box with round corners": lambda pen: pen.rounded_rectangle(_BOX, 40, outline=0, width=3),
        "double box": _double,
        "dashed box": _dashed,
        "circle": lambda pen: pen.ellipse((3, 3, _WHOLE - 3, _WHOLE - 3), outline=0, width=3),
        "cell of a table": _cell,
    }
)


def framed(picture: Image.Image, frame: Frame) -> Image.Image:
    """Draw a frame around a digit on paper, with a margin around the frame."""
    grey = np.asarray(picture.convert("L"))
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = int(np.median(edge))
    digit = Image.fromarray(grey)
    if paper < 128:
        digit, paper = ImageOps.invert(digit), 255 - paper
    digit = ImageOps.contain(digit, (_SIDE, _SIDE), Image.Resampling.BICUBIC)
    whole = Image.new("L", (_WHOLE, _WHOLE), paper)
    whole.paste(digit, ((_WHOLE - digit.width) // 2, (_WHOLE - digit.height) // 2))
    lines = Image.new("L", whole.size, 255)
    frame(ImageDraw.Draw(lines))
    return ImageChops.darker(whole, lines)
