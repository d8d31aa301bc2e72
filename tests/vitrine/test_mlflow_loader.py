"""The door for MLflow, without MLflow: tests/clients/mlflow asks MLflow itself."""

import shutil
import sys
from base64 import b64encode
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest

import vitrine
from tests.bundles import calibrated_repository
from tests.fakes import picture
from vitrine import mlflow_loader
from vitrine.mlflow_loader import PythonFunction

RIGHT = picture(left=False)
TEXT = b64encode(RIGHT).decode()
ROWS = [{"size": 1.0, "colour": "red"}, {"size": 2.0, "colour": None}]


class FakeMlflowException(Exception):
    """What MLflow's own exception looks like from here."""

    @classmethod
    def invalid_parameter_value(cls, message: str) -> "FakeMlflowException":
        """Return an exception whose message is passed on."""
        return cls(message)


@pytest.fixture(autouse=True)
def mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for MLflow, which excludes our pins."""
    exceptions = ModuleType("mlflow.exceptions")
    exceptions.MlflowException = FakeMlflowException  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", exceptions)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with calibrated bundles, "rooms" and "strokes"."""
    calibrated_repository(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def strokes(models: Path) -> PythonFunction:
    """A model of pictures."""
    return mlflow_loader._load_pyfunc(str(models / "strokes/1"))


@pytest.fixture
def rooms(models: Path) -> PythonFunction:
    """A model of tables."""
    return mlflow_loader._load_pyfunc(str(models / "rooms/1"))


@pytest.mark.parametrize(
    "data",
    [
        RIGHT,
        [RIGHT],
        TEXT,
        [TEXT],
        np.array([TEXT]),
        {"image": [TEXT]},
        {"b64": np.array([TEXT])},
        {"image": np.array([np.array({"b64": TEXT})])},
        np.array([{"b64": TEXT}]),
        pd.DataFrame({"note": [1], "image": [RIGHT]}),
        pd.DataFrame({"image": [TEXT]}),
    ],
    ids=range(11),
)
def test_pictures_are_taken_in_every_form_in_which_mlflow_hands_them_over(
    strokes: PythonFunction, data: Any
) -> None:
    (prediction,) = strokes.predict(data)

    assert prediction["label"] == "right"


def test_levels_are_taken_as_an_array(strokes: PythonFunction) -> None:
    levels = np.zeros((2, 28, 28), dtype=np.uint8)
    levels[:, 4:24, 16:20] = 255

    assert len(strokes.predict(levels)) == 2
    assert len(strokes.predict({"image": levels.tolist()})) == 2


def test_predictions_are_those_of_the_library(rooms: PythonFunction, models: Path) -> None:
    expected = vitrine.load(models / "rooms").predict(ROWS, coverage=0.5).to_records()

    for data in (ROWS, pd.DataFrame(ROWS)):
        assert rooms.predict(data, {"coverage": 0.5, "abstain_below": None}) == expected


def test_most_probable_labels_can_be_asked_for(strokes: PythonFunction) -> None:
    assert len(strokes.predict(RIGHT)[0]["probabilities"]) == 2
    assert len(strokes.predict(RIGHT, {"top": 1})[0]["probabilities"]) == 1


def test_copy_of_a_registry_is_loaded(models: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(models / "strokes/1", tmp_path / "artifacts")

    copied = mlflow_loader._load_pyfunc(str(copy))
    assert copied.predict(RIGHT)[0]["label"] == "right"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"x": [1]}, r"Model is missing inputs \['image'\]. .* extra inputs: \['x'\]."),
        (pd.DataFrame({"x": [TEXT]}), r"Model is missing inputs \['image'\]"),
        ("?", "The text|base64"),
        (None, "Received: 'NoneType'"),
    ],
    ids=["mapping", "frame", "text", "nothing"],
)
def test_what_is_no_picture_is_refused_in_mlflows_way(
    strokes: PythonFunction, data: Any, message: str
) -> None:
    with pytest.raises(FakeMlflowException, match=message):
        strokes.predict(data)


def test_text_is_no_path(strokes: PythonFunction, tmp_path: Path) -> None:
    path = tmp_path / "right.png"
    path.write_bytes(RIGHT)

    with pytest.raises(FakeMlflowException):
        strokes.predict(str(path))
