"""Lines of curl that ask a model for a prediction."""

import json
import shlex

import msgspec
import pytest

from service.http.examples import example, file_example, predict_path
from tests.bundles import picture_manifest, table_manifest
from tests.fakes import price, weigh
from vitrine.bundle import Manifest
from vitrine.model import Model
from vitrine.signature import CategoryInput, ColumnSpec, DateInput, NumberInput

ROOT = "http://127.0.0.1:8080/"


def number(name: str, median: float | None) -> NumberInput:
    """Return a column of numbers."""
    return NumberInput(
        name=name,
        tensor=name,
        dtype="float32",
        shape=(1,),
        minimum=median,
        maximum=median,
        median=median,
        blanks=median is None,
    )


def table_of(*columns: ColumnSpec, name: str = "rooms") -> Manifest:
    """Describe a model of some columns."""
    manifest = table_manifest(name)
    signature = msgspec.structs.replace(manifest.signature, inputs=columns)
    return msgspec.structs.replace(manifest, signature=signature)


def row_of(manifest: Manifest) -> dict[str, object]:
    """Return the row in the example of a model."""
    words = shlex.split(example(Model(manifest, price), ROOT))
    assert words[:2] == ["curl", "-d"]
    (row,) = json.loads(words[2])["instances"]
    assert words[3:] == [f"{ROOT}{predict_path(Model(manifest, price))}"]
    return dict(row)


def test_row_has_the_medians_and_the_first_categories_of_training() -> None:
    date = DateInput(
        name="sold",
        tensor="sold",
        dtype="float32",
        shape=(1,),
        format="%d/%m/%Y",
        minimum=0,
        maximum=20_000,
        median=10_000.5,
        blanks=False,
    )
    colour = CategoryInput(
        name="it's a colour",
        tensor="colour",
        dtype="int32",
        shape=(1,),
        vocabulary=("blé", "red"),
        blanks=True,
    )
    columns = (number("size", 7.0), number("share", 34.2599983215332), number("none", None))

    assert row_of(table_of(*columns, date, colour)) == {
        "size": 7,
        "share": 34.26,
        "none": 1,
        "sold": "19/05/1997",
        "it's a colour": "blé",
    }


def test_category_without_a_text_is_blank() -> None:
    empty = CategoryInput(
        name="colour", tensor="colour", dtype="int32", shape=(1,), vocabulary=(), blanks=True
    )

    assert row_of(table_of(empty)) == {"colour": None}


def test_row_of_many_columns_is_a_file() -> None:
    model = Model(table_of(*(number(f"x{index}", 1.0) for index in range(51))), price)

    assert example(model, ROOT) == file_example(model, ROOT)
    assert file_example(model, ROOT).startswith("curl --data-binary @rows.csv ")


def test_picture_is_sent_within_the_line() -> None:
    words = shlex.split(example(Model(picture_manifest(), weigh), ROOT))

    assert words[:2] == ["curl", "-d"]
    assert words[2].startswith("data:image/png;base64,")
    assert len(words[2]) < 200


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("digits", "models/digits/predict"),
        ("my model'; ls", "models/my%20model%27%3B%20ls/predict"),
    ],
)
def test_name_is_escaped_in_the_path(name: str, path: str) -> None:
    model = Model(table_of(number("size", 1.0), name=name), price)

    assert predict_path(model) == path
    assert shlex.split(example(model, ROOT))[-1] == f"{ROOT}{path}"
