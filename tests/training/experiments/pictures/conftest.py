"""What the tests of the experiment on pictures share."""

from pathlib import Path
from typing import Any

from training.datasets.picture_sets import PictureSet
from training.experiments import pictures


def config(source: PictureSet, tmp_path: Path, **options: Any) -> pictures.PictureConfig:
    """Describe a training of one epoch, which is published however little it has learned."""
    return pictures.PictureConfig(
        pictures=source,
        name=source.name,
        models=tmp_path / "models",
        command="python -m training images",
        epochs=1,
        force=True,
        **options,
    )
