"""Networks whose inputs cannot be served, or need an option."""

from pathlib import Path

import pytest

from tests.training.importing.conftest import interface
from training.errors import CannotTrain
from training.importing.interfaces import NetworkInterface
from training.importing.options import ImportOptions
from training.importing.plans import make_plan

PUZZLES = {
    "levels not given": (interface(28, 28, scales=False), ImportOptions(), "Give --levels 0-1"),
    "levels not seen": (
        interface(28, 28, scales=None),
        ImportOptions(),
        "does not tell whether it scales",
    ),
    "picture of any size": (
        interface(None, None, 3),
        ImportOptions(),
        "one picture of a fixed size",
    ),
    "four channels": (
        interface(8, 8, 4),
        ImportOptions(),
        r"Received: input \(8, 8, 4\) of float32",
    ),
    "unknown geometry": (interface(28, 28), ImportOptions(geometry="round"), "no geometry 'round'"),
    "too large for the geometry": (
        interface(32, 32),
        ImportOptions(geometry="mnist"),
        "28 x 28 in gray",
    ),
    "sample of pictures": (
        interface(28, 28),
        ImportOptions(sample=Path("x.csv")),
        "this one takes a picture",
    ),
    "no sample there": (interface(4), ImportOptions(sample=Path("none.csv")), "cannot be read"),
}


@pytest.mark.parametrize(("network", "options", "message"), PUZZLES.values(), ids=PUZZLES)
def test_network_whose_inputs_cannot_be_served_is_refused(
    network: NetworkInterface, options: ImportOptions, message: str
) -> None:
    with pytest.raises(CannotTrain, match=message):
        make_plan(network, options)
