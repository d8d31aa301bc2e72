"""A network that an ensemble of trees teaches."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training.architectures.heads import Head
from training.architectures.table_inputs import date_columns
from training.architectures.tables import table_network
from training.cards.fit import rate_text
from training.cards.templates import fill
from training.datasets.tables import Rows, TableParts
from training.distillation.transfer_set import TransferSet
from training.evaluation.scores import Values
from training.experiments.tables.config import LearningConfig, TableRecipe
from training.experiments.tables.fit import (
    FittedNetwork,
    callbacks_of,
    compile_learner,
    outcome_text,
    run_fit,
)
from training.formatting import format_number
from training.history import History
from training.outcomes import outcome_of
from training.progress import stretch
from vitrine.engines import available_cpus
from vitrine.signature import MISSING_CODE, OTHER_CODE


def learn_distilled(parts: TableParts, learning: LearningConfig, *, seed: int) -> FittedNetwork:
    """Let an ensemble label synthetic rows, and fit a network on them and on the true rows."""
    outcome, recipe = outcome_of(parts.target), learning.recipe
    transfer = _build_transfer_set(parts, recipe, seed=seed)
    head = outcome.head(parts.train.y)
    network = table_network(
        parts.train.rows,
        parts.specs,
        head,
        pairs=transfer.pairs,
        multiply_adds=recipe.multiply_adds,
    )
    batches = MaskedBatches(transfer, outcome.encode(transfer.target), recipe, seed=seed)
    history = _fit(network, head, parts, batches, learning)
    return FittedNetwork(
        outcome.finish(network, parts, transfer.residuals, seed=seed),
        history,
        _fit_text(transfer, history, learning, labels=_ensembles(parts)),
        beyond_text="Beyond the ranges its predictions level off, which is untested.",
    )


def _build_transfer_set(parts: TableParts, recipe: TableRecipe, *, seed: int) -> TransferSet:
    with stretch("An ensemble of trees labels synthetic rows", total=_ensembles(parts)) as advance:
        return outcome_of(parts.target).build_transfer_set(
            parts.train.rows,
            parts.train.y,
            seed=seed,
            dates=date_columns(parts.specs),
            config=recipe.distillation,
            threads=available_cpus(),
            advance=advance,
        )


class MaskedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Endless shuffled batches, in some of whose rows single values are hidden.

    A hidden number becomes missing. A hidden category becomes missing or other, equally often. So
    the network learns what to do with them even where the table has none.
    """

    def __init__(
        self, transfer: TransferSet, target: Values, recipe: TableRecipe, *, seed: int
    ) -> None:
        super().__init__()
        self._rows, self._target, self._recipe = transfer.rows, target, recipe
        self._rng = np.random.default_rng(seed)
        self._order = self._shuffled()

    def __len__(self) -> int:
        return self._recipe.steps(len(self._rows))

    def __getitem__(self, index: int) -> tuple[dict[str, NDArray[Any]], Values]:
        chosen = next(self._order)
        return self._mask(self._rows.take(chosen)).tensors(), self._target[chosen]

    def _shuffled(self) -> Iterator[NDArray[np.intp]]:
        size = self._recipe.batch_size
        while True:
            order = self._rng.permutation(len(self._rows))
            for start in range(0, max(1, len(order) - size + 1), size):
                yield order[start : start + size]

    def _mask(self, rows: Rows) -> Rows:
        # Of some rows no value is hidden, of the others each value with the same probability.
        is_masked = self._rng.random((len(rows), 1)) < self._recipe.masked_rows
        share = self._recipe.masked_values * is_masked
        numbers = np.where(self._rng.random(rows.numbers.shape) < share, np.nan, rows.numbers)
        stand_in = self._rng.choice([MISSING_CODE, OTHER_CODE], rows.categories.shape)
        is_hidden = self._rng.random(rows.categories.shape) < share
        categories = np.where(is_hidden, stand_in, rows.categories)
        return Rows(numbers.astype(np.float32), categories.astype(np.int32))


def _fit(
    network: keras.Model,
    head: Head,
    parts: TableParts,
    batches: MaskedBatches,
    learning: LearningConfig,
) -> History:
    recipe = learning.recipe
    learner = compile_learner(
        network,
        head,
        parts,
        optimizer=_build_optimizer(learning, steps=len(batches)),
        steps=recipe.steps_per_execution,
        class_weights=learning.class_weights,
    )
    # On few rows an epoch of the first half can be the best one by luck.
    callbacks = callbacks_of(
        learning, patience=recipe.patience, start_from_epoch=recipe.epochs // 2
    )
    outcome = outcome_of(parts.target)
    data = {"x": batches, "epochs": recipe.epochs, "shuffle": False}
    return run_fit(learner, callbacks, parts.validation, outcome, **data)


def _build_optimizer(learning: LearningConfig, *, steps: int) -> keras.optimizers.Optimizer:
    recipe = learning.recipe
    # A schedule and a rate that is reduced between epochs exclude each other.
    is_scheduled = learning.reduce_patience is None
    rate = recipe.schedule(steps) if is_scheduled else recipe.learning_rate
    return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, global_clipnorm=1.0)


def _fit_text(
    transfer: TransferSet, history: History, learning: LearningConfig, *, labels: int
) -> str:
    """Write the section of the card about the fit; several labels have an ensemble each."""
    return fill(
        "table_distillation" if labels == 1 else "table_distillation_of_labels",
        weights=", ".join(f"{weight:.2f}" for weight in transfer.member_weights),
        rows=f"{len(transfer.rows):,}",
        results=_results_text(transfer, history, learning),
    )


def _ensembles(parts: TableParts) -> int:
    return len(parts.target.labels) if parts.target.task == "multilabel" else 1


def _results_text(transfer: TransferSet, history: History, learning: LearningConfig) -> str:
    recipe = learning.recipe
    texts = []
    if transfer.residuals is not None:
        rmse = format_number(transfer.residuals.rmse)
        texts = [f"The ensemble's own RMSE on rows that it had not learned from is {rmse}."]
    if learning.reduce_patience is not None:
        rate, patience = recipe.learning_rate, learning.reduce_patience
        texts.append(rate_text(history, rate, reduce_patience=patience))
    return " ".join([*texts, outcome_text(history, learning, limit=recipe.epochs)])
