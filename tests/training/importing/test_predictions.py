"""What an output means, and networks whose output cannot be served or needs an option."""

import pytest

from tests.training.importing.conftest import interface
from training.errors import CannotTrain
from training.importing.interfaces import NetworkInterface
from training.importing.options import ImportOptions
from training.importing.plans import make_plan
from training.importing.saved_losses import Loss

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
    "softmax over one": (interface(4, units=(1,)), ImportOptions(), "Received: 1 unit, softmax"),
    "loss of labels": (
        interface(4, units=(1,), activation="linear", loss=Loss("binary_crossentropy")),
        ImportOptions(),
        "predicts a value, not a label",
    ),
    "regression of several": (
        interface(4, activation="linear"),
        ImportOptions(task="regression"),
        "must predict one value. Received: 10 units",
    ),
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


CATEGORICAL, BINARY = Loss("categorical_crossentropy"), Loss("binary_crossentropy")
SPARSE = Loss("sparse_categorical_crossentropy", from_logits=True)
BINARY_LOGITS = Loss("binary_crossentropy", from_logits=True)
# Units, activation, loss and options -> kind of the output.
KINDS = {
    "sigmoids": (3, "sigmoid", None, ImportOptions(), "sigmoids"),
    "sigmoids of a squared error": (3, "sigmoid", Loss("mse"), ImportOptions(), "sigmoids"),
    "sigmoids of one class": (3, "sigmoid", CATEGORICAL, ImportOptions(), "shares"),
    "sigmoids, said to be labels": (
        *(3, "sigmoid", CATEGORICAL),
        *(ImportOptions(task="multilabel"), "sigmoids"),
    ),
    "sigmoids, said to be one class": (
        *(3, "sigmoid", BINARY),
        *(ImportOptions(task="classification"), "shares"),
    ),
    "softmax of a wrong loss": (3, "softmax", BINARY, ImportOptions(), "softmax"),
    "softmax, said to be labels": (
        *(3, "softmax", None),
        *(ImportOptions(task="multilabel"), "sigmoids"),
    ),
    "logits by the loss": (3, "linear", SPARSE, ImportOptions(), "logits"),
    "logits by the option": (3, "linear", None, ImportOptions(logits=True), "logits"),
    "logits of labels": (3, "linear", BINARY_LOGITS, ImportOptions(), "label logits"),
    "logits, said to be of labels": (
        *(3, "linear", None),
        *(ImportOptions(logits=True, task="multilabel"), "label logits"),
    ),
    "logit by the loss": (1, "linear", BINARY_LOGITS, ImportOptions(), "logit"),
    "logit of one label": (
        *(1, "linear", BINARY_LOGITS),
        *(ImportOptions(task="multilabel"), "label logits"),
    ),
    "sigmoid": (1, "sigmoid", None, ImportOptions(), "sigmoid"),
    "sigmoid, said to be a value": (
        *(1, "sigmoid", None),
        *(ImportOptions(task="regression"), "value"),
    ),
    "sigmoid of one label": (
        *(1, "sigmoid", None),
        *(ImportOptions(task="multilabel"), "sigmoids"),
    ),
    "value": (1, "linear", Loss("mae"), ImportOptions(), "value"),
}


@pytest.mark.parametrize(
    ("units", "activation", "loss", "options", "kind"), KINDS.values(), ids=KINDS
)
def test_output_means_what_its_activation_its_loss_and_the_task_say(
    units: int, activation: str, loss: Loss | None, options: ImportOptions, kind: str
) -> None:
    network = interface(4, units=(units,), activation=activation, loss=loss)

    assert make_plan(network, options).output_kind == kind


def test_classes_that_the_loss_shows_are_noted() -> None:
    network = interface(4, activation="sigmoid", loss=CATEGORICAL)

    (note,) = make_plan(network, ImportOptions()).notes

    assert "its sigmoids are divided by their sum. Give --task multilabel if" in note
