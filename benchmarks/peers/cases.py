"""What is sent: the pictures and rows, and the cases that they make."""

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.datasets.embedded_digits import read_embedded_digits
from training.datasets.published import Location

MANY = 1000
_SEED = 0
_SHIFT = (-5, 4)  # off the centre, with all ink still inside
COLUMNS = (
    *("longitude", "latitude", "housing_median_age", "total_rooms", "total_bedrooms"),
    *("population", "households", "median_income", "ocean_proximity"),
)
_SHORES = ("<1H OCEAN", "INLAND", "NEAR BAY", "NEAR OCEAN")
Row = tuple[float | int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of request to one network.

    Attributes:
        name: As it is asked for.
        title: Of its table and plot.
        network: Model that answers.
        kind: Key of what is sent, by which a server tells how it is asked.
        connections: Numbers of connections that wait for answers; none for a streamed table.
        instances: Number of instances in a request.
    """

    name: str
    title: str
    network: str
    kind: str
    connections: tuple[int, ...] = (1, 16, 64)
    instances: int = 1


MLP, CNN, HOUSES = "mlp", "digits", "housing"
CASES = (
    Case(
        name="picture-mlp",
        title="A 28 x 28 PNG in MNIST's geometry to the MLP of Keras' quickstart",
        network=MLP,
        kind="picture",
    ),
    Case(name="livez", title="The probe of liveness", network=MLP, kind="alive"),
    Case(
        name="off-centre-mlp",
        title="A 28 x 28 PNG off the centre to the MLP",
        network=MLP,
        kind="off-centre",
    ),
    Case(
        name="canvas-mlp",
        title="A drawing of 280 x 280 pixels to the MLP",
        network=MLP,
        kind="canvas",
    ),
    Case(
        name="many-mlp",
        title=f"{MANY} pictures in one multipart body to the MLP",
        network=MLP,
        kind="many",
        connections=(1,),
        instances=MANY,
    ),
    Case(
        name="picture-cnn",
        title="The same PNG to the shipped convolutional network",
        network=CNN,
        kind="picture",
    ),
    Case(
        name="row",
        title="One row as JSON to the shipped network for houses",
        network=HOUSES,
        kind="row",
    ),
    Case(
        name="csv",
        title="A million rows of CSV to the shipped network for houses",
        network=HOUSES,
        kind="table",
        connections=(),
    ),
)


@cache
def digits() -> NDArray[np.uint8]:
    """Return the 1 797 digits of scikit-learn, written by hand, in MNIST's geometry.

    Shapes:
        (n, 28, 28).
    """
    found = read_embedded_digits(Location(data=None, cache=Path()))
    return np.concatenate([found.test_x, found.x])[..., 0]


def png(levels: NDArray[np.uint8]) -> bytes:
    """Write a grey picture as PNG."""
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return file.getvalue()


@cache
def picture() -> bytes:
    """Return a digit as a network of MNIST takes it."""
    return png(digits()[0])


@cache
def off_centre() -> bytes:
    """Return the same digit, moved."""
    return png(np.roll(digits()[0], _SHIFT, axis=(0, 1)))


@cache
def canvas() -> bytes:
    """Return a seven as a web page's canvas sends it: 280 x 280 pixels, a round pen."""
    scale = 4
    image = Image.new("L", (280 * scale, 280 * scale), 255)
    draw = ImageDraw.Draw(image)
    corners = [(x * scale, y * scale) for x, y in ((80, 70), (200, 72), (120, 220))]
    draw.line(corners, fill=0, width=18 * scale, joint="curve")
    for x, y in corners:
        draw.ellipse([x - 36, y - 36, x + 36, y + 36], fill=0)
    return png(np.asarray(image.resize((280, 280), Image.Resampling.LANCZOS)))


@cache
def many() -> tuple[bytes, ...]:
    """Return a thousand different digits."""
    return tuple(png(levels) for levels in digits()[:MANY])


@cache
def rows(number: int) -> tuple[Row, ...]:
    """Return made-up houses with plausible numbers, all different."""
    return tuple(_rows(number))


def _rows(number: int) -> Iterator[Row]:
    chance = random.Random(_SEED)
    for _ in range(number):
        households = chance.randint(50, 1200)
        yield (
            round(chance.uniform(-124.3, -114.4), 2),
            round(chance.uniform(32.6, 41.9), 2),
            chance.randint(1, 52),
            households * chance.randint(3, 8),
            households + chance.randint(0, 400),
            households * chance.randint(2, 4),
            households,
            round(chance.uniform(0.5, 12.0), 4),
            chance.choice(_SHORES),
        )


@cache
def table(number: int) -> bytes:
    """Return rows as CSV, with a header."""
    lines = [",".join(COLUMNS), *(",".join(map(str, row)) for row in rows(number))]
    return ("\n".join(lines) + "\n").encode()
