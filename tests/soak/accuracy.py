"""How often the digit model is right, asked over HTTP with files as people have them."""

import csv
import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service import bundle
from tests.servers import ROOT, Server, serving
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON


def mnist_test_set() -> Iterator[Figure]:
    """Send MNIST's test file as PNG, and compare the score with the manifest's."""
    data = _data("mnist")
    if data is None:
        return
    images, labels = _read_idx(data)
    with serving(SERVICE_PYTHON) as server:
        answers = list(_labels(server, (_png(image) for image in images)))
    right = float(np.mean([label == answer for label, answer in zip(labels, answers, strict=True)]))
    difference = abs(right - _published_accuracy())
    yield Figure(name="MNIST's test set right", value=100 * right, unit="%")
    yield Figure(
        name="difference from the manifest", value=100 * difference, unit="points", at_most=1e-9
    )


def drawn_digits() -> Iterator[Figure]:
    """Send digits that people drew, scanned and photographed; tell them by source."""
    data = _data("drawn")
    if data is None:
        return
    with (data / "labels.csv").open(newline="", encoding="utf-8") as stream:
        pictures = list(csv.DictReader(stream))
    with serving(SERVICE_PYTHON) as server:
        bodies = ((data / picture["path"]).read_bytes() for picture in pictures)
        answers = list(_labels(server, bodies))
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
        name=f"drawn digits wrong of {len(pooled)}", value=100 * pooled.mean(), unit="%", at_most=4
    )


def _data(name: str) -> Path | None:
    folder = Path(os.environ.get("VITRINE_DATA", "")) / name
    if "VITRINE_DATA" in os.environ and folder.is_dir():
        return folder
    print(f"{name}: not measured, VITRINE_DATA names no folder that holds {name}/")
    return None


def _read_idx(data: Path) -> tuple[NDArray[np.uint8], list[str]]:
    images = gzip.decompress((data / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((data / "t10k-labels-idx1-ubyte.gz").read_bytes())
    pixels = np.frombuffer(images, dtype=np.uint8, offset=16).reshape(-1, 28, 28)
    return pixels, [str(label) for label in labels[8:]]


def _png(image: NDArray[np.uint8]) -> bytes:
    body = BytesIO()
    Image.fromarray(image).save(body, "PNG")
    return body.getvalue()


def _labels(server: Server, pictures: Iterable[bytes]) -> Iterator[str | None]:
    """Ask for one picture after the other; None where there is no answer."""
    connection = server.connect()
    for picture in pictures:
        connection.request(
            "POST", "/models/digits/predict?top=1", picture, {"Content-Type": "image/*"}
        )
        answer = connection.getresponse()
        body = json.loads(answer.read())
        yield body["predictions"][0]["label"] if answer.status == 200 else None
    connection.close()


def _published_accuracy() -> float:
    version = bundle.versions(ROOT / "models", "digits")[-1]
    manifest = bundle.read_manifest(ROOT / "models/digits" / str(version))
    return manifest.scores["test"]["accuracy"]
