"""Pictures into classes.

Read in this order:

experiment.py  all steps, one after the other
config.py      hyper-parameters
kinds.py       what depends on what the pictures show
data.py        read and split
network.py     the architecture
fit.py         batches and the fit
calibrate.py   temperature, scores and novelty
evaluate.py    outputs and scores on the parts that did not train
publish.py     signature, manifest, bundle
plots.py       the plots of the card, and those that stay with the user
card.py        the texts of the card
"""

from training.experiments.pictures.config import PictureConfig, PictureRecipe
from training.experiments.pictures.experiment import train

__all__ = ["PictureConfig", "PictureRecipe", "train"]
