"""The layers and functions that a saved Keras configuration may name: those that only compute.

The safe mode of Keras forbids code in a configuration. The list here forbids everything that is
not known to be harmless, so that a way around safe mode gains nothing.

References:
    CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, CVE-2025-9906.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from training.importing.keras2_configs import renew
from training.importing.keras2_operations import OPERATION_LAYERS
from training.importing.refusals import EXPORT, SAVE_AGAIN, CannotImport
from vitrine.errors import shown

# All layers of keras.layers, except Lambda and the layers that load code or graphs: TFSMLayer,
# JaxLayer, FlaxLayer, TorchModuleWrapper.
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
# Every operation of these modules only computes. Operations of other modules may take functions.
_OPERATIONS = frozenset({"keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.math"})
# Names that stand for values instead of classes in a configuration.
_VALUES = frozenset({"__keras_tensor__", "__tensor__", "__numpy__", "__slice__", "__ellipsis__"})
# Names that a configuration of the old format may have without a module.
_LEGACY = frozenset().union(*(_BY_MODULE[name] for name in _BY_MODULE if "src" not in name))


def read_config(text: bytes, file: Path, widths: Mapping[str, int] | None = None) -> Any:
    """Read and check a configuration. Its settings for training are left out.

    Args:
        text: The configuration as JSON.
        file: Path of the saved network as the user gave it, for messages.
        widths: Number of columns that a Normalization learned, by its name, where that is known
            from elsewhere.

    Raises:
        CannotImport: The text is not JSON, or names something that is not part of Keras.
    """
    try:
        config = _without_training(json.loads(text))
        _add_widths(config, widths or {})
        config = renew(config)
    except (ValueError, RecursionError) as error:
        raise CannotImport(
            f"The configuration of {file} is not JSON.", way_out=SAVE_AGAIN
        ) from error
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise CannotImport(
            f"The configuration of {file} does not describe a network.", way_out=SAVE_AGAIN
        ) from error
    if not isinstance(config, dict):
        raise CannotImport(
            f"The configuration of {file} does not describe a network.", way_out=SAVE_AGAIN
        )
    check_config(config)
    return config


def _add_widths(config: Any, widths: Mapping[str, int]) -> None:
    for each in _mappings(config):
        if each.get("class_name") == "Normalization" and each["config"]["name"] in widths:
            each["build_config"] = {"input_shape": [None, widths[each["config"]["name"]]]}


def check_config(config: Any) -> None:
    """Refuse a configuration that names anything but known parts of Keras.

    Raises:
        CannotImport: The configuration contains code, an unknown class, or the name of a file.
    """
    for each in _mappings(config):
        _check_mapping(each)


def _without_training(config: Any) -> Any:
    """Return a configuration without its losses and optimizers."""
    if isinstance(config, dict):
        return {
            key: _without_training(value)
            for key, value in config.items()
            if key != "compile_config"
        }
    if isinstance(config, list):
        return [_without_training(value) for value in config]
    return config


def _mappings(config: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping within a configuration.

    A loop instead of recursion: a configuration may be nested deeper than Python's stack.
    """
    waiting = [config]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _check_mapping(mapping: dict[str, Any]) -> None:
    if isinstance(mapping.get("vocabulary"), str):
        raise CannotImport(
            "The vocabulary of the network is in another file, which is not opened. "
            f"Received: {shown(mapping['vocabulary'])}.",
            way_out="Build the layer with the list of its texts, and save the network again.",
        )
    if "class_name" not in mapping:
        return
    name, module = mapping["class_name"], mapping.get("module")
    if not _is_known(name, module, mapping.get("registered_name"), mapping.get("config")):
        raise _refusal_of_class(str(name), module)


def _refusal_of_class(name: str, module: object) -> CannotImport:
    if name in {"Lambda", "__lambda__"}:
        return CannotImport(
            "The network has a Lambda layer, which is code, and code in a file is not run.",
            way_out=f"Build the network with layers of Keras or keras.ops instead. {EXPORT}",
        )
    if name in OPERATION_LAYERS:
        return CannotImport(
            "Keras 2 saved operations of TensorFlow between the layers of the network, one of "
            f"which Keras 3 does not know. Received: {shown(name)}.",
            way_out=EXPORT,
        )
    if name == "FeatureSpace":
        return CannotImport(
            "The file holds a FeatureSpace of Keras, which prepares rows but predicts nothing.",
            way_out="Save it together with the network: keras.Model(space.get_inputs(), "
            "network(space.get_encoded_features())).",
        )
    if isinstance(module, str) and module.split(".")[0] == "keras":
        return CannotImport(
            f"{name[:60]} of {module[:80]} is a part of Keras that is not known to do nothing "
            "but compute.",
            way_out=f"Use another layer. {EXPORT}",
        )
    return CannotImport(
        "The network may only have layers of Keras. A class or function of your own is code, which "
        f"a saved network does not contain. Received: {name[:60]!r}.",
        way_out=f"Build the network with layers of Keras. {EXPORT}",
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
    # The import takes seconds, and only few networks need it.
    from keras import activations  # noqa: PLC0415

    is_public = isinstance(name, str) and name not in {"deserialize", "get", "serialize"}
    return is_public and isinstance(vars(activations).get(str(name)), FunctionType)


@cache
def _operations(module: str) -> frozenset[str]:
    """Return the names of the operations that one of `_OPERATIONS` defines."""
    from keras import Operation  # noqa: PLC0415 - seconds, as above
    from keras.src.ops import math, nn, numpy  # noqa: PLC0415

    modules = {each.__name__: each for each in (math, nn, numpy)}
    return frozenset(
        name
        for name, each in vars(modules[module]).items()
        if isinstance(each, type) and issubclass(each, Operation)
    )
