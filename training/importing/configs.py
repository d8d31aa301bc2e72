"""What a saved Keras configuration may name: layers and functions of Keras that only compute.

Keras' own safe mode forbids code in a configuration; this list forbids everything that is not known
to be harmless, so that a way around safe mode leads nowhere.

References:
    CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, CVE-2025-9906.
"""

import importlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from training.errors import CannotTrain
from training.importing.keras2 import renew
from vitrine.errors import shown

# All of keras.layers but Lambda and those that load code or graphs: TFSMLayer, JaxLayer, FlaxLayer,
# TorchModuleWrapper.
_LAYERS = frozenset((Path(__file__).parent / "layers.txt").read_text().split())
_MODELS = frozenset({"Functional", "Model", "Sequential"})
_POLICIES = frozenset({"DTypePolicy", "DTypePolicyMap"})
_BY_MODULE = {
    "keras": _MODELS | _POLICIES,
    "keras.models": _MODELS,
    "keras.src.models.functional": _MODELS,
    "keras.layers": _LAYERS,
    "keras.dtype_policies": _POLICIES,
    "keras.initializers": frozenset(
        {
            *("Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform"),
            *("Identity", "IdentityInitializer", "LecunNormal", "LecunUniform", "Ones"),
            *("Orthogonal", "OrthogonalInitializer", "RandomNormal", "RandomUniform"),
            *("TruncatedNormal", "VarianceScaling", "Zeros"),
        }
    ),
    "keras.regularizers": frozenset({"L1", "L2", "L1L2", "OrthogonalRegularizer"}),
    "keras.constraints": frozenset({"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"}),
    "keras.src.ops.core": frozenset({"Cast", "Slice", "StopGradient", "Unstack"}),
}
# Every operation of these only computes; those of others may take functions.
_OPERATIONS = frozenset({"keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.math"})
# What a configuration writes instead of a class.
_VALUES = frozenset({"__keras_tensor__", "__tensor__", "__numpy__", "__slice__", "__ellipsis__"})
# As Keras 2 calls an operation of TensorFlow that stands between layers.
_TENSORFLOW = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")
_LEGACY = frozenset().union(*(_BY_MODULE[name] for name in _BY_MODULE if "src" not in name))


def read_config(text: bytes, file: Path) -> Any:
    """Read and check a configuration; what it says of training is left out.

    Raises:
        CannotTrain: It is not JSON, or names what is not Keras' own.
    """
    try:
        config = renew(_without_training(json.loads(text)))
    except (ValueError, RecursionError) as error:
        raise CannotTrain(f"{file} has a configuration that is not JSON.") from error
    if not isinstance(config, dict):
        raise CannotTrain(f"{file} has a configuration that is not a network's.")
    check_config(config)
    return config


def check_config(config: Any) -> None:
    """Refuse a configuration that names anything but known parts of Keras.

    Raises:
        CannotTrain: It holds code, a class that Keras does not have, or a file's name.
    """
    for found in _objects(config):
        _check_object(found)


def _without_training(config: Any) -> Any:
    """Return a configuration without what it says of losses and optimizers."""
    if isinstance(config, dict):
        return {
            key: _without_training(value)
            for key, value in config.items()
            if key != "compile_config"
        }
    if isinstance(config, list):
        return [_without_training(value) for value in config]
    return config


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _check_object(found: dict[str, Any]) -> None:
    if isinstance(found.get("vocabulary"), str):
        raise CannotTrain(
            "The network reads its vocabulary from a file elsewhere, which is not opened. "
            f"Received: {shown(found['vocabulary'])}."
        )
    if "class_name" not in found:
        return
    name, module = found["class_name"], found.get("module")
    if name in ("Lambda", "__lambda__"):
        raise CannotTrain(
            "The network holds a Lambda layer, which is code of whoever saved it and is not run; "
            "build it with layers or keras.ops instead."
        )
    if name in _TENSORFLOW:
        raise CannotTrain(
            "Between the network's layers Keras 2 kept operations of TensorFlow, which Keras 3 "
            "does not know; saved as a SavedModel by the Keras that made it, it can be imported. "
            f"Received: {shown(name)}."
        )
    if not _is_known(name, module, found.get("registered_name"), found.get("config")):
        where = f"{module}." if isinstance(module, str) else ""
        raise CannotTrain(
            "The network may consist of Keras' own layers only; a class or function of your own is "
            f"code, which a saved network does not hold. Received: {shown(f'{where}{name}')}."
        )


def _is_known(name: object, module: object, registered: object, function: object) -> bool:
    if not isinstance(name, str) or not isinstance(module, str | None):
        return False
    if name == "function":
        return module in {None, "builtins", "keras.activations"} and _is_activation(function)
    if registered is not None and registered != name:
        return False
    if module is None:
        return name in _VALUES | _LEGACY
    if module in _OPERATIONS:
        return name in _operations(module)
    return name in _BY_MODULE.get(module, frozenset())


def _is_activation(name: object) -> bool:
    from keras import activations  # noqa: PLC0415 - seconds, for the few networks that need it

    is_public = isinstance(name, str) and name not in {"deserialize", "get", "serialize"}
    return is_public and isinstance(vars(activations).get(str(name)), FunctionType)


@cache
def _operations(module: str) -> frozenset[str]:
    from keras import Operation  # noqa: PLC0415

    return frozenset(
        name
        for name, each in vars(importlib.import_module(module)).items()
        if isinstance(each, type) and issubclass(each, Operation)
    )
