"""The operations of a network that can be saved once, when it is published."""

from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import onnxruntime


def optimise(network: onnx.ModelProto) -> onnx.ModelProto:
    """Return a network with fewer operations that gives the same: folded, merged, none unused.

    The result has operations of ONNX alone and runs anywhere. What ONNX Runtime could do beyond
    that is left to the service: it depends on the processor, and takes two milliseconds.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with TemporaryDirectory() as folder:
        path = Path(folder) / "optimised.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(
            network.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        optimised = onnx.load(path)
    _keep_used_domains(optimised)
    return optimised


def _keep_used_domains(network: onnx.ModelProto) -> None:
    """Remove the names of ONNX Runtime's own operations, none of which is used."""
    used = {node.domain for node in network.graph.node}
    kept = [each for each in network.opset_import if each.domain in used]
    del network.opset_import[:]
    network.opset_import.extend(kept)
