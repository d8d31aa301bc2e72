"""All pictures of a source, before they are split by seed."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from training.progress import track
from vitrine.geometry import GEOMETRIES

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Shape = tuple[int, ...]

_TEST_SHARE = 0.2
_TEST_SEED = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureData:
    """All pictures of a source in the geometry of the network, with their labels.

    Attributes:
        x: Pictures to learn from.
        y: Codes of their labels.
        test_x: Pictures for the final score.
        test_y: Codes of their labels.
        labels: Class labels in the order of the codes.
        sha256: Hash of all the data, unpacked.
        validation: Pictures to validate with, and the codes of their labels; None where some of
            `x` are to validate.
        notes: What the user should know about the data, one line each.
        example: File of the first test picture; None where the pictures have no files of their own.

    Shapes:
        x, test_x: (n, height, width, channels), levels in [0, 255]; y, test_y: (n,).
    """

    x: Pixels
    y: Labels
    test_x: Pixels
    test_y: Labels
    labels: tuple[str, ...]
    sha256: str
    validation: tuple[Pixels, Labels] | None = None
    notes: tuple[str, ...] = ()
    example: Path | None = None


def fit_pictures(name: str, pictures: Collection[NDArray[np.generic]], shape: Shape) -> Pixels:
    """Bring pictures to a geometry as the service does.

    Args:
        name: Name of the geometry.
        pictures: The pictures.
        shape: Shape of a picture as the network takes it.

    Shapes:
        Each picture (height, width, channels); result: (n, *shape).
    """
    fit = GEOMETRIES[name].fit
    fitted = [fit(each, shape).pixels for each in track(pictures, "pictures")]
    return np.stack(fitted).astype(np.uint8)


def split_off_test(
    x: Pixels,
    y: Labels,
    *,
    labels: tuple[str, ...],
    sha256: str,
    validation: tuple[Pixels, Labels] | None = None,
    notes: tuple[str, ...] = (),
) -> PictureData:
    """Keep a fifth of each class for the test part, which is always the same fifth.

    Args:
        x: Pictures to learn from, and to split.
        y: Codes of their labels.
        labels: Class labels in the order of the codes.
        sha256: Hash of all the data.
        validation: Pictures to validate with, and the codes of their labels, if they are given.
        notes: What the user should know about the data, one line each.
    """
    train, test = split_indices(y)
    return PictureData(
        x=x[train],
        y=y[train],
        test_x=x[test],
        test_y=y[test],
        labels=labels,
        sha256=sha256,
        validation=validation,
        notes=notes,
    )


def split_indices(y: Labels) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices of the pictures to learn from, and of the fifth of each class to test.

    Args:
        y: Codes of the labels of all pictures.
    """
    train, test = train_test_split(
        np.arange(len(y)), test_size=_TEST_SHARE, random_state=_TEST_SEED, stratify=y
    )
    return train, test
