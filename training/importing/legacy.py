"""`.h5` -> `.keras`, by a program that takes the two files' names.

Keras does not apply its safe mode to all of the old format, so a process of its own reads it, and
only what that wrote is opened.
"""

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
    try:
        with h5py.File(source, "r") as file:
            config = file.attrs.get("model_config")
    except OSError as error:
        raise CannotTrain(f"{source} is not a whole HDF5 file.") from error
    if config is None:
        raise CannotTrain(f"{source} holds weights alone, without the network they belong to.")
    read_config(config.encode() if isinstance(config, str) else bytes(config), source)
    from training.importing.files import load  # noqa: PLC0415 - brings in TensorFlow

    load(source, source).save(target)


if __name__ == "__main__":
    try:
        convert(Path(sys.argv[1]), Path(sys.argv[2]))
    except CannotTrain as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(1)
