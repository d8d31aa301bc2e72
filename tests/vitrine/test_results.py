"""Predictions as records, as an Arrow table and as a data frame."""

import pyarrow as pa
import pytest

from tests.bundles import picture_manifest, table_manifest
from tests.fakes import blank_picture, picture, price_between, weigh
from vitrine.model import Model
from vitrine.predictor import Predictor


@pytest.fixture
def strokes() -> Predictor:
    """A model of pictures that was not calibrated."""
    return Predictor(Model(picture_manifest(), weigh))


@pytest.fixture
def rooms() -> Predictor:
    """A calibrated model of tables."""
    return Predictor(Model(table_manifest(calibrated=True), price_between))


def test_records_list_every_class_unless_fewer_are_asked_for(strokes: Predictor) -> None:
    results = strokes.predict(picture())

    assert [list(record["probabilities"]) for record in results] == [["left", "right"]]
    assert list(results.to_records(top=1)[0]["probabilities"]) == ["left"]


def test_numbers_of_records_are_plain(rooms: Predictor) -> None:
    (record,) = rooms.predict([{"size": 1, "colour": "red"}], coverage=0.6)

    assert type(record["value"]) is float
    assert record["interval"] == {"lower": 12.0, "upper": 15.0, "coverage": 0.6}


def test_arrow_table_has_the_columns_of_a_csv_answer(rooms: Predictor) -> None:
    table = rooms.predict([{"size": 1, "colour": "red"}], coverage=0.6).to_arrow()

    assert table.column_names == ["prediction", "lower", "upper", "warnings"]
    assert table.to_pylist() == [
        {"prediction": 13.0, "lower": 12.0, "upper": 15.0, "warnings": None}
    ]


def test_errors_have_a_column_where_they_are_reported(strokes: Predictor) -> None:
    table = strokes.predict([picture(), blank_picture()], errors="report").to_arrow()

    assert table.column("label").to_pylist() == ["left", None]
    first, second = table.column("error").to_pylist()
    assert first is None
    assert second.startswith("The picture has no ink")


def test_blocks_without_a_good_instance_take_the_types_of_the_others(strokes: Predictor) -> None:
    pictures = [blank_picture()] * 16 + [picture()] * 16  # two blocks

    table = strokes.predict(pictures, errors="report").to_arrow()

    assert table.num_rows == 32
    assert table.schema.field("label").type == pa.string()


def test_no_instances_are_an_empty_table_with_its_columns(strokes: Predictor) -> None:
    results = strokes.predict([])

    assert (len(results), results.to_records()) == (0, [])
    assert results.to_arrow().column_names == ["label", "probability", "warnings"]
    assert results.to_arrow().num_rows == 0


def test_data_frame_has_a_row_for_each_instance(rooms: Predictor) -> None:
    frame = rooms.predict([{"size": size, "colour": "red"} for size in (1, 2, 3)]).to_pandas()

    assert frame["prediction"].tolist() == [13, 23, 33]


def test_results_say_how_many_they_are(rooms: Predictor) -> None:
    assert (
        repr(rooms.predict([{"size": 1, "colour": "red"}])) == "<Results of 'rooms', 1 instances>"
    )
