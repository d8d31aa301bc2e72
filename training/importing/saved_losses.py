"""The loss that a saved network was trained with, which shows what its outputs mean."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import h5py

from training.importing.file_kinds import find_kind


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss of Keras.

    Attributes:
        name: Name of its function, such as "categorical_crossentropy".
        from_logits: Whether it applied a softmax or a sigmoid to the outputs itself.
    """

    name: str
    from_logits: bool = False


def read_loss(file: Path) -> Loss | None:
    """Return the loss in a saved Keras network; None if there is none, or several.

    The loss is only read as text, and never built.
    """
    try:
        if find_kind(file) == "keras":
            with ZipFile(file) as archive:
                settings = json.loads(archive.read("config.json")).get("compile_config")
        else:
            with h5py.File(file) as opened:
                settings = json.loads(opened.attrs["training_config"])
        return _as_loss(settings["loss"])
    except (AttributeError, KeyError, OSError, TypeError, ValueError):
        return None  # the network was never compiled


def _as_loss(saved: Any) -> Loss | None:
    """Return a loss as Keras writes it: a name, a configuration, or one of them for one output."""
    if isinstance(saved, str):
        return Loss(_snake_case(saved))
    if isinstance(saved, list) and len(saved) == 1:
        return _as_loss(saved[0])
    if not isinstance(saved, dict):
        return None
    if "class_name" not in saved:
        return _as_loss([*saved.values()]) if len(saved) == 1 else None
    if saved["class_name"] == "function":
        return _as_loss(saved["config"])
    return Loss(_snake_case(saved["class_name"]), bool(saved["config"].get("from_logits")))


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
