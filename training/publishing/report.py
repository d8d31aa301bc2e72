"""What is told of a version that has just been published: its score, its card and a request."""

import shlex
from pathlib import Path

from training.progress import console
from training.publishing.comparison import MEASURES, compare_with_default, test_score
from training.publishing.requests import curl_command
from vitrine import bundle
from vitrine.bundle import InvalidBundle, Manifest

# The service looks here for models unless a setting names another folder.
_USUAL_MODELS = Path("models")


def print_report(folder: Path, file: Path | None) -> None:
    """Print the test score of a version, where its card is, and how to ask it.

    Args:
        folder: Folder of the version.
        file: A picture or a table that the version predicts; None to send what is at hand.
    """
    manifest = bundle.read_manifest(folder)
    lines = [
        _score_text(manifest, folder),
        f"Card: {folder / bundle.CARD_NAME}",
        f"Serve it, in another terminal:\n  {_serve_command(folder.parents[1])}",
        f"Ask it:\n  {curl_command(manifest, folder, file)}",
    ]
    console.print("\n".join(lines), markup=False)


def _score_text(manifest: Manifest, folder: Path) -> str:
    score = test_score(manifest)
    if score is None:
        return "There is no test score: the network was trained elsewhere."
    text = f"Test {MEASURES[manifest.task].title} of version {manifest.version}: {score}."
    return text + _text_of_version_before(manifest, folder.parent)


def _text_of_version_before(manifest: Manifest, model: Path) -> str:
    number = bundle.default_version(model.parent, model.name, below=manifest.version)
    if number is None:
        return ""
    comparison = compare_with_default(manifest, model)
    if comparison is not None:
        return f" Version {number}, the default until now: {comparison.before} in the same test."
    try:
        before = bundle.read_manifest(model / str(number))
    except InvalidBundle:
        return f" Version {number}, the default until now, cannot be read."
    score, title = test_score(before), MEASURES[before.task].title
    if score is None:
        return f" Version {number}, the default until now, has no test score."
    return f" Version {number}, the default until now: {title} {score} in a test on other data."


def _serve_command(models: Path) -> str:
    if models == _USUAL_MODELS:
        return "vitrine serve"
    return f"VITRINE_MODELS={shlex.quote(str(models))} vitrine serve"
