"""Typical features of each class, from which the novelty of an instance is measured."""

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans

Features = NDArray[np.float32]
Codes = NDArray[np.int64]

_MOST_PROTOTYPES = 50
_INSTANCES_PER_PROTOTYPE = 20
# Further rounds move the centres by next to nothing.
_CLUSTERING_ROUNDS = 20
# All prototypes together: a quarter of a million numbers are a megabyte.
_MOST_NUMBERS = 240_000


def find_prototypes(features: Features, y: Codes, *, seed: int) -> Features:
    """Find typical directions of each class among the features of the training instances.

    A prototype is the centre of a cluster, scaled to length 1: an average of many instances, from
    which none of them can be recovered.

    Args:
        features: Features of the training instances, as the network gives them.
        y: Codes of their labels.
        seed: Seed of the clustering.

    Returns:
        Prototypes, which together hold a megabyte of numbers at most.

    Shapes:
        features: (n, width); y: (n,); result: (prototypes, width).
    """
    directions = _scale_to_length_1(features)
    classes = np.unique(y)
    most = _MOST_NUMBERS // features.shape[1]
    if len(classes) > most:  # there is no room for a prototype of each class
        classes, y = np.zeros(1, dtype=y.dtype), np.zeros_like(y)
    most_of_a_class = min(_MOST_PROTOTYPES, most // len(classes))
    centres = [
        _cluster_centres(directions[y == code], most_of_a_class, seed=seed) for code in classes
    ]
    return _scale_to_length_1(np.concatenate(centres)).astype(np.float32)


def _cluster_centres(
    directions: NDArray[np.floating], most: int, *, seed: int
) -> NDArray[np.floating]:
    clustering = MiniBatchKMeans(
        max(1, min(most, len(directions) // _INSTANCES_PER_PROTOTYPE)),
        random_state=seed,
        n_init=3,
        batch_size=2048,
        max_iter=_CLUSTERING_ROUNDS,
    )
    centres: NDArray[np.floating] = clustering.fit(directions).cluster_centers_
    return centres


def _scale_to_length_1(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-6))
