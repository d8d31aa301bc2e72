"""A published version, loaded as the service loads it."""

from pathlib import Path

from training.errors import CannotTrain
from vitrine import bundle
from vitrine.bundle import InvalidBundle
from vitrine.errors import nearest, shown
from vitrine.loading import load_version
from vitrine.model import Model


def load_published(models: Path, name: str, version: int | None) -> Model:
    """Load a version as the service does.

    Args:
        models: Folder of the published models.
        name: Name of the model.
        version: Number of the version; None for the one that answers by default.

    Raises:
        CannotTrain: There is no such version, or the service would refuse it.
    """
    default = bundle.default_version(models, name) if bundle.NAME_PATTERN.fullmatch(name) else None
    if default is None:
        hint = nearest(name, bundle.list_versions(models)) if models.is_dir() else ""
        raise CannotTrain(f"There is no model {shown(name)} in {models}.{hint}")
    number, known = version or default, bundle.versions(models, name)
    if number not in known:
        listed = ", ".join(map(str, known))
        raise CannotTrain(f"{name} has no version {number}. Its versions are: {listed}.")
    try:
        return load_version(models / name / str(number), threads=1)
    except InvalidBundle as error:
        raise CannotTrain(str(error)) from error
