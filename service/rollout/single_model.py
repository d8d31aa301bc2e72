"""A folder that is itself a model, or a version of one -> a folder of models that holds just that.

KServe and Vertex AI put what was uploaded into a folder whose name says nothing. The manifests say
which model it is.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

from vitrine import bundle
from vitrine.bundle import MANIFEST_NAME, NAME_PATTERN, InvalidBundle
from vitrine.errors import shown


def as_models_folder(folder: Path, cache: Path) -> Path:
    """Return a folder of models; a link to the folder is its only entry if that is no such folder.

    A folder with a manifest is a version. One with versions, and without a model, is a model.

    Args:
        folder: Folder of models, of the versions of one model, or of one version.
        cache: Folder for the link; made where it is missing.

    Raises:
        InvalidBundle: No manifest says which model it is, or the link cannot be made.
    """
    if (folder / MANIFEST_NAME).is_file():
        name, version = _identity(folder)
        return _linked(folder, cache, f"{name}/{version}")
    numbers = bundle.versions(folder, "")
    if not numbers or bundle.list_versions(folder):
        return folder
    return _linked(folder, cache, _name_of_any(folder, numbers))


def _name_of_any(folder: Path, numbers: list[int]) -> str:
    """Return the name in the newest manifest that can be read."""
    for number in reversed(numbers[1:]):
        with suppress(InvalidBundle):
            return _identity(folder / str(number))[0]
    return _identity(folder / str(numbers[0]))[0]


def _identity(folder: Path) -> tuple[str, int]:
    manifest = bundle.read_manifest(folder, is_moved=True)
    if not NAME_PATTERN.fullmatch(manifest.name) or manifest.version < 1:
        raise InvalidBundle(
            f"{folder}: The manifest belongs to {shown(manifest.name)}/{manifest.version}, which "
            "is no name and version of a model."
        )
    return manifest.name, manifest.version


def _linked(folder: Path, cache: Path, path: str) -> Path:
    """Make a folder of models whose only entry is a link; all workers make the same one."""
    target = folder.absolute()
    models = cache / hashlib.sha256(f"{path}\0{target}".encode()).hexdigest()[:16]
    link = models / path
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            link.symlink_to(target)
    except OSError as error:
        raise InvalidBundle(
            f"The cache folder {cache} cannot be written: {error.strerror}."
        ) from error
    return models
