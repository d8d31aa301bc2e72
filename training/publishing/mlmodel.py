"""The file that makes a bundle a model of MLflow, too.

It names a module of `vitrine`, which is installed where the model is loaded. It names no code in
the bundle: nobody should have to trust that.

References:
    MLflow (2026), "MLflow Model": https://mlflow.org/docs/latest/ml/model/
"""

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vitrine import bundle
from vitrine.bundle import File, Manifest
from vitrine.signature import (
    AnomalyOutput,
    CategoryInput,
    ColumnSpec,
    DateInput,
    LabelsOutput,
    ProbabilitiesOutput,
    Signature,
)

_LOADER = "vitrine.mlflow_loader"

_Member = Mapping[str, Any]
_TEXT: _Member = {"type": "string"}
# Every number: an integer column of MLflow takes no blanks.
_NUMBER: _Member = {"type": "double"}
_LABELS: _Member = {"type": "array", "items": _TEXT}
_PROBABILITIES: _Member = {"type": "map", "values": _NUMBER}
_INTERVAL: _Member = {
    "type": "object",
    "properties": {name: {**_NUMBER, "required": True} for name in ("lower", "upper", "coverage")},
}
_PARAMETERS: Mapping[str, str] = {
    "coverage": "double",
    "abstain_below": "double",
    "top": "long",
    "explain": "boolean",
    "errors": "string",
}


def write_mlmodel(manifest: Manifest, folder: Path) -> File:
    """Write the file, and return its hash and size.

    Args:
        manifest: Description of the version.
        folder: Folder of the bundle.
    """
    path = folder / bundle.MLMODEL_NAME
    path.write_text(_mlmodel(manifest), encoding="utf-8")
    return bundle.describe_file(path)


def _mlmodel(manifest: Manifest) -> str:
    # JSON escapes what is not ASCII, so that only quotes could end a text of YAML.
    signature = {
        name: json.dumps(value).replace("'", "''")
        for name, value in _signature(manifest.signature).items()
    }
    return "\n".join(
        [
            "flavors:",
            "  python_function:",
            f"    loader_module: {_LOADER}",
            f"    python_version: {platform.python_version()}",
            "signature:",
            *(f"  {name}: '{text}'" for name, text in signature.items()),
            f"utc_time_created: '{manifest.origin.created}'",
            "",
        ]
    )


def _signature(signature: Signature) -> dict[str, list[_Member]]:
    """Describe what goes in and comes out; pictures come in too many forms for a type of MLflow."""
    columns: list[_Member] = [
        {**_column(spec), "name": spec.name, "required": True} for spec in signature.columns
    ]
    outputs: list[_Member] = [
        {**kind, "name": name, "required": False} for name, kind in _outputs(signature).items()
    ]
    parameters: list[_Member] = [
        {"name": name, "type": kind, "default": None, "shape": None}
        for name, kind in _PARAMETERS.items()
    ]
    described = {"inputs": columns, "outputs": outputs, "params": parameters}
    return {name: members for name, members in described.items() if members}


def _column(spec: ColumnSpec) -> _Member:
    return _TEXT if isinstance(spec, CategoryInput | DateInput) else _NUMBER


def _outputs(signature: Signature) -> Mapping[str, _Member]:
    """Return the members of a prediction."""
    warnings = {"warnings": _LABELS}
    match signature.prediction:
        case ProbabilitiesOutput():
            return {
                "label": _TEXT,
                "probability": _NUMBER,
                "probabilities": _PROBABILITIES,
                "set": _LABELS,
                "credibility": _NUMBER,
                **warnings,
            }
        case LabelsOutput():
            return {"labels": _LABELS, "probabilities": _PROBABILITIES, **warnings}
        case AnomalyOutput():
            return {"anomaly_score": _NUMBER, "credibility": _NUMBER, **warnings}
    return {"value": _NUMBER, "interval": _INTERVAL, **warnings}
