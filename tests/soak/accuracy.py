"""How often the models of pictures are right, asked over HTTP with files as people have them."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.pictures import saved
from tests.servers import ROOT, Server, serving
from tests.soak.data import find_data, listed_digits
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON
from tests.soak.framing import FRAMES, framed
from vitrine import bundle
from vitrine.signature import ProbabilitiesOutput

# Number of digits in each kind of frame, and how many of them may be misread.
_FRAMED, _MOST_WRONG = 60, 6


def mnist_test_set() -> Iterator[Figure]:
    """Send MNIST's test file as PNG, and compare the score with the manifest's."""
    return _test_set("digits", "mnist")


def fashion_test_set() -> Iterator[Figure]:
    """Send Fashion-MNIST's test file as PNG, and compare the score with the manifest's."""
    return _test_set("fashion", "fashion_mnist")


def _test_set(model: str, folder: str) -> Iterator[Figure]:
    data = find_data(folder)
    if data is None:
        return
    version = bundle.versions(ROOT / "models", model)[-1]
    manifest = bundle.read_manifest(ROOT / "models" / model / str(version))
    prediction = manifest.signature.prediction
    assert isinstance(prediction, ProbabilitiesOutput)
    images, codes = _read_idx(data / folder)
    with serving(SERVICE_PYTHON) as server:
        answers = list(_labels(server, map(saved, images), model))
    labels = [prediction.labels[code] for code in codes]
    right = float(np.mean([label == answer for label, answer in zip(labels, answers, strict=True)]))
    difference = abs(right - manifest.scores["test"]["accuracy"])
    yield Figure(name=f"{folder}'s test set right", value=100 * right, unit="%")
    yield Figure(
        name="difference from the manifest", value=100 * difference, unit="points", at_most=1e-9
    )


def drawn_digits() -> Iterator[Figure]:
    """Send digits that people drew, scanned and photographed; tell them by source."""
    data = find_data("drawn")
    if data is None:
        return
    pictures = listed_digits(data)
    with serving(SERVICE_PYTHON) as server:
        bodies = ((data / "drawn" / picture["path"]).read_bytes() for picture in pictures)
        answers = list(_labels(server, bodies, "digits"))
    wrong: dict[str, list[bool]] = defaultdict(list)
    for picture, answer in zip(pictures, answers, strict=True):
        wrong[f"{picture['kind']}, {picture['source'].partition('/')[0]}"].append(
            picture["label"] != answer
        )
    for source, missed in sorted(wrong.items()):
        yield Figure(
            name=f"wrong of {len(missed)}: {source}"[:48],
            value=100 * float(np.mean(missed)),
            unit="%",
        )
    pooled = np.concatenate([np.array(missed) for missed in wrong.values()])
    yield Figure(
        name=f"drawn digits wrong of {len(pooled)}", value=100 * pooled.mean(), unit="%", at_most=2
    )


def framed_digits() -> Iterator[Figure]:
    """Send 60 digits that people drew in each kind of frame; at least 54 are promised to be right.

    Photographs are left out: their paper has shades, which end at the margin around them.
    """
    data = find_data("drawn")
    if data is None:
        return
    digits = [each for each in listed_digits(data) if each["kind"] != "photo"]
    some = digits[:: len(digits) // _FRAMED][:_FRAMED]
    pictures = [Image.open(data / "drawn" / digit["path"]) for digit in some]
    with serving(SERVICE_PYTHON) as server:
        for name, frame in FRAMES.items():
            bodies = (saved(framed(picture, frame)) for picture in pictures)
            answers = list(_labels(server, bodies, "digits"))
            wrong = sum(
                digit["label"] != answer for digit, answer in zip(some, answers, strict=True)
            )
            yield Figure(
                name=f"wrong of {len(some)} in a frame: {name}"[:48],
                value=wrong,
                unit="digits",
                at_most=_MOST_WRONG,
            )


def _read_idx(data: Path) -> tuple[NDArray[np.uint8], bytes]:
    images = gzip.decompress((data / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((data / "t10k-labels-idx1-ubyte.gz").read_bytes())
    pixels = np.frombuffer(images, dtype=np.uint8, offset=16).reshape(-1, 28, 28)
    return pixels, labels[8:]


def _labels(server: Server, pictures: Iterable[bytes], model: str) -> Iterator[str | None]:
    """Ask for one picture after the other; None where there is no answer."""
    connection = server.connect()
    for picture in pictures:
        connection.request(
            "POST", f"/models/{model}/predict?top=1", picture, {"Content-Type": "image/*"}
        )
        answer = connection.getresponse()
        body = json.loads(answer.read())
        yield body["predictions"][0]["label"] if answer.status == 200 else None
    connection.close()
