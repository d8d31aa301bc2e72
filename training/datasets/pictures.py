"""A picture set, split into parts by seed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.datasets.parts import Parts
from training.datasets.picture_data import Labels, Pixels
from training.datasets.picture_sets import PictureSet
from training.datasets.published import Fetch, Location, download

# Fewer calibration pictures say too little about how far to trust a prediction.
_MIN_CALIBRATION = 50
# A set with fewer pictures has none to spare: calibration, validation and the held-out part would
# take a third of them.
_MIN_TO_CALIBRATE = 300


@dataclass(frozen=True, slots=True)
class Part:
    """The pictures of one part with their labels.

    Attributes:
        x: Pictures in the geometry of the network.
        y: Codes of their class labels.

    Shapes:
        x: (n, height, width, channels), levels in [0, 255]; y: (n,).
    """

    x: Pixels
    y: Labels

    def __len__(self) -> int:
        return len(self.y)

    def take(self, indices: NDArray[np.int64]) -> "Part":
        """Return the pictures at the indices, in that order."""
        return Part(self.x[indices], self.y[indices])


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureParts(Parts[Part]):
    """A picture set in parts. The test part is the published test file where there is one.

    Attributes:
        held_out: Pictures from the training file that nothing else uses. They show how well the
            calibration holds for such pictures. Empty where there is no calibration part.
        labels: Class labels in the order of the codes.
        notes: What the user should know about the set, one line each.
        example: File of the first test picture; None where the pictures have no files of their own.
    """

    held_out: Part
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    example: Path | None = None


def load_pictures(
    pictures: PictureSet,
    *,
    data: Path | None,
    cache: Path,
    seed: int,
    limit: int | None = None,
    fetch: Fetch = download,
) -> PictureParts:
    """Load a picture set in its geometry, and split all but its test part by seed.

    Five sixths of the pictures train. Half of the rest calibrates, a quarter validates, and a
    quarter is held out. A small set keeps 50 pictures to calibrate. A set of fewer than 300
    pictures keeps an eighth to validate, and nothing else. Where the set comes with pictures to
    validate with, none of the others validates.

    Args:
        pictures: The set.
        data: Folder that holds the folder of the set; None to download.
        cache: Folder that keeps downloads.
        seed: Seed of the split.
        limit: Largest number of pictures to use besides the test part, drawn by the seed.
        fetch: Downloads a URL.

    Raises:
        CannotTrain: The pictures cannot be found or downloaded, or differ from the published ones.
    """
    read = pictures.read(Location(data, cache, fetch))
    whole = Part(read.x, read.y)
    order = np.random.default_rng(seed).permutation(len(whole))[:limit]
    ends = _part_ends(len(order), validates=read.validation is None)
    calibration, validation, held_out, train = np.split(order, ends)
    return PictureParts(
        train=whole.take(train),
        validation=Part(*read.validation) if read.validation else whole.take(validation),
        calibration=whole.take(calibration),
        held_out=whole.take(held_out),
        test=Part(read.test_x, read.test_y),
        sha256=read.sha256,
        labels=read.labels,
        notes=read.notes,
        example=read.example,
    )


def _part_ends(count: int, *, validates: bool) -> list[int]:
    """Return the indices after calibration, validation and the held-out part.

    Args:
        count: Number of pictures.
        validates: Whether some of the pictures validate.
    """
    if count < _MIN_TO_CALIBRATE:
        validating = max(1, count // 8) if validates else 0
        return [0, validating, validating]
    quarter = max(_MIN_CALIBRATION // 2, count // 24)
    validating = quarter if validates else 0
    return [2 * quarter, 2 * quarter + validating, 3 * quarter + validating]
