"""The query parameters of a prediction: what they mean, and which are refused."""

from urllib.parse import urlencode

import pytest

from service.http.query import read_options
from vitrine.errors import InvalidParameter
from vitrine.options import Options


def test_no_parameters_are_the_defaults() -> None:
    assert read_options("", csv_body=False, table_body=False, table_answer=False) == Options()


def test_parameters_become_options() -> None:
    query = (
        "top=all&errors=report&echo=true&coverage=.99&abstain_below=5e-2"
        "&delimiter=%3B&decimal=,&thousands=."
    )

    assert read_options(query, csv_body=True, table_body=True, table_answer=True) == Options(
        top=None,
        report=True,
        echo=True,
        coverage=0.99,
        abstain_below=0.05,
        delimiter=";",
        decimal=",",
        thousands=".",
    )


@pytest.mark.parametrize(
    ("name", "texts", "rule"),
    [
        ("tops", ["3"], "is not known .Did you mean 'top'"),
        ("top", ["3", "4"], "may be given once"),
        ("top", ["0"], "must be 'all' or a whole number"),
        ("top", ["9" * 20], "must be 'all' or a whole number"),
        ("errors", ["maybe"], "must be 'fail' or 'report'"),
        ("coverage", ["1"], "must be a number between 0 and 1"),
        ("coverage", ["nan"], "must be a number between 0 and 1"),
        ("coverage", ["0_1"], "must be a number between 0 and 1"),
        ("delimiter", [";"], "is for CSV bodies only"),
        ("echo", ["true"], "is for bodies and answers in CSV, Arrow or Parquet only"),
    ],
)
def test_parameter_that_cannot_be_is_refused(name: str, texts: list[str], rule: str) -> None:
    with pytest.raises(InvalidParameter, match=rule):
        read_options(
            urlencode({name: texts}, doseq=True),
            csv_body=False,
            table_body=False,
            table_answer=False,
        )


def test_explanations_are_for_json_answers() -> None:
    with pytest.raises(InvalidParameter, match="is for JSON answers only"):
        read_options("explain=true", csv_body=True, table_body=True, table_answer=True)
