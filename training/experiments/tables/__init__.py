"""Rows of a table into values or labels.

Read in this order:

    experiment.py  all steps, one after the other
    config.py      hyper-parameters
    data.py        read, split, and described to the user
    learn.py       the network and its fit, in one of two ways:
    distilled.py   an ensemble of trees teaches the network
    plain.py       the network learns from the rows alone
    fit.py         what both ways share
    evaluate.py    outputs for the parts that did not train
    trained.py     what was found up to here
    publish.py     signature, manifest, bundle
    golden_rows.py rows made by code, with their predictions
    plots.py       the plots of the card
    card.py        the texts of the card

What depends on the task (a value, one class label, several labels) is in `training.outcomes`.
"""

from training.experiments.tables.config import (
    LearningConfig,
    PlainNetwork,
    TableConfig,
    TableRecipe,
)
from training.experiments.tables.experiment import train

__all__ = ["LearningConfig", "PlainNetwork", "TableConfig", "TableRecipe", "train"]
