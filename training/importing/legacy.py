"""`.h5` -> `.keras`, by a program that takes the two files' names.

Keras does not apply its safe mode to all of the old format, so a process of its own reads it with
the configuration that was checked, and only what that wrote is opened.
"""

import json
import shutil
import sys
from pathlib import Path

import h5py

from training.errors import CannotTrain
from training.importing.configs import read_config


def convert(source: Path, target: Path) -> None:
    """Read `.h5` and write `.keras`.

    Raises:
        CannotTrain: The file is no network, or holds what is not Keras' own.
    """
    checked = target.with_suffix(".h5")
    shutil.copyfile(source, checked)
    try:
        with h5py.File(checked, "r+") as file:
            config = read_config(_written(file.attrs.get("model_config"), source), source)
            file.attrs["model_config"] = json.dumps(config)
    except OSError as error:
        raise CannotTrain(f"{source} is not a whole HDF5 file.") from error
    from training.importing.files import load  # noqa: PLC0415 - brings in TensorFlow

    load(checked, source).save(target)


def _written(config: object, source: Path) -> bytes:
    if config is None:
        raise CannotTrain(f"{source} holds weights alone, without the network they belong to.")
    if isinstance(config, str):
        return config.encode(errors="replace")
    return config if isinstance(config, bytes) else b""


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
