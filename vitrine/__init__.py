"""Load a version of a model and predict with it, in this process.

    import vitrine

    model = vitrine.load("models/digits")
    for record in model.predict("seven.png"):
        print(record["label"], record["probability"])

The rooms, from the ground up; each imports only from those before it:

- `errors`, `options`, `extras`, `json_types`: what a caller can cause, what it may ask for, which
  optional part it lacks, and what JSON is read into.
- `signature`, `bundle`: what goes in and comes out; one version on disk.
- `geometry`, `trust`, `drift`, `levels`: pixels to the network's input; prediction sets, intervals
  and credibility; whether instances still look like those of training; levels to pixels.
- `frame_counts`, `unread_formats`, `data_uris`, `s3`: how many frames an animation has; names of
  files that are no picture; text to the bytes of a picture; a client of S3.
- `images`, `tables`, `engines`: bytes to instances; a saved network to a callable.
- `predictions`, `model`: the predictions for some instances; one loaded version.
- `explain`, `loading`, `block_stream`, `observer`: which pixels or features decided; a bundle to a
  model; instances about to be read; what a pipeline calls around its work.
- `pictures`, `pipeline`: pictures to blocks; blocks to predictions to the pieces of an answer.
- `inputs`, `results`, `predictor`: the door for Python callers.
- `scoring`: files of any size to folders of parts, in many processes.
- `mlflow_loader`: the door for MLflow, which finds it by the file `MLmodel` of a bundle.

Importing the package loads none of them.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vitrine.predictor import Predictor

__all__ = ["__version__", "load"]
__version__ = "0.1.0"


def load(folder: str | Path, *, threads: int | None = None) -> "Predictor":
    """Load one version of a model, after comparing its files with their published hashes.

    Args:
        folder: A bundle, such as `models/digits/1`; or the folder of a model, such as
            `models/digits`, whose default version is loaded.
        threads: Number of threads that one call may use; all cores of this process by default.

    Raises:
        vitrine.bundle.InvalidBundle: The folder holds no version, or its files were changed, or
            nothing installed here can run the network.
    """
    from vitrine.predictor import Predictor  # noqa: PLC0415 - importing the package costs nothing

    return Predictor.load(Path(folder), threads=threads)
