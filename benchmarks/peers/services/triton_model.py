"""A model of Triton's Python backend."""

import os
import sys
from typing import Any

# The program that runs this file reads no PYTHONPATH.
sys.path[:0] = os.environ["BENCH_PATH"].split(":")

import numpy as np
import triton_python_backend_utils as triton

from benchmarks.peers.services.network import open_network
from benchmarks.peers.services.pictures import read_picture


class TritonPythonModel:
    """Tells the digits in pictures."""

    def initialize(self, args: dict[str, str]) -> None:  # noqa: ARG002 - Triton calls it so
        """Open the network."""
        self.run = open_network()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer the requests of a batch, whose pictures pass the network together."""
        groups = [
            triton.get_input_tensor_by_name(request, "image").as_numpy().ravel()
            for request in requests
        ]
        pictures = np.stack([read_picture(file) for group in groups for file in group])
        ends = np.cumsum([len(group) for group in groups])[:-1]
        return [
            triton.InferenceResponse([triton.Tensor("probabilities", part)])
            for part in np.split(self.run(pictures), ends)
        ]
