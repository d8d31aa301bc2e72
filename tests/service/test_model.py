"""Raw instances to predictions: encoding, warnings, records."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundle import ProbabilitiesOutput
from service.engines import Tensors
from service.errors import BlankPicture
from service.model import Model, Predictions
from tests.bundles import picture_manifest, table_manifest

LABELS = ProbabilitiesOutput(
    name="probabilities", tensor="p", dtype="float32", shape=(3,), labels=("a", "b", "c")
)


class Recorder:
    """An engine that keeps what it was fed and answers with the first input's sum."""

    def __init__(self) -> None:
        self.fed: Mapping[str, NDArray[Any]] = {}

    def __call__(self, tensors: Tensors) -> dict[str, NDArray[np.float32]]:
        """Keep the tensors; answer 1 for each instance."""
        self.fed = tensors
        return {"value": np.ones((len(tensors["size"]), 1), dtype=np.float32)}


def rows(size: list[float], colour: list[str | None]) -> dict[str, NDArray[Any]]:
    """Make instances of the table model."""
    return {
        "size": np.array(size, dtype=np.float32),
        "colour": np.array(colour, dtype=object),
    }


def test_columns_enter_the_network_as_floats_and_codes() -> None:
    engine = Recorder()

    Model(table_manifest(), engine).predict(rows([1.5, 2.5, 3.5], ["red", None, "pink"]))

    np.testing.assert_array_equal(
        engine.fed["size"], np.array([[1.5], [2.5], [3.5]], dtype=np.float32)
    )
    np.testing.assert_array_equal(engine.fed["colour"], np.array([[3], [0], [1]], dtype=np.int32))


def test_unknown_category_and_unexpected_blank_are_warned_of() -> None:
    model = Model(table_manifest(), Recorder())

    predictions = model.predict(rows([np.nan, 1.0, 2.0], ["pink", None, "blue"]))

    assert predictions.warnings == {
        0: [
            "size is blank; no training row was",
            "colour 'pink' is not a category known from training",
        ]
    }


def test_no_instances_have_no_predictions() -> None:
    assert len(Model(table_manifest(), Recorder()).predict(rows([], []))) == 0


def test_answer_that_is_not_finite_is_an_error_of_its_instance() -> None:
    def engine(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
        return {"value": np.reciprocal(tensors["size"])}

    with np.errstate(divide="ignore"):
        predictions = Model(table_manifest(), engine).predict(
            rows([0.0, 2.0, 0.0], ["red", "pink", "red"])
        )

    assert list(predictions.errors) == [0, 2]
    assert predictions.good().values.tolist() == [0.5]
    assert list(predictions.good().warnings) == [0]


def half_ink(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
    """Answer the two labels with even odds."""
    return {"probabilities": np.full((len(tensors["image"]), 2), 0.5, dtype=np.float32)}


def picture(*, ink: int) -> NDArray[np.uint8]:
    """Draw an upright bar, or nothing."""
    pixels = np.zeros((40, 40, 1), dtype=np.uint8)
    pixels[10:30, 18:22] = ink
    return pixels


def pictures(*inks: int) -> dict[str, NDArray[np.object_]]:
    """Make instances of the picture model."""
    array = np.empty(len(inks), dtype=object)
    array[:] = [picture(ink=ink) for ink in inks]
    return {"image": array}


def test_blank_pictures_are_errors_of_their_own() -> None:
    predictions = Model(picture_manifest(), half_ink).predict(pictures(255, 0, 255, 0))

    kinds = {place: type(error) for place, error in predictions.errors.items()}
    assert kinds == {1: BlankPicture, 3: BlankPicture}
    assert len(predictions.good()) == 2


def test_records_list_the_most_probable_classes_first() -> None:
    predictions = Predictions(
        LABELS, np.array([[0.25, 0.125, 0.625]], dtype=np.float32), {0: ["odd"]}
    )

    (record,) = predictions.records(top=2)

    assert record == {
        "label": "c",
        "probability": np.float32(0.625),
        "probabilities": {"c": np.float32(0.625), "a": np.float32(0.25)},
        "warnings": ["odd"],
    }
    assert list(record["probabilities"]) == ["c", "a"]


def test_records_list_every_class_when_asked() -> None:
    predictions = Predictions(LABELS, np.array([[0.25, 0.125, 0.625]], dtype=np.float32))

    assert len(predictions.records(top=None)[0]["probabilities"]) == 3


def test_columns_hold_the_label_and_its_probability() -> None:
    columns = Predictions(LABELS, np.array([[0.25, 0.125, 0.625]], dtype=np.float32)).columns()

    assert columns["label"].tolist() == ["c"]
    assert columns["probability"].tolist() == [0.625]


def test_value_has_no_label() -> None:
    predictions = Predictions(
        table_manifest().signature.outputs[0], np.array([3.0], dtype=np.float32)
    )

    assert predictions.labels().tolist() == []
    assert predictions.columns()["prediction"].tolist() == [3.0]
    assert predictions.records(top=3) == [{"value": np.float32(3.0)}]
