"""The network for houses as a model of MLflow: `python mlflow_model.py FOLDER` saves it there.

MLflow's own flavor for ONNX takes no categories as texts and lets ONNX Runtime use all cores in
each worker; a model of one's own, as https://mlflow.org/docs/latest/ml/model has it, does better.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import onnxruntime
import pandas as pd  # type: ignore[import-untyped]
from numpy.typing import NDArray


class Houses(mlflow.pyfunc.PythonModel):
    """Tells what houses are worth."""

    def load_context(self, context: Any) -> None:  # noqa: ARG002 - MLflow calls it so
        """Open the network."""
        bundle = Path(os.environ["BENCH_BUNDLE"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(bundle / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self.inputs = json.loads((bundle / "manifest.json").read_text())["signature"]["inputs"]

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> list[float]:  # noqa: ARG002
        """Answer rows."""
        feeds = {
            spec["tensor"]: self._codes(spec, model_input[spec["name"]]) for spec in self.inputs
        }
        values: list[float] = self.session.run(["value"], feeds)[0][:, 0].tolist()
        return values

    def _codes(self, spec: dict[str, Any], column: "pd.Series[Any]") -> NDArray[Any]:
        values = column.to_numpy()
        if spec["kind"] == "category":  # the first text of the vocabulary has code 2
            values = pd.Categorical(column, categories=spec["vocabulary"]).codes + 2
        codes: NDArray[Any] = values.astype(spec["dtype"])[:, np.newaxis]
        return codes


if __name__ == "__main__":
    mlflow.pyfunc.save_model(sys.argv[1], python_model=Houses(), pip_requirements=[])
