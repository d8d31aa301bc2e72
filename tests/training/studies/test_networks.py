"""The networks that studies fit: equal initial weights, equal order, every task."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.studies.conftest import blobs, bright_pictures
from training.architectures.hidden import Hidden
from training.fitting import Fitting
from training.studies.data import StudyData
from training.studies.networks import Batches, Learner, LearningTask, Sample, build_learner

POINTS = LearningTask(task="multiclass", classes=3)
PLAIN = Hidden(units=(8, 8))
VARIANTS = {
    "activation": replace(PLAIN, activation="tanh"),
    "dropout": replace(PLAIN, dropout=0.5),
    "batch normalization": replace(PLAIN, batch_normalization=True),
}


def kernels(learner: Learner) -> list[NDArray[Any]]:
    return [np.array(layer.kernel) for layer in learner.network.layers if hasattr(layer, "kernel")]


@pytest.mark.parametrize("hidden", VARIANTS.values(), ids=VARIANTS)
def test_variants_begin_with_the_same_weights(hidden: Hidden) -> None:
    first, second = (build_learner(POINTS, blobs(9), each, seed=5) for each in (PLAIN, hidden))

    for one, other in zip(kernels(first), kernels(second), strict=True):
        np.testing.assert_array_equal(one, other)


def test_layers_of_one_shape_begin_with_different_weights() -> None:
    _, second, third = kernels(build_learner(POINTS, blobs(9), Hidden(units=(3, 3)), seed=0))

    assert second.shape == third.shape
    assert not np.array_equal(second, third)


def test_other_seeds_begin_with_other_weights() -> None:
    first, second = (build_learner(POINTS, blobs(9), PLAIN, seed=seed) for seed in (1, 2))

    assert not np.array_equal(kernels(first)[0], kernels(second)[0])


def test_batches_have_an_order_by_seed_and_epoch() -> None:
    def orders(size: int) -> list[list[int]]:
        batches = Batches(POINTS, blobs(12), size=size, seed=3)
        found = []
        for _ in range(2):
            found.append([code for batch in range(len(batches)) for code in batches[batch][1]])
            batches.on_epoch_end()
        return found

    assert orders(4) == orders(6)
    assert orders(4)[0] != orders(4)[1]


def test_fits_of_one_seed_end_alike() -> None:
    def fitted() -> NDArray[np.float32]:
        learner = build_learner(POINTS, blobs(30), replace(PLAIN, dropout=0.3), seed=4)
        learner.fit(blobs(30), Fitting(epochs=2), seed=4)
        return learner.predict(blobs(6).x)

    np.testing.assert_array_equal(fitted(), fitted())


TASKS = {
    "values": (LearningTask(task="regression"), replace(blobs(20), y=np.arange(20.0)), (20,)),
    "two classes": (LearningTask(task="binary", classes=2), blobs(20, classes=2), (20, 2)),
    "several labels": (
        LearningTask(task="multilabel", classes=4),
        replace(blobs(20), y=np.ones((20, 4), dtype=np.float32)),
        (20, 4),
    ),
    "pictures": (LearningTask(task="multiclass", classes=2), bright_pictures(20), (20, 2)),
}


@pytest.mark.parametrize(("learning_task", "sample", "shape"), TASKS.values(), ids=TASKS)
def test_network_of_every_task_is_fitted(
    learning_task: LearningTask, sample: Sample, shape: tuple[int, ...]
) -> None:
    learner = build_learner(learning_task, sample, PLAIN, seed=0)

    history = learner.fit(sample, Fitting(epochs=1), seed=0, validation=sample)

    measure = "rmse" if learning_task.task == "regression" else "accuracy"
    assert history.keys() == {"loss", measure, "val_loss", f"val_{measure}"}
    assert learner.predict(sample.x).shape == shape


def test_rows_are_separated_into_numbers_and_categories(rent_data: StudyData) -> None:
    x = rent_data.train.x

    tensors = rent_data.learning_task.tensors(x)

    assert tensors["categories"].dtype == np.int32
    np.testing.assert_array_equal(
        np.concatenate([tensors["numbers"], tensors["categories"]], axis=1), x
    )


def test_accuracy_of_several_labels_is_the_share_of_right_ones() -> None:
    rng = np.random.default_rng(0)
    sample = Sample(rng.random((40, 2), np.float32), (rng.random((40, 3)) < 0.5).astype("float32"))
    learning_task = LearningTask(task="multilabel", classes=3)
    learner = build_learner(learning_task, sample, Hidden(units=()), seed=0)

    history = learner.fit(sample, Fitting(epochs=1), seed=0, validation=sample)

    right = ((learner.predict(sample.x) > 0.5) == (sample.y > 0.5)).mean()
    assert history["val_accuracy"] == pytest.approx([right])
