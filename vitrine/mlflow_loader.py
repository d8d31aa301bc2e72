"""The door for MLflow, which finds this module by the file `MLmodel` of a bundle.

    import mlflow

    model = mlflow.pyfunc.load_model("models/digits/1")
    model.predict(pictures, params={"coverage": 0.95})

A prediction is a mapping with the members that an answer over HTTP has. Only MLflow imports this.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vitrine.data_uris import decode_text
from vitrine.errors import MAX_FAULTS, Fault, InvalidInstances, VitrineError, shown
from vitrine.inputs import UnknownData
from vitrine.predictor import Predictor


class PythonFunction:
    """A version, as a "python function" of MLflow.

    Args:
        predictor: The loaded version.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        picture = predictor.manifest.signature.picture
        self._picture_name = None if picture is None else picture.name

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Predict on every instance.

        Args:
            data: For a model of tables: a data frame, or whatever `Predictor.predict` takes. For a
                model of pictures: the bytes of a picture, its base64 or its levels, several of
                these, or a data frame with a column of them. A text is never a path: it may come
                from a stranger.
            params: `coverage`, `abstain_below`, `top`, `explain` and `errors`, as over HTTP.

        Raises:
            MlflowException: The data cannot be read, or does not fit the signature.
        """
        given = {name: value for name, value in (params or {}).items() if value is not None}
        top = given.pop("top", None)
        try:
            if self._picture_name is not None:
                data = _pictures(data, self._picture_name)
            return self._predictor.predict(data, **given).to_records(top=top)
        except (VitrineError, UnknownData) as error:
            raise _refusal(error) from error


def _refusal(error: Exception) -> Exception:
    """Return an error whose message MLflow's scoring server passes on, as it does no other's."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - it is there where MLflow asks

    refusal: Exception = MlflowException.invalid_parameter_value(str(error))
    return refusal


def _load_pyfunc(path: str) -> PythonFunction:
    """Load a version, which a registry may have copied to anywhere.

    Args:
        path: Folder of the version.

    Raises:
        vitrine.bundle.InvalidBundle: The folder holds no version, or its files were changed, or
            nothing installed here can run the network.
    """
    return PythonFunction(Predictor.load(Path(path), is_moved=True))


def _pictures(data: Any, name: str) -> list[Any]:
    """List the pictures in whatever MLflow hands over.

    Args:
        data: What a caller passed, or what MLflow's scoring server has made of JSON.
        name: Name of the model's input.
    """
    if hasattr(data, "columns"):  # a data frame
        data = {str(column): data[column].tolist() for column in data.columns}
    if isinstance(data, Mapping):
        data = _column(data, name)
    if isinstance(data, np.ndarray) and data.dtype.kind in "OUS":
        data = data.tolist()
    if isinstance(data, bytes | str) or not isinstance(data, Sequence):
        data = [data]
    return [_picture(each, name) for each in data]


def _column(data: Mapping[str, Any], name: str) -> Any:
    """Return the column of the pictures, by its name or that of base64."""
    for each in (name, "b64"):
        if each in data:
            return data[each]
    others = ", ".join(map(shown, list(data)[:MAX_FAULTS]))
    detail = (
        f"Model is missing inputs [{shown(name)}]. Note that there were extra inputs: [{others}]."
    )
    raise InvalidInstances([Fault(detail=detail)])


def _picture(value: Any, name: str) -> Any:
    """Return the bytes of a picture that comes as text; anything else as it is."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.item() if value.ndim == 0 else value.tolist()
    if isinstance(value, Mapping):
        return _picture(_column(value, name), name)
    return decode_text(value.encode(errors="replace")) if isinstance(value, str) else value
