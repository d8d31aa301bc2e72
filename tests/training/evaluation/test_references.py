"""Reference distributions, on numbers small enough to count."""

import numpy as np

from training.evaluation.references import category_reference, number_reference
from vitrine.bundle import Reference


def test_number_reference_has_bins_of_equal_counts_and_blanks() -> None:
    values = np.array([*np.arange(100), np.nan], dtype=np.float32)

    reference = number_reference(values)

    assert reference.counts == (*[10] * 10, 1)


def test_number_reference_counts_an_edge_above_it() -> None:
    reference = number_reference(np.array([0.0, 1.0, 2.0]), edges=(1.0,))

    assert reference == Reference(edges=(1.0,), counts=(1, 2, 0))


def test_number_reference_of_blanks_alone_has_no_edges() -> None:
    assert number_reference(np.full(3, np.nan)) == Reference(edges=(), counts=(0, 3))


def test_category_reference_counts_every_code() -> None:
    reference = category_reference(np.array([0, 1, 3, 3]), ("a", "b", "c"))

    assert reference == Reference(edges=None, counts=(1, 1, 0, 2, 0))
