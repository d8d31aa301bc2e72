"""Pictures that show no digit: noise, dots, scribbles, letters of printed and of stroke fonts.

Everything is drawn by code from a seed, with the fonts that Debian installs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from training.drawing.digits import curve

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

FONTS = Path("/usr/share/fonts")
STROKE_FONTS = Path("/usr/share/hershey-fonts")
# Names of fonts that have symbols or another script instead of Latin letters.
_NOT_LATIN = ("emoji", "symbol", "math", "dingbat", "music", "icon")
_LATIN_STROKES = (
    *("futural", "futuram", "rowmans", "rowmand", "rowmant"),
    *("scripts", "scriptc", "timesr", "timesi"),
)
# Without the letters that look like a digit in some handwriting: O is 0, l is 1, Z is 2.
LETTERS = "ACEFHJKLMNPQRTUVWXYacdefhjkmnprtuvwxy"
_OVERSAMPLING = 4


def uniform_noise(count: int, *, seed: int) -> Iterator[Pixels]:
    """Draw noise of all grey levels or colours, in several sizes.

    Shapes:
        (height, width) or (height, width, 3).
    """
    rng = np.random.default_rng(seed)
    for index in range(count):
        side = (28, 28, 64, 128, 200)[index % 5]
        shape = (side, side, 3) if index % 4 == 3 else (side, side)
        yield rng.integers(0, 256, shape, dtype=np.uint8)


def dots(count: int, *, seed: int) -> Iterator[Pixels]:
    """Draw from one to forty round dots.

    Shapes:
        (side, side).
    """
    rng = np.random.default_rng(seed)
    for _ in range(count):
        side = int(rng.choice([28, 64, 96, 128]))
        points = rng.uniform(0.1, 0.9, (int(rng.integers(1, 41)), 2)) * side
        radii = rng.uniform(0.01, 0.06, len(points)) * side
        yield _ink(side, [], list(zip(points, radii, strict=True)), rng)


def scribbles(count: int, *, seed: int) -> Iterator[Pixels]:
    """Draw open lines with many turns.

    Shapes:
        (side, side).
    """
    rng = np.random.default_rng(seed)
    for index in range(count):
        side = int(rng.choice([28, 64, 96, 128, 200]))
        turns = int(rng.integers(8, 17))
        if index % 2:
            points = rng.uniform(0.12, 0.88, (turns, 2))
        else:
            across = np.linspace(0.1, 0.9, turns)
            swings = 0.35 * rng.uniform(0.4, 1, turns) * np.where(np.arange(turns) % 2, 1, -1)
            points = np.stack([across, 0.5 + swings], axis=1)[:, :: 1 if index % 4 else -1]
        line = curve(points, steps=24) * side
        yield _ink(side, [line], [], rng, width=side * rng.uniform(0.03, 0.09))


def letters(count: int, *, seed: int) -> Iterator[Pixels]:
    """Draw single letters of printed fonts.

    Shapes:
        (side, side).

    Raises:
        FileNotFoundError: No fonts are installed.
    """
    rng = np.random.default_rng(seed)
    fonts = [
        path
        for path in sorted(FONTS.rglob("*.[ot]tf"))
        if not any(word in path.name.lower() for word in _NOT_LATIN) and _has_letters(path)
    ]
    if not fonts:
        raise FileNotFoundError(FONTS)
    for _ in range(count):
        side = int(rng.integers(48, 200))
        sheet = Image.new("L", (side, side), 255)
        font = ImageFont.truetype(
            fonts[rng.integers(len(fonts))], int(side * rng.uniform(0.4, 0.75))
        )
        letter = LETTERS[rng.integers(len(LETTERS))]
        ImageDraw.Draw(sheet).text((side / 2, side / 2), letter, 0, font, anchor="mm")
        yield _maybe_inverted(np.asarray(sheet), rng)


def _has_letters(path: Path) -> bool:
    """Say whether a font draws A and B differently; a font without letters draws a box for both."""
    font = ImageFont.truetype(path, 20)
    return bytes(font.getmask("A")) != bytes(font.getmask("B"))


def stroke_letters(count: int, *, seed: int) -> Iterator[Pixels]:
    """Draw single letters of stroke fonts, with pens of several widths.

    Shapes:
        (side, side).

    Raises:
        FileNotFoundError: No such fonts are installed.
    """
    rng = np.random.default_rng(seed)
    fonts = [_read_hershey(STROKE_FONTS / f"{name}.jhf") for name in _LATIN_STROKES]
    for _ in range(count):
        side = int(rng.integers(64, 200))
        font = fonts[rng.integers(len(fonts))]
        lines = font[ord(LETTERS[rng.integers(len(LETTERS))]) - ord(" ")]
        points = np.concatenate(lines)
        low, high = points.min(axis=0), points.max(axis=0)
        scale = side * rng.uniform(0.4, 0.75) / max(*(high - low), 1)
        placed = [(line - (low + high) / 2) * scale + side / 2 for line in lines]
        yield _ink(side, placed, [], rng, width=side * rng.uniform(0.025, 0.08))


def _read_hershey(path: Path) -> list[list[Points]]:
    """Read the glyphs of a Hershey font, from the space on, each as lines through points."""
    glyphs: list[list[Points]] = []
    rows = iter(path.read_text("latin-1").splitlines())
    for row in rows:
        if not row.strip():
            continue
        length, body = 2 * int(row[5:8]), row[8:]
        while len(body) < length:
            body += next(rows)
        pairs = [body[start : start + 2] for start in range(2, length, 2)]
        glyphs.append(
            [
                np.array([[ord(letter) - ord("R") for letter in pair] for pair in line], float)
                for line in _split(pairs)
            ]
        )
    return glyphs


def _split(pairs: Sequence[str]) -> list[list[str]]:
    """Split pairs of coordinates where the pen is lifted."""
    lines: list[list[str]] = [[]]
    for pair in pairs:
        if pair == " R":
            lines.append([])
        else:
            lines[-1].append(pair)
    return [line for line in lines if line]


def _ink(
    side: int,
    lines: Sequence[Points],
    spots: Sequence[tuple[Points, float]],
    rng: np.random.Generator,
    *,
    width: float = 1.0,
) -> Pixels:
    """Draw lines with a round pen, and spots."""
    sheet = Image.new("L", (side * _OVERSAMPLING, side * _OVERSAMPLING), 255)
    canvas = ImageDraw.Draw(sheet)
    for line in lines:
        path = [tuple(point) for point in line * _OVERSAMPLING]
        if len(path) > 1:
            canvas.line(path, 0, round(width * _OVERSAMPLING))
        spots = [*spots, *((point, width / 2) for point in line)]
    for (x, y), radius in spots:
        box = np.array([x - radius, y - radius, x + radius, y + radius]) * _OVERSAMPLING
        canvas.ellipse(box.tolist(), 0)
    return _maybe_inverted(np.asarray(sheet.resize((side, side), Image.Resampling.BOX)), rng)


def _maybe_inverted(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Invert every third picture, to light ink on dark paper."""
    return 255 - pixels if rng.random() < 1 / 3 else pixels
