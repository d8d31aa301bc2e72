"""The scores of every part, on the card."""

import msgspec

from tests.bundles import labels_manifest, table_manifest
from training.cards.score_table import scores_text


def test_standard_error_stands_beside_its_score() -> None:
    scores = {"test": {"rmse": 2.0, "rmse_standard_error": 0.25, "r2": 0.5}}

    text = scores_text(msgspec.structs.replace(table_manifest(), scores=scores))

    assert "| part | instances | r2 | rmse |" in text
    assert "| 0.5 | 2 ± 0.25 |" in text
    assert "number after ±" in text


def test_each_label_has_a_line_of_its_own() -> None:
    scores = {"test": {"f1": 0.5, "f1 of wet": 0.25, "f1 of cold": 0.75}}

    text = scores_text(msgspec.structs.replace(labels_manifest(), scores=scores))

    assert "| part | instances | f1 |" in text
    assert text.endswith("| label | f1 |\n| --- | --- |\n| cold | 0.75 |\n| wet | 0.25 |")


def test_version_that_is_not_the_default_says_why() -> None:
    manifest = msgspec.structs.replace(table_manifest(), scores={"test": {"rmse": 2.0}})

    assert "answers only requests that name it" not in scores_text(manifest)
    worse = msgspec.structs.replace(manifest, default=False)
    assert scores_text(worse).endswith("So it answers only requests that name it.")


def test_version_without_scores_says_why() -> None:
    text = scores_text(msgspec.structs.replace(table_manifest(), scores={}))

    assert text.startswith("There are no scores")


def test_errors_are_explained_only_where_they_stand() -> None:
    scores = {"test": {"accuracy": 0.5}}

    text = scores_text(msgspec.structs.replace(labels_manifest(), scores=scores))

    assert "±" not in text
