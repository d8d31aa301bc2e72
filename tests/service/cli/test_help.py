"""The help of every command of the service."""

import argparse
import runpy

import pytest

from tests.parsers import all_parsers, example_of
from tests.servers import ROOT

PROG = "vitrine"
# Run by path: if it were imported, runpy would warn the tests that run the package.
_MAIN = runpy.run_path(str(ROOT / "service/__main__.py"))
PARSERS = {each.prog: each for each in all_parsers(_MAIN["_parser"](PROG))}


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
def test_help_has_an_example_that_is_accepted(parser: argparse.ArgumentParser) -> None:
    options = PARSERS[PROG].parse_args(example_of(parser, PROG))

    assert callable(options.run)


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
def test_help_shows_no_default_that_is_none(parser: argparse.ArgumentParser) -> None:
    assert "None" not in parser.format_help()


def test_serve_may_be_said_twice() -> None:
    options = PARSERS[PROG].parse_args(["serve", "serve"])

    assert options.run is PARSERS[PROG].parse_args(["serve"]).run
    assert "again" not in PARSERS[f"{PROG} serve"].format_help()
