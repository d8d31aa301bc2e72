"""`.h5` -> `.keras`, as a program whose arguments are the paths of the two files.

Keras does not apply its safe mode to all parts of the old format. Therefore a subprocess reads the
file, with a configuration that was checked, and only what the subprocess wrote is opened.
"""

import shutil
import sys
from pathlib import Path

import h5py

from training.importing.keras_configs import read_config
from training.importing.refusals import CannotImport


def convert(source: Path, target: Path) -> None:
    """Read an `.h5` file and write a `.keras` file.

    Raises:
        CannotImport: The file has no network, or names something that is not part of Keras.
    """
    weights = target.with_suffix(".h5")
    shutil.copyfile(source, weights)
    try:
        with h5py.File(weights) as file:
            text = _as_bytes(file.attrs.get("model_config"), source)
            config = read_config(text, source, widths=_find_widths(file))
    except OSError as error:
        raise CannotImport(
            f"{source} is not a complete HDF5 file.", way_out="Copy or download it again."
        ) from error
    from training.importing.keras_loading import build_checked  # noqa: PLC0415 - seconds

    build_checked(config, weights, source).save(target)


def _find_widths(file: h5py.File) -> dict[str, int]:
    """Return the number of columns of each mean, by the name of its layer."""
    widths = {}

    def note(path: str, found: object) -> None:
        *_, layer, name = ["", *path.split("/")]
        if name == "mean:0" and isinstance(found, h5py.Dataset) and len(found.shape) == 1:
            widths[layer] = found.shape[0]

    file.visititems(note)
    return widths


def _as_bytes(config: object, source: Path) -> bytes:
    if config is None:
        raise CannotImport(
            f"{source} has weights only; the network that they belong to is missing.",
            way_out="Build the network in Python, read the weights with network.load_weights, and "
            "save it with network.save('NAME.keras').",
        )
    if isinstance(config, str):
        return config.encode(errors="replace")
    return config if isinstance(config, bytes) else b""


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
