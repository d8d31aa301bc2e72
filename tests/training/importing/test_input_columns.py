"""Samples that do not fit the columns of a network."""

from pathlib import Path

import pytest

from tests.training.importing.conftest import interface
from training.errors import CannotTrain
from training.importing.options import ImportOptions
from training.importing.plans import make_plan

SAMPLES = {
    "too few columns": ("a,b\n1,2\n", "must have the 3 columns"),
    "text for a number": ("a,b,c\n1,2,x\n", "data row 1"),
    "no rows": ("a,b,c\n", "must have at least one row"),
}


@pytest.mark.parametrize(("text", "message"), SAMPLES.values(), ids=SAMPLES)
def test_sample_that_does_not_fit_is_refused(tmp_path: Path, text: str, message: str) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_text(text, encoding="utf-8")

    with pytest.raises(CannotTrain, match=message):
        make_plan(interface(3), ImportOptions(sample=sample))
