"""The door for Python callers: what is loaded, and what a loaded version predicts on."""

import json
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from pyarrow import parquet

import vitrine
from tests.bundles import calibrated_repository, rewrite_manifest, table_manifest
from tests.fakes import client_of, levels, picture, price, table
from tests.servers import ROOT
from vitrine.bundle import InvalidBundle
from vitrine.errors import (
    InvalidInstances,
    InvalidParameter,
    MalformedPicture,
    PictureTooLarge,
    TooManyInstances,
)
from vitrine.inputs import UnknownData
from vitrine.model import Model
from vitrine.predictor import Predictor

ROWS = [{"size": 1, "colour": "red"}, {"size": 200, "colour": None}]


@pytest.fixture
def rooms() -> Predictor:
    """A model of tables: ten times the size, plus the colour's code."""
    return Predictor(Model(table_manifest(), price))


@pytest.fixture
def calibrated(tmp_path: Path) -> Path:
    """A folder with calibrated bundles, "rooms" and "strokes"."""
    calibrated_repository(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def strokes(calibrated: Path) -> Predictor:
    """A model of pictures."""
    return vitrine.load(calibrated / "strokes")


@pytest.fixture
def client(tmp_path: Path, registry: CollectorRegistry) -> FlaskClient:
    """A client of a service that serves the same bundles."""
    return client_of(calibrated_repository(tmp_path / "served"), registry)


def over_http(client: FlaskClient, path: str, body: bytes, kind: str) -> Any:
    """Return the records that the service answers with."""
    response = client.post(path, data=body, content_type=kind)
    assert response.status_code == 200
    return json.loads(response.data)["predictions"]


def values(results: vitrine.results.Results) -> list[float]:
    """Return the predicted values."""
    return [record["value"] for record in results]


def test_version_is_loaded_by_its_folder(calibrated: Path) -> None:
    model = vitrine.load(str(calibrated / "rooms" / "1"), threads=1)

    assert (model.name, model.version) == ("rooms", 1)
    assert model.manifest.target == table_manifest().target
    assert repr(model) == "<Predictor 'rooms', version 1>"


def test_newest_version_is_loaded_by_the_folder_of_its_model(models: Path) -> None:
    newer = shutil.copytree(models / "rooms" / "1", models / "rooms" / "10")
    manifest = newer / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"version": 1,', '"version": 10,'))

    assert vitrine.load(models / "rooms").version == 10


def test_version_that_answers_only_by_its_number_is_not_loaded_by_the_model(models: Path) -> None:
    newer = shutil.copytree(models / "rooms" / "1", models / "rooms" / "10")
    manifest = msgspec.structs.replace(table_manifest(version=10), default=False)
    rewrite_manifest(newer, manifest)

    assert vitrine.load(models / "rooms").version == 1
    assert vitrine.load(newer).version == 10


def test_version_is_loaded_by_a_relative_path(
    calibrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(calibrated / "rooms" / "1")

    assert vitrine.load(".").name == "rooms"


def test_folder_without_a_version_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidBundle, match=r"holds neither manifest\.json nor a version\.$"):
        vitrine.load(tmp_path)


def test_version_whose_files_were_changed_is_refused(calibrated: Path) -> None:
    (calibrated / "rooms" / "1" / "model.onnx").write_bytes(b"changed")

    with pytest.raises(InvalidBundle, match=r"model\.onnx does not have the bytes"):
        vitrine.load(calibrated / "rooms")


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys; before = set(sys.modules); import vitrine; print(set(sys.modules) - before)"

    output = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    loaded = {name.partition(".")[0] for name in eval(output)}  # noqa: S307 - a set of texts
    assert loaded & {"numpy", "onnxruntime", "PIL", "pyarrow", "flask", "tensorflow"} == set()
    assert {name for name in eval(output) if name.startswith("vitrine")} == {"vitrine"}  # noqa: S307


def test_picture_is_predicted_as_over_http(
    strokes: Predictor, client: FlaskClient, tmp_path: Path
) -> None:
    (tmp_path / "drawn.png").write_bytes(picture())
    answered = over_http(client, "/models/strokes/predict", picture(), "image/png")

    uri = f"data:image/png;base64,{b64encode(picture()).decode()}"
    path = tmp_path / "drawn.png"

    for data in (picture(), bytearray(picture()), path, str(path), uri):
        assert strokes.predict(data).to_records(top=3) == answered


@pytest.mark.parametrize(
    "shape", [(28, 28), (28, 28, 1), (28, 28, 3)], ids=["grey", "one channel", "colour"]
)
def test_array_is_one_picture(strokes: Predictor, shape: tuple[int, ...]) -> None:
    array = np.array(levels(), dtype=np.uint8)
    array = np.broadcast_to(array.reshape(28, 28, *[1] * (len(shape) - 2)), shape)

    assert list(strokes.predict(array)) == list(strokes.predict(levels()))


def test_array_with_another_axis_is_several_pictures(strokes: Predictor) -> None:
    one = np.array(levels(), dtype=np.float64)

    results = strokes.predict(np.stack([one, one[:, ::-1]]))

    assert len(results) == 2
    assert [record["label"] for record in results] == [
        record["label"] for each in (one, one[:, ::-1]) for record in strokes.predict(each)
    ]


def test_pictures_of_all_kinds_may_come_together(strokes: Predictor) -> None:
    array = np.array(levels(), dtype=np.uint8)

    results = strokes.predict([picture(), array, picture(left=False)] * 12)

    assert len(results) == 36
    assert list(results)[:3] == list(results)[33:]


def test_array_of_texts_is_no_picture(strokes: Predictor) -> None:
    with pytest.raises(InvalidInstances, match="Received: the text '255'"):
        strokes.predict(np.full((28, 28), "255"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.full(784, 7), "784 numbers in a row"),
        (np.full((1, 784), 7), "784 numbers in a row"),
        ([[1, 2], [3]], "different lengths"),
        (np.full((5, 784), 7), r"reshape\(-1, 28, 28, 1\) makes 5 pictures of them"),
    ],
    ids=["one row", "row of a list", "ragged lists", "rows of whole pictures"],
)
def test_array_of_another_shape_is_told_what_to_do(
    strokes: Predictor, data: object, words: str
) -> None:
    with pytest.raises(InvalidInstances, match=words):
        strokes.predict(data)


def test_picture_as_wide_as_a_whole_picture_is_read_with_its_third_axis(
    strokes: Predictor,
) -> None:
    wide = np.zeros((40, 784, 1))
    wide[5:35, 100:700] = 255

    assert len(strokes.predict(wide)) == 1


def test_levels_divided_by_255_are_refused_as_over_http(strokes: Predictor) -> None:
    with pytest.raises(InvalidInstances, match="look divided by 255"):
        strokes.predict(np.array(levels()) / 510)


def test_broken_picture_keeps_the_type_of_its_error(strokes: Predictor) -> None:
    with pytest.raises(MalformedPicture):
        strokes.predict(picture()[:50])


def test_picture_may_not_have_more_pixels_than_allowed(strokes: Predictor) -> None:
    with pytest.raises(PictureTooLarge):
        strokes.predict(picture(), max_pixels=100)


def test_errors_of_pictures_are_reported_in_their_records(strokes: Predictor) -> None:
    first, second = strokes.predict([picture()[:50], picture()], errors="report")

    assert first == {"error": "The PNG picture is truncated or corrupt."}
    assert second["label"] == "left"


def test_picture_is_explained_as_over_http(strokes: Predictor, client: FlaskClient) -> None:
    answered = over_http(client, "/models/strokes/predict?explain=true", picture(), "image/png")

    (record,) = strokes.predict(picture(), explain=True)

    assert record["explanation"] == answered[0]["explanation"]


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        {"size": [1, 200], "colour": ["red", None]},
        {"size": np.array([1, 200]), "colour": np.array(["red", None], dtype=object)},
        pa.table({"size": [1, 200], "colour": ["red", None]}),
        pa.table({"size": ["1", "200"], "colour": pa.array(["red", None]).dictionary_encode()}),
        pa.record_batch({"size": pa.array([1.0, 200.0]), "colour": ["red", None]}),
        b"size,colour\n1,red\n200,\n",
    ],
    ids=["rows", "columns", "arrays", "Arrow", "Arrow texts", "record batch", "CSV"],
)
def test_table_may_come_in_any_form(rooms: Predictor, data: object) -> None:
    assert values(rooms.predict(data)) == [13, 2000]


def test_table_is_predicted_as_over_http(calibrated: Path, client: FlaskClient) -> None:
    body = json.dumps({"instances": ROWS}).encode()
    answered = over_http(client, "/models/rooms/predict", body, "application/json")

    assert vitrine.load(calibrated / "rooms").predict(ROWS).to_records() == answered


def test_one_row_is_a_mapping(rooms: Predictor) -> None:
    assert values(rooms.predict(ROWS[0])) == [13]


@pytest.mark.parametrize("row", [[1.0, np.nan], [[1.0, np.nan]]], ids=["one", "several"])
def test_array_has_the_features_in_the_order_of_the_signature(
    rooms: Predictor, row: list[object]
) -> None:
    assert values(rooms.predict(np.array(row))) == values(
        rooms.predict([{"size": 1, "colour": None}])
    )


def test_array_of_another_width_is_refused(rooms: Predictor) -> None:
    with pytest.raises(InvalidInstances, match=r"must have 2 features\. Received: .*\(2, 3\)"):
        rooms.predict(np.zeros((2, 3)))


def test_columns_of_different_lengths_are_refused(rooms: Predictor) -> None:
    with pytest.raises(InvalidInstances, match="must have one length"):
        rooms.predict({"size": [1, 2], "colour": ["red"]})


def test_data_frame_is_a_table(rooms: Predictor) -> None:
    frame = pa.table({"size": [1, 200], "colour": ["red", None], "note": ["x", "y"]}).to_pandas()

    assert values(rooms.predict(frame)) == [13, 2000]


@pytest.mark.parametrize(
    "others",
    [[2**62, 3], [1, "a"], [object(), {}], [b"\xff", [1]]],
    ids=["large", "mixed", "objects", "bytes and lists"],
)
def test_columns_that_are_no_input_may_hold_anything(
    rooms: Predictor, others: list[object]
) -> None:
    columns = {"size": [1, 200], "colour": ["red", None]}
    frame = pa.table(columns).to_pandas()
    for _ in range(2):
        frame.insert(0, "id", others, allow_duplicates=True)

    assert values(rooms.predict({"id": others, **columns, "unit": "m"})) == [13, 2000]
    assert values(rooms.predict(frame)) == [13, 2000]


def test_repeated_input_of_a_frame_is_refused(rooms: Predictor) -> None:
    arrow = pa.table([[1], ["red"], [2], [3], [4]], ["size", "colour", "size", "x", "x"])
    frame = pa.table({"size": [1], "colour": ["red"]}).to_pandas()
    frame.insert(0, "size", [2], allow_duplicates=True)

    for data in (arrow, frame):
        with pytest.raises(InvalidInstances, match=r"^Column 'size' must come once\."):
            rooms.predict(data)


def test_column_of_a_frame_that_is_meant_is_named(rooms: Predictor) -> None:
    frame = pa.table({"size": [1], "color": ["red"]})

    with pytest.raises(InvalidInstances, match="The row has 'color': rename it"):
        rooms.predict(frame)


def test_frame_without_any_of_the_columns_is_refused(rooms: Predictor) -> None:
    with pytest.raises(InvalidInstances) as caught:
        rooms.predict(pa.table({"x": [1, 2]}))
    assert len(caught.value.faults) == 2


def test_mixed_column_of_a_frame_is_read_cell_by_cell(rooms: Predictor) -> None:
    frame = pa.table({"size": [1, 2], "colour": ["red", None]}).to_pandas()
    frame["size"] = [1, "large"]

    good, bad = rooms.predict(frame, errors="report")

    assert (good["value"], bad["error"]) == (
        13,
        "Instance 1, column 'size': must be a number with decimal '.'. Received: 'large'.",
    )


def test_files_of_tables_are_read(rooms: Predictor, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(table(30_000))
    parquet.write_table(
        pa.table({"size": [1, 200], "colour": ["red", None]}), tmp_path / "r.parquet"
    )

    assert len(rooms.predict(tmp_path / "rows.csv")) == 30_000
    assert values(rooms.predict(str(tmp_path / "r.parquet"))) == [13, 2000]


def test_missing_column_is_named_in_every_row(rooms: Predictor) -> None:
    with pytest.raises(InvalidInstances) as caught:
        rooms.predict(pa.table({"size": [1, 2], "color": ["red", "red"]}))

    assert [fault.pointer for fault in caught.value.faults] == [
        "#/instances/0/colour",
        "#/instances/1/colour",
    ]


def test_bad_cell_of_a_frame_is_named_or_reported(rooms: Predictor) -> None:
    frame = pa.table({"size": ["1", "large"], "colour": ["red", "red"]})

    with pytest.raises(InvalidInstances, match="Instance 1, column 'size'"):
        rooms.predict(frame)
    good, bad = rooms.predict(frame, errors="report")

    assert good["value"] == 13
    assert bad["error"].startswith("Instance 1, column 'size'")


@pytest.mark.parametrize(
    "cell", [np.float32(1), np.int64(1), "1", 1.0], ids=["float32", "int64", "text", "float"]
)
def test_cell_of_a_row_may_be_of_any_type_of_number(rooms: Predictor, cell: object) -> None:
    assert values(rooms.predict([{"size": cell, "colour": "red"}])) == [13]


@pytest.mark.parametrize("data", [3, object(), {1, 2}], ids=["number", "object", "set"])
def test_data_of_an_unknown_type_is_refused(
    rooms: Predictor, strokes: Predictor, data: object
) -> None:
    for model in (rooms, strokes):
        with pytest.raises(UnknownData, match=r"^The data must be a path, bytes, .* Received: "):
            model.predict(data)


def test_coverage_and_credibility_are_asked_for_as_over_http(calibrated: Path) -> None:
    rooms, strokes = (vitrine.load(calibrated / name) for name in ("rooms", "strokes"))

    assert rooms.predict(ROWS, coverage=0.6).coverage == 0.6
    (withheld,) = strokes.predict(picture(), abstain_below=0.999)
    assert withheld["label"] is None
    with pytest.raises(InvalidParameter):
        rooms.predict(ROWS, coverage=0.9999)


def test_any_number_of_instances_may_be_explained(rooms: Predictor) -> None:
    try:
        records = list(rooms.predict(ROWS * 50, explain=True))
    except TooManyInstances:
        pytest.fail("a limit of the service holds for the library")

    assert all("explanation" in record for record in records)
