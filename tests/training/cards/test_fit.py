"""The card's sentences about a fit, compared with the history of the fit."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.training.conftest import TINY, picture_config
from tests.training.made_tables import PLAIN, made_config
from training.cards.fit import epochs_text, rate_text, steps_text
from training.datasets.picture_sets import PICTURE_SETS, PictureSet
from training.experiments import autoencoder, numpy_network, pictures, tables
from training.experiments.pictures.card import fit_text
from training.experiments.tables import LearningConfig
from training.fitting import Fitting
from training.history import History

Columns = Mapping[str, Sequence[float]]


def history(*losses: float, kept: int, first: int = 1) -> History:
    """Describe a fit by its validation losses."""
    return History({"loss": losses, "val_loss": losses}, kept=kept, first=first)


def test_kept_epoch_is_named() -> None:
    text = epochs_text(history(3, 1, 2, kept=2), limit=3)

    assert text == "Epoch 2 of 3 had the smallest validation loss; its weights were kept."


def test_epochs_that_were_not_considered_are_named() -> None:
    text = epochs_text(history(3, 1, 4, 2, kept=4, first=3), limit=4)

    assert text.startswith("Only epochs 3 to 4 were considered, because an early")
    assert "Of these, epoch 4 had the smallest validation loss" in text


def test_only_epoch_and_last_epoch_are_not_called_the_best_of_several() -> None:
    assert epochs_text(history(1, kept=1), limit=1).startswith("There was one epoch")
    assert epochs_text(history(1, 2, kept=2, first=2), limit=2).startswith(
        "The weights of epoch 2, the last one, were kept."
    )


def test_early_end_is_named_with_the_limit() -> None:
    text = epochs_text(history(1, 2, 2, kept=1), limit=30)

    assert "Training ended after 3 of at most 30 epochs" in text


@pytest.mark.parametrize(
    ("batch_size", "text"),
    [
        (16, "16 rows in each step but the last one of an epoch, which had 12"),
        (31, "31 rows in each step"),
        (124, "all 124 rows in each step"),
        (500, "all 124 rows in each step"),
    ],
    ids=["with a rest", "without a rest", "all", "more than there are"],
)
def test_steps_are_as_large_as_they_were(batch_size: int, text: str) -> None:
    assert steps_text(batch_size, 124, "rows") == text


@pytest.mark.parametrize(
    ("rates", "text"),
    [
        ([0.1, 0.1], "The learning rate was 0.1 throughout. It would have been halved after"),
        ([0.1, 0.05], "it was halved, 1 time in all; in the last epoch it was 0.05."),
        ([0.1, 0.05, 0.05, 0.025], "halved, 2 times in all; in the last epoch it was 0.025."),
    ],
    ids=["never", "once", "twice"],
)
def test_rate_is_halved_as_often_as_it_was(rates: Sequence[float], text: str) -> None:
    fitted = History({"loss": rates, "learning_rate": rates}, kept=1)

    assert text in rate_text(fitted, 0.1, reduce_patience=2)


def read_history(folder: Path) -> Columns:
    """Return the columns of a published history."""
    with (folder / "history.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def is_smallest(columns: Columns, kept: int, *, first: int, last: int) -> bool:
    losses = columns["val_loss"]
    return losses[kept - 1] == min(losses[first - 1 : last]) and len(losses) == last


def is_kept(columns: Columns, kept: str, epochs: str) -> bool:
    return is_smallest(columns, int(kept), first=1, last=int(epochs))


def is_kept_late(columns: Columns, first: str, epochs: str, kept: str) -> bool:
    return is_smallest(columns, int(kept), first=int(first), last=int(epochs)) and int(first) > 1


def is_only(columns: Columns) -> bool:
    return len(columns["val_loss"]) == 1


def is_last(columns: Columns, epochs: str) -> bool:
    return len(columns["val_loss"]) == int(epochs) > 1


def ended_early(columns: Columns, epochs: str, limit: str) -> bool:
    losses = columns["val_loss"]
    return len(losses) == int(epochs) < int(limit) and losses[-1] > min(losses)


def was_constant(columns: Columns, rate: str) -> bool:
    return set(columns.get("learning_rate", [float(rate)])) == {float(rate)}


def was_not_halved(columns: Columns, _patience: str) -> bool:
    return len(set(columns["learning_rate"])) == 1


def was_halved(columns: Columns, start: str, _patience: str, times: str, last: str) -> bool:
    rates = columns["learning_rate"]
    fallen = sum(after < before for before, after in pairwise(rates))
    return (rates[0], rates[-1], fallen) == (float(start), float(last), int(times))


def rose(columns: Columns, _rate: str) -> bool:
    return len(columns["loss"]) == 1


def rose_and_fell(columns: Columns, _rate: str, end: str) -> bool:
    return 1 < len(columns["loss"]) <= int(end)


def were_calm(columns: Columns, epochs: str | None) -> bool:
    return int(epochs or 1) < len(columns["loss"])


def holds(_columns: Columns, *_values: str) -> bool:
    """Accept a sentence about something that the history does not tell."""
    return True


# Every sentence that a fit can have, with what the history must say for it to be true.
CLAIMS: Mapping[str, Callable[..., bool]] = {
    r"Epoch (\d+) of (\d+) had the smallest validation loss; its weights were kept\.": is_kept,
    r"Only epochs (\d+) to (\d+) were considered, because an early epoch can be the "
    r"best one by luck\. Of these, epoch (\d+) had the smallest validation loss; its weights were "
    r"kept\.": is_kept_late,
    r"There was one epoch; its weights were kept\.": is_only,
    r"The weights of epoch (\d+), the last one, were kept\.": is_last,
    r"Training ended after (\d+) of at most (\d+) epochs, because the validation loss no longer "
    r"fell\.": ended_early,
    r"The learning rate was ([\d.e-]+) throughout\.": was_constant,
    r"It would have been halved after (\d+) epochs? without a smaller validation loss\.": (
        was_not_halved
    ),
    r"The learning rate was ([\d.e-]+) at the start\. After (\d+) epochs? without a smaller "
    r"validation loss it was halved, (\d+) times? in all; in the last epoch it was ([\d.e-]+)\.": (
        was_halved
    ),
    r"The learning rate rose towards ([\d.]+)\.": rose,
    r"The learning rate rose to ([\d.]+) over the first epoch and then fell along a cosine that "
    r"ends with epoch (\d+)\.": rose_and_fell,
    r"In the last (?:(\d+) epochs|epoch), about half of the pictures were left as they are\.": (
        were_calm
    ),
    r"In every epoch, about half of the pictures were left as they are\.": holds,
    r"The pictures were (?:changed|warped and inked) anew in every epoch .*?(?:\.py`\)|side|noise)"
    r"\.": holds,
    r"Some 1s got a flag, and some of these a foot; some 7s got a bar, and some of these a serif; "
    r"other 7s were replaced by drawn ones whose roof is a wave \(`\S+`\)\.": holds,
    r"The optimizer `\w+` fitted (?:it|the network) with (?:all )?[\d,]+ (?:rows|pictures) in each "
    r"step(?: but the last one of an epoch, which had [\d,]+)?\.": holds,
    r"The network is a multilayer perceptron with .*?\)\.": holds,
    r"The rows were weighted so that all class labels count the same\. A rare label is therefore "
    r"predicted more often than without weights, with a probability that is higher than its "
    r"frequency\.": holds,
    r"An ensemble (?:for each label )?taught the network: .*?2015\)\.": holds,
    r"The network learned from [\d,]+ rows\. Some of them are the training rows, .*? labelled "
    r"them\.": holds,
    r"The ensemble's own RMSE on rows that it had not learned from is [\d.,]+\.": holds,
    r"The training curve is measured on these rows, in some of which values were hidden\.": holds,
}


def check_sentences(text: str, columns: Columns) -> None:
    """Check that the history bears out every sentence about a fit."""
    rest = text.strip()
    while rest:
        found = next(
            ((match, holds) for text, holds in CLAIMS.items() if (match := re.match(text, rest))),
            None,
        )
        assert found, f"No claim covers: {rest}"
        match, is_true = found
        assert is_true(columns, *match.groups()), f"The history does not say: {match[0]}"
        rest = rest[match.end() :].strip()


def check_card(folder: Path) -> None:
    """Check the section of a published card about the fit."""
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    check_sentences(card.split("## Fit\n")[1].split("\n![")[0], read_history(folder))


EAGER = replace(PLAIN, fitting=Fitting(learning_rate=0.3, epochs=40, batch_size=500))
LEARNED = {
    "taught": LearningConfig(recipe=replace(TINY, epochs=4), reduce_patience=1),
    "plain": LearningConfig(plain=EAGER, patience=4, reduce_patience=1, class_weights=True),
}


@pytest.mark.parametrize("learning", LEARNED.values(), ids=LEARNED)
def test_card_of_a_table_says_what_its_history_says(
    learning: LearningConfig, tmp_path: Path
) -> None:
    check_card(tables.train(made_config("binary", tmp_path, learning)))


def test_card_of_a_regression_says_what_its_history_says(table_bundle: Path) -> None:
    check_card(table_bundle)


def test_card_of_several_labels_says_what_its_history_says(
    published_tables: Callable[[str, str], Path],
) -> None:
    check_card(published_tables("multilabel", "taught"))


TRAINED: Mapping[str, Mapping[str, Any]] = {
    "mlp": {"epochs": 4, "reduce_patience": 1},
    "numpy": {"epochs": 3},
    "autoencoder": {"epochs": 2},
}
TRAINERS = {"numpy": numpy_network.train, "autoencoder": autoencoder.train}


@pytest.mark.parametrize("architecture", TRAINED)
def test_card_of_pictures_says_what_its_history_says(
    architecture: str, drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    base = picture_config(drawn_set, idx_folder, tmp_path)
    config = replace(base, architecture=architecture, **TRAINED[architecture])

    check_card(TRAINERS.get(architecture, pictures.train)(config))


def test_card_of_pictures_that_were_changed_says_what_its_history_says(
    picture_bundle: Path,
) -> None:
    check_card(picture_bundle)


ENDED: Mapping[str, tuple[Mapping[str, Any], Sequence[float]]] = {
    "one epoch": ({"epochs": 1}, [1]),
    "calm epochs at the end": ({"epochs": 6}, [5, 4, 3, 2, 1, 2]),
    "fewer epochs than are calm": ({"epochs": 3}, [3, 1, 2]),
    "ended before the calm epochs": ({"epochs": 40, "patience": 1}, [1, 2]),
    "as they are": ({"epochs": 2, "augmented": False}, [2, 1]),
    "steady rate": ({"architecture": "sigmoid", "epochs": 2}, [2, 1]),
    "ended early at a stated rate": (
        {"fitting": Fitting(learning_rate=0.1), "epochs": 12, "patience": 2},
        [1, 2, 3],
    ),
}


@pytest.mark.parametrize(("options", "losses"), ENDED.values(), ids=ENDED)
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_text_of_a_fit_says_what_its_history_says(
    options: Mapping[str, Any], losses: Sequence[float], name: str
) -> None:
    config = replace(picture_config(PICTURE_SETS[name], Path(), Path()), **options)
    fitted = history(*losses, kept=losses.index(min(losses)) + 1)

    check_sentences(fit_text(config, fitted, 700), fitted.measures)
