"""`.keras` and `.h5` -> a Keras network. No code in the file is run."""

import json
import lzma
import re
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

import keras

from training.importing.file_kinds import find_kind
from training.importing.keras_configs import read_config
from training.importing.keras_loading import load_checked
from training.importing.refusals import SAVE_AGAIN, CannotImport
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
        file: File of any version of Keras, in its own format or in HDF5, whatever its name is.

    Raises:
        CannotImport: The file has another format, is damaged, or names something that is not part
            of Keras.
    """
    if find_kind(file) == "keras":
        return open_keras(file)
    with TemporaryDirectory() as folder:
        converted = Path(folder) / "converted.keras"
        arguments = [str(file), str(converted)]
        run_in_subprocess("training.importing.h5_conversion", arguments, file)
        return open_keras(converted)


def open_keras(file: Path) -> keras.Model:
    """Open a `.keras` file. Keras receives only the checked parts of it.

    Raises:
        CannotImport: The file is damaged, or names something that is not part of Keras.
    """
    with TemporaryDirectory() as folder:
        checked = Path(folder) / "checked.keras"
        try:
            with ZipFile(file) as archive, ZipFile(checked, "w") as copy:
                _copy_checked(archive, copy, file)
        except _DAMAGE as error:
            raise CannotImport(
                f"{file} is not a complete .keras file.", way_out="Copy or download it again."
            ) from error
        return load_checked(checked, file)


def _copy_checked(archive: ZipFile, copy: ZipFile, file: Path) -> None:
    size = 0
    for member in archive.infolist():
        size += member.file_size
        if not _MEMBERS.fullmatch(member.filename) or size > _MAX_BYTES:
            raise CannotImport(
                f"{file} may only contain a configuration, weights and vocabularies, of 2 GiB in "
                f"all. Received: {member.filename[:40]!r}.",
                way_out=SAVE_AGAIN,
            )
        if member.filename != _CONFIG:
            copy.writestr(member.filename, archive.read(member))
    if _CONFIG not in archive.namelist():
        raise CannotImport(
            f"{file} has no {_CONFIG}, so it is not a network that Keras saved.", way_out=SAVE_AGAIN
        )
    if archive.getinfo(_CONFIG).file_size > _MAX_CONFIG_BYTES:
        raise CannotImport(
            f"{file} has a configuration longer than {_MAX_CONFIG_BYTES:,} bytes.",
            way_out="Build the network with shorter vocabularies, and save it again.",
        )
    copy.writestr(_CONFIG, json.dumps(read_config(archive.read(_CONFIG), file)))
