"""The network that a peer serves, run by ONNX Runtime."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime

from benchmarks.peers.services.pictures import Levels

WORKERS = int(os.environ["BENCH_WORKERS"])


def open_network() -> Callable[[Levels], Levels]:
    """Open the network for pictures, and return the function from pictures to probabilities.

    Shapes:
        (n, 28, 28, 1) -> (n, 10).
    """
    options = onnxruntime.SessionOptions()
    # Every core has a worker. ONNX Runtime's page on threads advises one thread where several
    # sessions share the cores: https://onnxruntime.ai/docs/performance/tune-performance/threading.html
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        f"{os.environ['BENCH_BUNDLE']}/model.onnx", options, providers=["CPUExecutionProvider"]
    )

    def run(pictures: Levels) -> Levels:
        probabilities: Any = session.run(["probabilities"], {"image": pictures})[0]
        return np.asarray(probabilities, np.float32)

    return run
