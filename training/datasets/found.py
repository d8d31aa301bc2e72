"""What a source of pictures gives, before it is split."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from vitrine.geometry import GEOMETRIES

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Shape = tuple[int, ...]

_TEST_SHARE = 0.2
_TEST_SEED = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All pictures of a source in the network's geometry, with what they show.

    Attributes:
        x, y: Of those to learn from; `test_x`, `test_y` of those for the final score.
        labels: Class labels in the order of the codes.
        sha256: Of all the data, unpacked.
        notes: What the person at the terminal should know of it, one line each.

    Shapes:
        x, test_x: (n, height, width, channels), levels in [0, 255]; y, test_y: (n,), codes.
    """

    x: Pixels
    y: Labels
    test_x: Pixels
    test_y: Labels
    labels: tuple[str, ...]
    sha256: str
    notes: tuple[str, ...] = ()


def fitted(name: str, pictures: Iterable[NDArray[np.generic]], shape: Shape) -> Pixels:
    """Bring pictures to a geometry as the service does.

    Shapes:
        Each picture (height, width, channels); result: (n, *shape).
    """
    fit = GEOMETRIES[name].fit
    return np.stack([fit(each, shape).pixels for each in pictures]).astype(np.uint8)


def split_off_test(
    x: Pixels, y: Labels, *, labels: tuple[str, ...], sha256: str, notes: tuple[str, ...] = ()
) -> Found:
    """Take a fifth of each class for the test, always the same one."""
    places = np.arange(len(y))
    train, test = train_test_split(
        places, test_size=_TEST_SHARE, random_state=_TEST_SEED, stratify=y
    )
    return Found(
        x=x[train],
        y=y[train],
        test_x=x[test],
        test_y=y[test],
        labels=labels,
        sha256=sha256,
        notes=notes,
    )
