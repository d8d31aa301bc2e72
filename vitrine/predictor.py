"""The door for Python callers: a loaded version that predicts on whatever they have."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from vitrine import bundle
from vitrine.bundle import InvalidBundle, Manifest
from vitrine.engines import available_cpus
from vitrine.inputs import open_data
from vitrine.loading import load_version
from vitrine.model import Model
from vitrine.options import DEFAULT_MAX_PIXELS, Options
from vitrine.pipeline import Pipeline
from vitrine.predictions import PredictedBlock
from vitrine.results import Results


class Predictor:
    """One version of a model, ready to predict on what a Python caller has.

    Args:
        model: The loaded version.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    @classmethod
    def load(
        cls, folder: Path, *, threads: int | None = None, is_moved: bool = False
    ) -> "Predictor":
        """Load a version, or the default version of a model; see `vitrine.load`.

        Args:
            folder: Folder of the version or of the model.
            threads: Number of threads that one call may use; all cores of this process by default.
            is_moved: Whether the folder of a version may lie anywhere, as a copy does.
        """
        version = folder if (folder / bundle.MANIFEST_NAME).is_file() else _default(folder)
        # The manifest names its folder, which a path such as "." does not.
        threads = threads or available_cpus()
        return cls(load_version(version.resolve(), threads=threads, is_moved=is_moved))

    def __repr__(self) -> str:
        return f"<Predictor {self.name!r}, version {self.version}>"

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def version(self) -> int:
        """The model's version."""
        return self._model.version

    @property
    def manifest(self) -> Manifest:
        """Description of the version: its inputs, outputs, scores and origin."""
        return self._model.manifest

    def predict(
        self,
        data: Any,
        *,
        errors: Literal["fail", "report"] = "fail",
        coverage: float | None = None,
        abstain_below: float | None = None,
        explain: bool = False,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> Results:
        """Predict on every instance of the data.

        Args:
            data: For a model of pictures: the bytes, the path or the data URI of a picture, its
                levels as an array or nested lists, or a list of any of these. For a model of
                tables: the path or the bytes of a CSV file, the path of an Arrow or Parquet file,
                one row or a list of rows as mappings, a mapping of columns, an array with a column
                for each feature, an Arrow table, or a pandas or other data frame.
            errors: "fail" to raise an error where an instance has no prediction, "report" to put
                the error in its record.
            coverage: Probability that prediction sets and intervals hold the truth; 0.9, or the
                most that the calibration supports, by default.
            abstain_below: Credibility below which no class label is given.
            explain: Whether each record says which pixels or features decided.
            max_pixels: Number of pixels that one picture may have.

        Shapes:
            Levels of a picture: (height, width), (height, width, 1) or (height, width, 3); of
            several: the same with n before it. Features: (n, features) or (features,).

        Raises:
            vitrine.errors.VitrineError: The data cannot be read, or does not fit the signature.
            vitrine.inputs.UnknownData: The data is nothing that this model takes.
        """
        options = Options(
            top=None,
            report=errors == "report",
            coverage=coverage,
            abstain_below=abstain_below,
            explain=explain,
        )
        pipeline = Pipeline(self._model, options)
        with ExitStack() as files:
            stream = open_data(self._model, data, options, max_pixels=max_pixels, files=files)
            blocks = [_without_instances(predicted) for predicted in pipeline.predict(stream)]
        return Results(self._model, pipeline.trust, blocks, options)


def _without_instances(predicted: PredictedBlock) -> PredictedBlock:
    """Forget the instances themselves, which may weigh more than what was predicted for them."""
    return replace(predicted, block=replace(predicted.block, instances={}))


def _default(folder: Path) -> Path:
    resolved = folder.resolve()
    version = bundle.default_version(resolved.parent, resolved.name)
    if version is None:
        raise InvalidBundle(f"{folder}: holds neither {bundle.MANIFEST_NAME} nor a version.")
    return resolved / str(version)
