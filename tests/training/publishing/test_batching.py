"""The size of a call of the network: the smallest that is nearly the best, if that is worth it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bundles import write_picture_bundle
from training.publishing.batching import choose_batching, measure_batching
from vitrine.bundle import Batching, read_manifest


@pytest.mark.parametrize(
    ("seconds_each", "chosen"),
    [
        ({1: 8.0, 2: 4.0, 4: 2.0, 8: 1.9}, Batching(max_instances=4, speedup=4.0)),
        ({1: 8.0, 2: 4.0, 4: 2.0, 8: 1.0}, Batching(max_instances=8, speedup=8.0)),
        ({1: 1.0, 2: 0.95, 4: 0.9, 8: 0.9}, None),
        ({1: 1.0, 2: 2.0, 4: 4.0, 8: 8.0}, None),
    ],
    ids=["nearly the best", "the largest", "little gain", "slower together"],
)
def test_size_is_the_smallest_that_is_nearly_the_best(
    seconds_each: dict[int, float], chosen: Batching | None
) -> None:
    assert choose_batching(seconds_each) == chosen


def test_network_is_called_with_ever_more_instances(tmp_path: Path) -> None:
    folder = write_picture_bundle(tmp_path)
    picture = np.zeros((3, 28, 28, 1), dtype=np.uint8)
    picture[:, 4:24, 12:16] = 255
    sizes: list[int] = []

    def measure(call: Callable[[], Any]) -> float:
        sizes.append(len(call()["probabilities"]))
        return 1.0

    batching = measure_batching(folder, read_manifest(folder), {"image": picture}, measure=measure)

    assert sizes == [1, 2, 4, 8, 16, 32, 64]
    assert batching == Batching(max_instances=64, speedup=64.0)
