"""Pictures read and split."""

from training.datasets.cache import default_cache
from training.datasets.pictures import PictureParts, load_pictures
from training.experiments.pictures.config import PictureConfig
from training.experiments.pictures.plots import show_samples
from training.progress import console, stretch


def read(config: PictureConfig) -> PictureParts:
    """Load the pictures and split them.

    Raises:
        CannotTrain: The pictures cannot be had.
    """
    with stretch(f"Reading {config.pictures.name}"):
        parts = load_pictures(
            config.pictures,
            data=config.data,
            cache=default_cache(),
            seed=config.seed,
            limit=config.limit,
        )
    for note in parts.notes:
        console.print(note, markup=False)
    show_samples(parts, config)
    return parts
