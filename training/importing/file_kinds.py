"""What a file or a folder is, by its content.

The name does not decide: TensorFlow before 2.12 wrote HDF5 into files that were named .keras.
"""

from pathlib import Path
from typing import Literal
from zipfile import BadZipFile, ZipFile

from training.importing.refusals import CannotImport

FileKind = Literal["keras", "h5"]

GRAPH = "saved_model.pb"
_HEAD_BYTES = 512
_ZIP = b"PK"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_NETWORKS = (".keras", ".h5", ".hdf5")

# The ways out, each of which several formats share.
_ADVICE = (
    "Give a .keras file, an .h5 file or the folder of a SavedModel, as network.save('NAME.keras') "
    "or network.export('FOLDER') writes it."
)
_BUILD_AGAIN = "Build the same network in Keras, and save that with network.save('NAME.keras')."
_SAVE_WHOLE = "Save the whole network with network.save('NAME.keras'), and import that file."
_MADE_FROM = "Import the Keras network that it was made from."
_UNPACK = "Unpack it, and import the network that is in it."

# What a file is, and the way out.
_Finding = tuple[str, str]
_ARCHIVE = ("is a compressed archive", _UNPACK)
_CHECKPOINT = ("is a checkpoint, which holds weights only", _SAVE_WHOLE)
_PICKLE = ("is a pickle, which may run code when it is opened", _BUILD_AGAIN)
_PYTORCH = ("is a file of PyTorch", _BUILD_AGAIN)
_WEB_PAGE = ("is a web page, not a network", "Download the file itself.")
# Index and value of the first bytes of a format.
_BY_BYTES: dict[tuple[int, bytes], _Finding] = {
    (4, b"TFL3"): ("is a network of TensorFlow Lite", _MADE_FROM),
    (0, b"\x08\x01\x12"): (
        "is the graph of a SavedModel without its weights",
        f"Import the folder that holds {GRAPH}.",
    ),
    **dict.fromkeys(((0, bytes([0x80, version])) for version in range(2, 6)), _PICKLE),
    **dict.fromkeys(((0, b"\x1f\x8b"), (0, b"BZh"), (0, b"\xfd7zXZ"), (257, b"ustar")), _ARCHIVE),
    **dict.fromkeys(((0, b"<!"), (0, b"<html"), (0, b"<HTML"), (0, b"<?xml")), _WEB_PAGE),
    (0, b"{"): ("is JSON, which describes a network without its weights", _SAVE_WHOLE),
    (0, b"version https://git-lfs"): (
        "is a pointer of Git LFS, not the file itself",
        "Fetch the file with `git lfs pull`.",
    ),
}
_BY_SUFFIX: dict[str, _Finding] = {
    ".onnx": ("is an ONNX network", _MADE_FROM),
    ".pb": ("is a graph of TensorFlow 1", "Save it as a SavedModel with TensorFlow 2."),
    ".safetensors": ("holds weights only", _BUILD_AGAIN),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), _PICKLE),
    **dict.fromkeys((".pt", ".pth"), _PYTORCH),
    **dict.fromkeys((".ckpt", ".index", ".data-00000-of-00001"), _CHECKPOINT),
}
# End of the name of a member of a ZIP file.
_BY_MEMBER: dict[str, _Finding] = {
    GRAPH: ("is the ZIP file of a SavedModel", "Unpack it, and import the folder."),
    "data.pkl": _PYTORCH,
    ".npy": ("holds arrays of NumPy", _SAVE_WHOLE),
    "model.json": (
        "is a network of TensorFlow.js",
        f"{_MADE_FROM} Teachable Machine exports it under Tensorflow, Keras.",
    ),
    ".tflite": ("is the ZIP file of a network of TensorFlow Lite", _MADE_FROM),
}


def find_kind(file: Path) -> FileKind:
    """Return the format of a saved network.

    Raises:
        CannotImport: The file is missing, or has another format.
    """
    if not file.is_file():
        raise CannotImport(
            f"{file} is not a file." if file.exists() else f"{file} is missing.", way_out=_ADVICE
        )
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
    if head.startswith(_HDF5):
        return "h5"
    if head.startswith(_ZIP):
        _refuse_other_archive(file)
        return "keras"
    what, way_out = _find_other(file, head)
    raise CannotImport(f"{file} {what}.", way_out=way_out)


def _find_other(file: Path, head: bytes) -> _Finding:
    for (index, mark), finding in _BY_BYTES.items():
        if head.startswith(mark, index):
            return finding
    if not head:
        return "is empty", "Copy or download it again."
    return _BY_SUFFIX.get(file.suffix.lower(), ("is not a network that Keras saved", _ADVICE))


def _refuse_other_archive(file: Path) -> None:
    """Refuse a ZIP file that holds something else than the parts of one Keras network."""
    try:
        with ZipFile(file) as archive:
            names = archive.namelist()
    except (OSError, BadZipFile, ValueError):
        return  # a damaged file is refused where its parts are read
    if "config.json" in names:
        return
    for name in names:
        if name.endswith(_NETWORKS):
            raise CannotImport(f"{file} is a ZIP file around {name[:40]!r}.", way_out=_UNPACK)
    for end, (what, way_out) in _BY_MEMBER.items():
        if any(name.endswith(end) for name in names):
            raise CannotImport(f"{file} {what}.", way_out=way_out)


def refuse_folder(folder: Path) -> CannotImport:
    """Return the refusal of a folder that has no graph of a SavedModel."""
    what = f"{folder} has no {GRAPH}, so it is not a SavedModel."
    inside = [path for path in sorted(folder.glob("*")) if path.suffix in _NETWORKS]
    if (folder / "config.json").is_file() and (folder / "model.weights.h5").is_file():
        return CannotImport(
            f"{folder} is a .keras file that was unpacked.",
            way_out="Put its files into a ZIP file again, at its top, and name that .keras.",
        )
    below = [path.parent for path in sorted(folder.glob(f"*/{GRAPH}"))]
    if inside or below:
        return CannotImport(what, way_out=f"Import {[*inside, *below][0]}.")
    return CannotImport(what, way_out=_ADVICE)
