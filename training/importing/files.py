"""`.keras` and `.h5` -> a Keras model; nothing that a file says is run."""

import json
import lzma
import re
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

import keras

from training.errors import CannotTrain
from training.importing.apart import run_apart
from training.importing.configs import read_config

_CONFIG = "config.json"
_MEMBERS = re.compile(
    r"config\.json|metadata\.json|model\.weights\.h5|assets/|assets(/\w+)*/(vocabulary\.txt)?"
)
# A configuration with a vocabulary of a million words is as long.
_MAX_CONFIG_BYTES = 2**25
_MAX_BYTES = 2**31
# What a damaged archive raises: a name that is no text is a ValueError.
_DAMAGE = (OSError, BadZipFile, EOFError, RuntimeError, ValueError, lzma.LZMAError, zlib.error)


def open_network(file: Path) -> keras.Model:
    """Open a saved network.

    Args:
        file: `.keras`, or `.h5` of any Keras.

    Raises:
        CannotTrain: It is neither, is damaged, or holds what is not Keras' own.
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
        run_apart("training.importing.legacy", [str(file), str(converted)], file)
        return open_keras(converted)


def open_keras(file: Path) -> keras.Model:
    """Open a `.keras` file, of which only what was looked at is handed on to Keras.

    Raises:
        CannotTrain: It is damaged or holds what is not Keras' own.
    """
    with TemporaryDirectory() as folder:
        checked = Path(folder) / "checked.keras"
        try:
            with ZipFile(file) as archive, ZipFile(checked, "w") as copy:
                _copy_checked(archive, copy, file)
        except _DAMAGE as error:
            raise CannotTrain(f"{file} is not a whole .keras file.") from error
        return load(checked, file)


def load(checked: Path, file: Path) -> keras.Model:
    """Let Keras load a file whose configuration was checked.

    Args:
        checked: The file.
        file: What the person calls it.

    Raises:
        CannotTrain: Keras cannot.
    """
    try:
        return keras.saving.load_model(checked, compile=False, safe_mode=True)
    except Exception as error:  # a configuration can fail in any of Keras' layers
        raise CannotTrain(
            f"{file} cannot be opened by Keras {keras.__version__}: {_sentence(error)}"
        ) from error


def _copy_checked(archive: ZipFile, copy: ZipFile, file: Path) -> None:
    size = 0
    for member in archive.infolist():
        size += member.file_size
        if not _MEMBERS.fullmatch(member.filename) or size > _MAX_BYTES:
            raise CannotTrain(
                f"{file} may hold a configuration, weights and vocabularies of 2 GiB at most. "
                f"Received: {member.filename[:40]!r}."
            )
        if member.filename != _CONFIG:
            copy.writestr(member.filename, archive.read(member))
    if _CONFIG not in archive.namelist():
        raise CannotTrain(f"{file} holds no {_CONFIG}: it is not a network that Keras saved.")
    if archive.getinfo(_CONFIG).file_size > _MAX_CONFIG_BYTES:
        raise CannotTrain(f"{file} has a configuration longer than {_MAX_CONFIG_BYTES:,} bytes.")
    copy.writestr(_CONFIG, json.dumps(read_config(archive.read(_CONFIG), file)))


def _sentence(error: Exception) -> str:
    """Return the first line of the innermost of a library's messages."""
    said = str(error).rpartition("Exception encountered: ")[2].rpartition("}} ")[2]
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first, second, *_ = [*lines, type(error).__name__, ""]
    return (f"{first} {second}" if first.endswith(":") else first)[:200].rstrip(".") + "."
