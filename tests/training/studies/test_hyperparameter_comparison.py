"""Comparisons of one hyper-parameter: what varies, and how variants are ranked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.studies.conftest import (
    QUICK,
    SMALL,
    assert_holds_one_table_and_one_plot,
    read_table,
)
from training.architectures.hidden import Hidden
from training.fitting import Fitting
from training.studies import hyperparameter_comparison
from training.studies.data import StudyData


@pytest.fixture(scope="module")
def compared(rent_data: StudyData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished comparison of batch normalisation."""
    config = hyperparameter_comparison.ComparisonConfig(
        choice="batch-normalization",
        command="x",
        out=tmp_path_factory.mktemp("compare"),
        hidden=SMALL,
        fitting=replace(QUICK, epochs=2),
    )
    return hyperparameter_comparison.run(rent_data, config)


def test_study_leaves_one_table_and_one_plot(compared: Path) -> None:
    assert_holds_one_table_and_one_plot(compared)


@pytest.mark.parametrize("choice", hyperparameter_comparison.CHOICES)
def test_variants_differ_in_the_choice_alone(choice: str) -> None:
    config = hyperparameter_comparison.ComparisonConfig(
        choice=choice, command="x", out=Path("study"), hidden=SMALL, fitting=QUICK
    )
    fields = {
        "activations": {"activation"},
        "batch-sizes": {"batch_size"},
        "batch-normalization": {"batch_normalization"},
        "dropout": {"dropout"},
        "optimizers": {"optimizer", "learning_rate"},
    }

    variants = hyperparameter_comparison.CHOICES[choice](config).values()

    described = [{**_fields(hidden), **_fields(fitting)} for hidden, fitting in variants]
    differing = {name for name in described[0] if len({str(each[name]) for each in described}) > 1}
    assert len(described) > 1
    assert differing == fields[choice]


@pytest.mark.parametrize(
    ("instances", "sizes"),
    [(1000, [16, 32, 64, 128, 256]), (64, [16, 32, 64]), (60, [16, 32, 60])],
    ids=["many", "as many as in a batch", "few"],
)
def test_one_batch_size_at_most_holds_all_instances(instances: int, sizes: list[int]) -> None:
    config = hyperparameter_comparison.ComparisonConfig(
        choice="batch-sizes", command="x", out=Path("study"), hidden=SMALL, fitting=QUICK
    )

    variants = hyperparameter_comparison.choose_variants(config, instances=instances)

    assert [fitting.batch_size for _, fitting in variants.values()] == sizes
    assert list(variants) == [str(size) for size in sizes]


def _fields(value: Hidden | Fitting) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def test_given_learning_rate_holds_for_every_optimizer() -> None:
    config = hyperparameter_comparison.ComparisonConfig(
        choice="optimizers",
        command="x",
        out=Path("study"),
        hidden=SMALL,
        fitting=replace(QUICK, learning_rate=0.5),
        rate_given=True,
    )

    variants = hyperparameter_comparison.CHOICES["optimizers"](config).values()

    assert {fitting.learning_rate for _, fitting in variants} == {0.5}


def test_comparison_ranks_by_validation(compared: Path) -> None:
    rows = read_table(compared)

    errors = [float(row["best validation rmse"]) for row in rows]
    assert {row["variant"] for row in rows} == {"off", "on"}
    assert errors == sorted(errors)
    assert {row["at epoch"] for row in rows} <= {"1", "2"}
