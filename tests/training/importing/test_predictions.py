"""Networks whose output cannot be served, or needs an option."""

import pytest

from tests.training.importing.conftest import interface
from training.errors import CannotTrain
from training.importing.interfaces import NetworkInterface
from training.importing.options import ImportOptions
from training.importing.plans import make_plan

PUZZLES = {
    "too few labels": (
        interface(4),
        ImportOptions(labels=("a", "b")),
        "must be 10 different labels",
    ),
    "the same label twice": (
        interface(4, units=(2,)),
        ImportOptions(labels=("a", "a")),
        "different",
    ),
    "no softmax": (interface(4, activation="linear"), ImportOptions(), "Give --logits"),
    "softmax over one": (interface(4, units=(1,)), ImportOptions(), "Received: 1 units, softmax"),
    "labels of a value": (
        interface(4, units=(1,), activation="linear"),
        ImportOptions(labels=("a", "b")),
        "predicts a value",
    ),
    "picture out": (interface(28, 28, units=(28, 28)), ImportOptions(), "one row of numbers"),
}


@pytest.mark.parametrize(("network", "options", "message"), PUZZLES.values(), ids=PUZZLES)
def test_network_whose_output_cannot_be_served_is_refused(
    network: NetworkInterface, options: ImportOptions, message: str
) -> None:
    with pytest.raises(CannotTrain, match=message):
        make_plan(network, options)
