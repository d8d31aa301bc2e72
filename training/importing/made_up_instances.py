"""Instances made by code, whose predictions become the golden answers of an imported network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.drawing.digits import golden_digits
from training.importing.plans import Plan
from vitrine.signature import CategoryInput, ColumnSpec, Instances

_COUNT = 8


def make_up_instances(plan: Plan) -> Instances:
    """Return raw instances that fit the signature of a plan."""
    picture = plan.signature.picture
    if picture is None:
        return _make_up_rows(plan.signature.columns, plan.sample)
    if picture.geometry != "fit":
        return {"image": golden_digits()[0]}
    return {"image": _draw_blocks(picture.shape)}


def _make_up_rows(specs: Sequence[ColumnSpec], sample: Instances) -> Instances:
    """Make rows without missing values, which an imported network may not know.

    Numbers are drawn between the tenth and the ninetieth percentile of the sample and rounded, or
    between 0 and 1 where there is no sample.
    """
    rng = np.random.default_rng(0)
    rows: dict[str, NDArray[Any]] = {}
    for spec in specs:
        if isinstance(spec, CategoryInput):
            texts = np.array([*spec.vocabulary, "never seen"], dtype=object)
            rows[spec.name] = rng.choice(texts, _COUNT)
            continue
        known = np.array(sample.get(spec.name, [0.0, 1.0]), np.float64)
        known = known[~np.isnan(known)]
        drawn = np.quantile(known if len(known) else [0.0], rng.uniform(0.1, 0.9, _COUNT))
        rows[spec.name] = np.array([float(f"{value:.3g}") for value in drawn], np.float32)
    return rows


def _draw_blocks(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Draw pictures of four by four even blocks, whose colours are random."""
    height, width, channels = shape
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (_COUNT, 4, 4, channels), dtype=np.uint8)
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    return coarse[:, rows][:, :, columns]
