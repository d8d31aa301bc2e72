"""A multilayer perceptron that learns from the rows alone."""

import numpy as np

from training.architectures.hidden import Hidden
from training.architectures.plain_tables import plain_table_network
from training.cards.fit import rate_text, steps_text
from training.cards.templates import fill
from training.datasets.tables import TableParts
from training.experiments.tables.config import LearningConfig, PlainNetwork
from training.experiments.tables.fit import (
    FittedNetwork,
    callbacks_of,
    compile_learner,
    outcome_text,
    run_fit,
)
from training.history import History
from training.outcomes import outcome_of
from training.progress import console

_STEPS_PER_EXECUTION = 20
# Where the batch size was not stated, an epoch has so many steps at least.
_LEAST_STEPS = 16
_LEAST_PATIENCE = 10


def learn_plain(
    parts: TableParts, learning: LearningConfig, plain: PlainNetwork, *, seed: int
) -> FittedNetwork:
    """Build a multilayer perceptron and fit it on the training rows."""
    outcome, rows, fitting = outcome_of(parts.target), parts.train.rows, plain.fitting
    head = outcome.head(parts.train.y)
    network = plain_table_network(rows, parts.specs, head, plain.hidden)
    batch_size = _batch_size(plain, len(rows))
    learner = compile_learner(
        network,
        head,
        parts,
        optimizer=fitting.build_optimizer(),
        steps=min(_STEPS_PER_EXECUTION, -(-len(rows) // batch_size)),
        class_weights=learning.class_weights,
    )
    history = run_fit(
        learner,
        callbacks_of(learning, patience=max(_LEAST_PATIENCE, fitting.epochs // 10)),
        parts.validation,
        outcome,
        x=rows.tensors(),
        y=outcome.encode(parts.train.y),
        batch_size=batch_size,
        epochs=fitting.epochs,
    )
    return FittedNetwork(
        outcome.finish(network, parts, None, seed=seed),
        history,
        _fit_text(plain, steps_text(batch_size, len(rows), "rows"), history, learning),
        beyond_text="Beyond the ranges its predictions go on as they end, which is untested.",
    )


def _batch_size(plain: PlainNetwork, rows: int) -> int:
    stated = plain.fitting.batch_size
    if plain.adapts_batch_size:
        return int(np.clip(rows // _LEAST_STEPS, 1, stated))
    if stated > rows:
        console.print(f"Each step has all {rows:,} training rows: a batch of {stated:,} is more.")
    return stated


def _fit_text(plain: PlainNetwork, steps: str, history: History, learning: LearningConfig) -> str:
    fitting = plain.fitting
    return fill(
        "plain_table_fit",
        layers=_layers_text(plain.hidden),
        optimizer=fitting.optimizer,
        steps=steps,
        learning_rate=rate_text(
            history, fitting.learning_rate, reduce_patience=learning.reduce_patience
        ),
        epochs=outcome_text(history, learning, limit=fitting.epochs),
    )


def _layers_text(hidden: Hidden) -> str:
    if not hidden.units:
        return "no hidden layers"
    units = ", ".join(map(str, hidden.units))
    extras = ["batch normalisation"] if hidden.batch_normalization else []
    extras += [f"dropout {hidden.dropout:g}"] if hidden.dropout else []
    with_extras = f", {' and '.join(extras)}" if extras else ""
    return f"hidden layers of {units} units ({hidden.activation}{with_extras})"
