"""The test scores of a new version and of the one that answered by default before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot
from pathlib import Path

from training.formatting import format_error, format_number
from vitrine import bundle
from vitrine.bundle import InvalidBundle, Manifest
from vitrine.signature import AnomalyOutput, Task

# A difference of at most so many standard errors may be chance.
_ALLOWED_ERRORS = 2


@dataclass(frozen=True, slots=True)
class Measure:
    """A score by which versions are compared.

    Attributes:
        key: Its name in a manifest.
        title: Its name in a sentence.
        larger_is_better: Whether a larger score means better predictions.
    """

    key: str
    title: str
    larger_is_better: bool


_ACCURACY = Measure("accuracy", "accuracy", larger_is_better=True)
MEASURES: Mapping[Task, Measure] = {
    "classification": _ACCURACY,
    "multi-label classification": _ACCURACY,
    "regression": Measure("rmse", "RMSE", larger_is_better=False),
    "anomaly detection": Measure("mean_error", "mean error", larger_is_better=False),
}


@dataclass(frozen=True, slots=True)
class ScoredVersion:
    """What a version scored in its test.

    Attributes:
        version: Number of the version.
        score: Its score on the test part.
        error: Standard error of the score.
    """

    version: int
    score: float
    error: float

    def __str__(self) -> str:
        return f"{format_number(self.score)} ± {format_error(self.error)}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A version beside the one that answered by default before it, in the same test.

    Attributes:
        name: Name of the model.
        measure: The score that both have.
        new: The new version.
        before: The version that answered before.
    """

    name: str
    measure: Measure
    new: ScoredVersion
    before: ScoredVersion

    @property
    def is_worse(self) -> bool:
        """Whether the new version is worse by more than chance allows.

        Both versions were tested on the same instances, so the true error of the difference is
        smaller than the one that is used here, which takes them for independent.
        """
        sign = 1 if self.measure.larger_is_better else -1
        lost = sign * (self.before.score - self.new.score)
        return lost > _ALLOWED_ERRORS * hypot(self.before.error, self.new.error)

    @property
    def warning(self) -> str:
        """What the user is told of a version that is worse."""
        new, before = self.new.version, self.before.version
        return (
            f"Warning: version {new} scores below version {before} in the same test: "
            f"{self.measure.title} {self.new}, against {self.before}. Version {before} goes on "
            f"answering by default, and version {new} answers at "
            f"/models/{self.name}/versions/{new}/predict. To make it the default of a running "
            f"service:\n  vitrine change {self.name} --label stable={new}"
        )


def compare_with_default(manifest: Manifest, model: Path) -> Comparison | None:
    """Compare a version with the one that answered by default before it.

    Args:
        manifest: Description of the version.
        model: Folder of the model's versions; later versions are passed over.

    Returns:
        The comparison; None where no version answered before, or its test was another one.
    """
    number = bundle.default_version(model.parent, model.name, below=manifest.version)
    if number is None:
        return None
    try:
        before = bundle.read_manifest(model / str(number))
    except InvalidBundle:
        return None
    new_score, score_before = test_score(manifest), test_score(before)
    if new_score is None or score_before is None or _test_of(manifest) != _test_of(before):
        return None
    return Comparison(manifest.name, MEASURES[manifest.task], new_score, score_before)


def test_score(manifest: Manifest) -> ScoredVersion | None:
    """Return what a version scored in its test; None where it has no such score."""
    scores, key = manifest.scores.get("test", {}), MEASURES[manifest.task].key
    error = f"{key}_standard_error"
    if key not in scores or error not in scores:
        return None
    return ScoredVersion(manifest.version, scores[key], scores[error])


def _test_of(manifest: Manifest) -> tuple[object, ...]:
    """Return what is equal for two versions that were tested on the same instances.

    The data and the size of the test part decide which instances test. An anomaly score depends on
    the size of the pictures, too.
    """
    picture, origin = manifest.signature.picture, manifest.origin
    is_anomaly = isinstance(manifest.signature.prediction, AnomalyOutput)
    return (
        manifest.task,
        manifest.target,
        origin.data_sha256,
        origin.split.get("test"),
        manifest.dialect,
        picture.shape if picture is not None and is_anomaly else None,
    )
