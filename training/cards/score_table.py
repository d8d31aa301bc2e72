"""The scores of every part."""

from collections.abc import Mapping, Sequence

from training.cards.markdown import table
from training.cards.templates import fill
from vitrine.bundle import Manifest

# Between the name of a measure and the one label that it is of.
OF_LABEL = " of "
_ERROR = "_standard_error"
_ERRORS = "The number after ± is one standard error for a part of that size."


def scores_text(manifest: Manifest) -> str:
    """Return the scores as tables with the sentences that explain them."""
    if not manifest.scores:
        return "There are no scores: the network was trained elsewhere, on data that is not known."
    names = sorted({name for scores in manifest.scores.values() for name in scores})
    measures = [name for name in names if not name.endswith(_ERROR)]
    of_parts = _part_table(manifest, [name for name in measures if OF_LABEL not in name])
    errors = _ERRORS if len(measures) < len(names) else ""
    texts = [fill("scores", table=of_parts, errors=errors)]
    of_labels = [name for name in measures if OF_LABEL in name]
    if of_labels:
        by_label = _label_table(manifest.scores["test"], of_labels)
        texts.append(fill("label_scores", table=by_label))
    if not manifest.default:
        texts.append(fill("by_number"))
    return "\n\n".join(texts)


def _part_table(manifest: Manifest, measures: Sequence[str]) -> str:
    rows = [
        [part, manifest.origin.split.get(part, ""), *(_score(scores, name) for name in measures)]
        for part, scores in manifest.scores.items()
    ]
    return table(["part", "instances", *map(_in_words, measures)], rows)


def _label_table(scores: Mapping[str, float], of_labels: Sequence[str]) -> str:
    pairs = [name.split(OF_LABEL, 1) for name in of_labels]
    measures, labels = (list(dict.fromkeys(each)) for each in zip(*pairs, strict=True))
    rows = [
        [label, *(_score(scores, f"{measure}{OF_LABEL}{label}") for measure in measures)]
        for label in labels
    ]
    return table(["label", *map(_in_words, measures)], rows)


def _in_words(measure: str) -> str:
    return measure.replace("_", " ")


def _score(scores: Mapping[str, float], name: str) -> str:
    if name not in scores:
        return ""
    error = scores.get(name + _ERROR)
    return f"{scores[name]:.5g}" + (f" ± {error:.2g}" if error is not None else "")
