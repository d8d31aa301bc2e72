"""Sets of pictures by name, or in a folder; loaded and split by seed."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.datasets import found
from training.datasets.folders import read_folder
from training.datasets.found import Found
from training.datasets.parts import Parts
from training.datasets.published import (
    Contents,
    Fetch,
    Place,
    Published,
    download,
    read_cifar,
    read_embedded_digits,
    read_idx,
)
from training.errors import CannotTrain

Pixels = found.Pixels
Labels = found.Labels

# Fewer say too little of how far to trust an answer; fewer than this many pictures cannot spare
# them, a third of the pictures with those that validate and those that are held out.
_LEAST_CALIBRATION = 50
_LEAST_TO_CALIBRATE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """A source of pictures.

    Attributes:
        name: For the record, and of the model where nothing else is said.
        geometry: That its pictures are brought to.
        target: What a picture shows one of.
        shows: What its pictures are, for the card.
        test: Where its test part is from, for the card.
        read: Finds, verifies and reads it.
    """

    name: str
    geometry: str
    target: str
    shows: str
    test: str
    read: Callable[[Place], Found]


_SPLIT_OFF = "is a fifth of the pictures, drawn once and for all"

DIGITS = tuple("0123456789")
MNIST = Published(
    name="mnist",
    files={
        "train-images-idx3-ubyte.gz": (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
        ),
        "train-labels-idx1-ubyte.gz": (
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
        ),
    },
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)
FASHION_MNIST = Published(
    name="fashion_mnist",
    files={
        "train-images-idx3-ubyte.gz": (
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
        ),
        "train-labels-idx1-ubyte.gz": (
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
        ),
    },
    mirrors=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
)
ARTICLES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_KRIZHEVSKY = ("https://www.cs.toronto.edu/~kriz/",)
CIFAR10 = Published(
    name="cifar10",
    files={
        "cifar-10-python.tar.gz": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
    },
    mirrors=_KRIZHEVSKY,
)
CIFAR100 = Published(
    name="cifar100",
    files={
        "cifar-100-python.tar.gz": (
            "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
        )
    },
    mirrors=_KRIZHEVSKY,
)
CIFAR10_CONTENTS = Contents(
    train=tuple(f"data_batch_{batch}" for batch in range(1, 6)),
    test="test_batch",
    meta="batches.meta",
    codes=b"labels",
    names=b"label_names",
)
CIFAR100_CONTENTS = Contents(
    train=("train",), test="test", meta="meta", codes=b"fine_labels", names=b"fine_label_names"
)

PICTURE_SETS = {
    each.name: each
    for each in (
        PictureSet(
            name="digits8x8",
            geometry="mnist",
            target="digit",
            shows="single digits, written by hand, of 8 x 8 pixels",
            test=_SPLIT_OFF,
            read=read_embedded_digits,
        ),
        PictureSet(
            name="mnist",
            geometry="mnist",
            target="digit",
            shows="single digits, written by hand in the American way of 1990",
            test="is by other writers, and its halves are by different groups of them",
            read=partial(read_idx, published=MNIST, geometry="mnist", labels=DIGITS),
        ),
        PictureSet(
            name="fashion_mnist",
            geometry="fashion",
            target="article",
            shows="single articles before a plain ground, as a German shop of 2017 showed them",
            test="is the published test file",
            read=partial(read_idx, published=FASHION_MNIST, geometry="fashion", labels=ARTICLES),
        ),
        PictureSet(
            name="cifar10",
            geometry="fit",
            target="object",
            shows="small photos from the internet of before 2009",
            test="is the published test file",
            read=partial(read_cifar, published=CIFAR10, contents=CIFAR10_CONTENTS),
        ),
        PictureSet(
            name="cifar100",
            geometry="fit",
            target="object",
            shows="small photos from the internet of before 2009",
            test="is the published test file",
            read=partial(read_cifar, published=CIFAR100, contents=CIFAR100_CONTENTS),
        ),
    )
}


def picture_set(name: str, *, size: int) -> PictureSet:
    """Return the set of that name, or of the pictures in that folder.

    Args:
        name: One of `PICTURE_SETS`, or a folder with one sub-folder a class.
        size: Of a folder's pictures as the network takes them, in pixels a side.

    Raises:
        CannotTrain: It is neither.
    """
    if name in PICTURE_SETS:
        return PICTURE_SETS[name]
    folder = Path(name)
    if not folder.is_dir():
        raise CannotTrain(
            f"SET must be {', '.join(PICTURE_SETS)} or a folder with one sub-folder a class. "
            f"Received: {name!r}."
        )
    return PictureSet(
        name=folder.resolve().name,
        geometry="fit",
        target="class",
        shows="the pictures of one folder",
        test=_SPLIT_OFF,
        read=lambda _place: read_folder(folder, size=size),
    )


@dataclass(frozen=True, slots=True)
class Part:
    """Instances of one part of a picture set with what they show.

    Shapes:
        x: (n, height, width, channels), levels in [0, 255], in the network's geometry.
        y: (n,), codes of class labels.
    """

    x: Pixels
    y: Labels

    def __len__(self) -> int:
        return len(self.y)

    def take(self, places: NDArray[np.int64]) -> "Part":
        """Return the instances at some places."""
        return Part(self.x[places], self.y[places])


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureParts(Parts[Part]):
    """A picture set, whose test part is the published test file where there is one.

    Attributes:
        held_out: Of the same pictures as those that train, and for nothing but to see how far
            answers about pictures of this kind can be trusted; empty where nothing calibrates.
        labels: Class labels in the order of the codes.
        notes: What the person at the terminal should know of the set, one line each.
    """

    held_out: Part
    labels: tuple[str, ...]
    notes: tuple[str, ...]


def default_cache() -> Path:
    """Return the folder that downloads are kept in."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vitrine"


def load_pictures(
    pictures: PictureSet,
    *,
    data: Path | None,
    cache: Path,
    seed: int,
    limit: int | None = None,
    fetch: Fetch = download,
) -> PictureParts:
    """Load a picture set in its geometry and split what is not its test part by seed.

    Five sixths train; of the rest, half calibrates, a quarter each validates and is held out. A
    small set spares 50 to calibrate; a smaller one an eighth to validate, and nothing else.

    Args:
        pictures: Which set.
        data: A folder that holds the set's folder; None to download.
        cache: Folder that downloads are kept in.
        seed: Of the split.
        limit: Use only so many of the pictures that are not for the test, drawn by the seed.
        fetch: Downloads a URL.

    Raises:
        CannotTrain: The pictures cannot be had, or are not what was published.
    """
    read = pictures.read(Place(data, cache, fetch))
    whole = Part(read.x, read.y)
    order = np.random.default_rng(seed).permutation(len(whole))[:limit]
    calibration, validation, held_out, train = np.split(order, _ends(len(order)))
    return PictureParts(
        train=whole.take(train),
        validation=whole.take(validation),
        calibration=whole.take(calibration),
        held_out=whole.take(held_out),
        test=Part(read.test_x, read.test_y),
        sha256=read.sha256,
        labels=read.labels,
        notes=read.notes,
    )


def _ends(count: int) -> list[int]:
    """Return where those end that calibrate, that validate, and that are held out."""
    if count < _LEAST_TO_CALIBRATE:
        validating = max(1, count // 8)
        return [0, validating, validating]
    spared = max(_LEAST_CALIBRATION // 2, count // 24)
    return [2 * spared, 3 * spared, 4 * spared]
