"""`.keras` and `.h5` -> a Keras network. No code in the file is run."""

import json
import lzma
import re
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

import keras

from training.errors import CannotTrain
from training.importing.keras_configs import read_config
from training.importing.keras_loading import load_checked
from training.importing.subprocesses import run_in_subprocess

_CONFIG = "config.json"
_MEMBERS = re.compile(
    r"config\.json|metadata\.json|model\.weights\.h5|assets/|assets(/\w+)*/(vocabulary\.txt)?"
)
# A configuration with a vocabulary of a million words has this length.
_MAX_CONFIG_BYTES = 2**25
_MAX_BYTES = 2**31
# The errors that a damaged archive causes. A member name that is no text is a ValueError.
_DAMAGE = (OSError, BadZipFile, EOFError, RuntimeError, ValueError, lzma.LZMAError, zlib.error)


def open_network(file: Path) -> keras.Model:
    """Open a saved network.

    Args:
        file: `.keras` file, or `.h5` file of any version of Keras.

    Raises:
        CannotTrain: The file has another format, is damaged, or names something that is not part
            of Keras.
    """
    if not file.is_file():
        raise CannotTrain(f"{file} is not a file." if file.exists() else f"{file} is missing.")
    if file.suffix == ".keras":
        return open_keras(file)
    if file.suffix not in {".h5", ".hdf5"}:
        raise CannotTrain(
            "A network must be a .keras or .h5 file, or the folder of a SavedModel. "
            f"Received: {file.name[:40]!r}."
        )
    with TemporaryDirectory() as folder:
        converted = Path(folder) / "converted.keras"
        arguments = [str(file), str(converted)]
        run_in_subprocess("training.importing.h5_conversion", arguments, file)
        return open_keras(converted)


def open_keras(file: Path) -> keras.Model:
    """Open a `.keras` file. Keras receives only the checked parts of it.

    Raises:
        CannotTrain: The file is damaged, or names something that is not part of Keras.
    """
    with TemporaryDirectory() as folder:
        checked = Path(folder) / "checked.keras"
        try:
            with ZipFile(file) as archive, ZipFile(checked, "w") as copy:
                _copy_checked(archive, copy, file)
        except _DAMAGE as error:
            raise CannotTrain(f"{file} is not a complete .keras file.") from error
        return load_checked(checked, file)


def _copy_checked(archive: ZipFile, copy: ZipFile, file: Path) -> None:
    size = 0
    for member in archive.infolist():
        size += member.file_size
        if not _MEMBERS.fullmatch(member.filename) or size > _MAX_BYTES:
            raise CannotTrain(
                f"{file} may only contain a configuration, weights and vocabularies, of 2 GiB in "
                f"all. Received: {member.filename[:40]!r}."
            )
        if member.filename != _CONFIG:
            copy.writestr(member.filename, archive.read(member))
    if _CONFIG not in archive.namelist():
        raise CannotTrain(f"{file} has no {_CONFIG}, so it is not a network that Keras saved.")
    if archive.getinfo(_CONFIG).file_size > _MAX_CONFIG_BYTES:
        raise CannotTrain(f"{file} has a configuration longer than {_MAX_CONFIG_BYTES:,} bytes.")
    copy.writestr(_CONFIG, json.dumps(read_config(archive.read(_CONFIG), file)))
