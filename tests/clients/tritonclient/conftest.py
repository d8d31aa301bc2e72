"""A client, and what its tests send."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput


@pytest.fixture
def client(url: str) -> Iterator[InferenceServerClient]:
    """A client with two connections."""
    with InferenceServerClient(url.removeprefix("http://"), concurrency=2) as client:
        yield client


@pytest.fixture
def rooms() -> Callable[..., list[InferInput]]:
    """Return a function that makes the inputs of the model `rooms`: sizes and colours."""

    def make(
        sizes: list[float], colours: list[str], *, binary_data: bool = True
    ) -> list[InferInput]:
        size = InferInput("size", [len(sizes), 1], "FP64")
        size.set_data_from_numpy(np.array(sizes).reshape(-1, 1), binary_data=binary_data)
        colour = InferInput("colour", [len(colours), 1], "BYTES")
        texts = np.array([text.encode() for text in colours], dtype=np.object_).reshape(-1, 1)
        colour.set_data_from_numpy(texts, binary_data=binary_data)
        return [size, colour]

    return make


@pytest.fixture
def encoded_picture(seven: bytes) -> Callable[..., list[InferInput]]:
    """Return a function that makes the input of a picture model: copies of one PNG file."""

    def make(copies: int = 1) -> list[InferInput]:
        image = InferInput("image", [copies, 1], "BYTES")
        image.set_data_from_numpy(np.array([[seven]] * copies, dtype=np.object_))
        return [image]

    return make


@pytest.fixture
def drawn_pictures() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Two pictures of vertical bars, light on dark, 28 pixels high and wide."""
    pictures = np.zeros((2, 28, 28, 1), dtype=np.uint8)
    pictures[0, 4:24, 12:15] = 255
    pictures[1, 4:24, 6:9] = 255
    return pictures
