"""How a network gains from predicting on several instances in one call, measured."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from vitrine.bundle import Batching, Manifest
from vitrine.engines import Tensors, load_engine
from vitrine.model import Model
from vitrine.signature import Instances

_SIZES = (1, 2, 4, 8, 16, 32, 64)
# A smaller gain is not worth that requests share a call.
_LEAST_SPEEDUP = 1.3
# The smallest size that is nearly the best: requests then wait for fewer others.
_NEARLY = 1.1
# The least of so many calls is taken, and fewer of a slow network.
_CALLS = 15
_SECONDS_A_SIZE = 0.5


def least_seconds(call: Callable[[], object]) -> float:
    """Return the least time, in seconds, that a call takes."""
    call()  # the first call of a new size takes longer
    taken: list[float] = []
    while len(taken) < _CALLS and sum(taken) < _SECONDS_A_SIZE:
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return min(taken)


def measure_batching(
    folder: Path,
    manifest: Manifest,
    instances: Instances,
    *,
    measure: Callable[[Callable[[], object]], float] = least_seconds,
) -> Batching | None:
    """Measure how the exported network gains from several instances in one call.

    Args:
        folder: Folder of the bundle.
        manifest: Its manifest.
        instances: Raw instances, of which the first is predicted.
        measure: Returns the time, in seconds, that a call takes.

    Returns:
        The size of a call, and the gain; None where the gain is small.
    """
    engine = load_engine(folder, manifest, threads=1)
    first = {name: values[:1] for name, values in instances.items()}
    tensors = Model(manifest, engine).predict(first).tensors
    return choose_batching(
        {size: measure(partial(engine, _repeated(tensors, size))) / size for size in _SIZES}
    )


def choose_batching(seconds_each: dict[int, float]) -> Batching | None:
    """Choose the size of a call.

    Args:
        seconds_each: Number of instances in a call -> time for each of them.

    Returns:
        The smallest size that is nearly the fastest; None where it is not much faster than 1.
    """
    best = min(seconds_each.values())
    size = min(size for size, seconds in seconds_each.items() if seconds <= _NEARLY * best)
    speedup = seconds_each[1] / seconds_each[size]
    if size == 1 or speedup < _LEAST_SPEEDUP:
        return None
    return Batching(max_instances=size, speedup=round(speedup, 2))


def _repeated(tensors: Tensors, size: int) -> Tensors:
    return {name: np.repeat(values, size, axis=0) for name, values in tensors.items()}
