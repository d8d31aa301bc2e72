"""The multilayer perceptron that learns from the rows alone."""

from dataclasses import replace

import pytest

from tests.training.made_tables import PLAIN, load_made
from training.datasets.tables import TableParts
from training.experiments.tables import LearningConfig, PlainNetwork
from training.experiments.tables.learn import learn
from training.fitting import Fitting


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> TableParts:
    """A table of 336 training rows."""
    return load_made("regression", tmp_path_factory.mktemp("made"))


def plain(batch_size: int, *, adapts: bool = False) -> PlainNetwork:
    return replace(
        PLAIN, fitting=Fitting(epochs=1, batch_size=batch_size), adapts_batch_size=adapts
    )


@pytest.mark.parametrize(
    ("network", "text"),
    [
        (plain(50), "with 50 rows in each step but the last one of an epoch, which had 36."),
        (plain(32, adapts=True), "with 21 rows in each step."),
        (plain(500), "with all 336 rows in each step."),
    ],
    ids=["stated", "not stated", "more than there are"],
)
def test_steps_have_as_many_rows_as_was_stated(
    network: PlainNetwork, text: str, parts: TableParts
) -> None:
    fitted = learn(parts, LearningConfig(plain=network), seed=0)

    assert text in fitted.fit_text


def test_batch_that_is_larger_than_the_table_is_told(
    parts: TableParts, capsys: pytest.CaptureFixture[str]
) -> None:
    learn(parts, LearningConfig(plain=plain(500)), seed=0)

    assert "Each step has all 336 training rows: a batch of 500 is more." in capsys.readouterr().out
