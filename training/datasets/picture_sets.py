"""The known picture sets, and folders of pictures as sets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from training.datasets.cifar_archives import ArchiveLayout, read_cifar
from training.datasets.embedded_digits import read_embedded_digits
from training.datasets.folder_layout import find_layout
from training.datasets.folders import read_folder
from training.datasets.idx_files import read_idx
from training.datasets.picture_data import PictureData
from training.datasets.published import Location, Published
from training.errors import CannotTrain
from vitrine.errors import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """A set of pictures with class labels.

    Attributes:
        name: Name of the set, and of a model without another name.
        geometry: Geometry that the pictures are brought to.
        target: What a class label names, such as "digit".
        shows: What the pictures show, for the card.
        test: Where the test part comes from, for the card.
        read: Finds, verifies and reads the pictures.
    """

    name: str
    geometry: str
    target: str
    shows: str
    test: str
    read: Callable[[Location], PictureData]


# Height and width of the pictures of a folder as the network takes them, in pixels.
USUAL_SIDE = 32
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
CIFAR10_LAYOUT = ArchiveLayout(
    train=tuple(f"data_batch_{batch}" for batch in range(1, 6)),
    test="test_batch",
    meta="batches.meta",
    codes=b"labels",
    names=b"label_names",
)
CIFAR100_LAYOUT = ArchiveLayout(
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
            read=partial(read_cifar, published=CIFAR10, layout=CIFAR10_LAYOUT),
        ),
        PictureSet(
            name="cifar100",
            geometry="fit",
            target="object",
            shows="small photos from the internet of before 2009",
            test="is the published test file",
            read=partial(read_cifar, published=CIFAR100, layout=CIFAR100_LAYOUT),
        ),
    )
}


def find_picture_set(name: str, *, size: int | None = None) -> PictureSet:
    """Return a known set by its name, or the set of the pictures in a folder.

    Args:
        name: One of `PICTURE_SETS`, or a folder with one sub-folder for each class.
        size: Height and width of the pictures of a folder as the network takes them, in pixels;
            None for the usual ones.

    Raises:
        CannotTrain: The name is neither, the folder does not hold classes, or the set has pictures
            of another size.
    """
    if name in PICTURE_SETS:
        if size is not None:
            raise CannotTrain(
                f"--size is for the pictures of a folder. The pictures of {name} keep their size: "
                "leave out --size."
            )
        return PICTURE_SETS[name]
    folder = Path(name)
    if folder.is_file():
        raise CannotTrain(
            f"SET must be a folder with one sub-folder for each class. {name} is a file: if it is "
            "an archive, unpack it, and give the folder. `table` trains on a CSV file."
        )
    if not folder.is_dir():
        raise CannotTrain(
            f"SET must be {', '.join(PICTURE_SETS)}, or a folder with one sub-folder for each "
            f"class. Received: {name!r}.{nearest(name, PICTURE_SETS)}"
        )
    layout = find_layout(folder)
    return PictureSet(
        name=folder.resolve().name,
        geometry="fit",
        target="class",
        shows="the pictures of one folder",
        test=f"is the folder {layout.test.name}/" if layout.test else _SPLIT_OFF,
        read=lambda _location: read_folder(layout, size=size or USUAL_SIDE),
    )
