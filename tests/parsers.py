"""Parsers of commands, and the examples in their help."""

import argparse
import re
import shlex
from collections.abc import Iterator
from itertools import takewhile


def all_parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from all_parsers(command)


def example_of(parser: argparse.ArgumentParser, prog: str) -> list[str]:
    """Return the words of the example in a parser's help, without the name of the program."""
    found = re.search(rf"^example:\n  {re.escape(prog)}\b(.*)$", parser.format_help(), re.MULTILINE)
    assert found, f"{parser.prog} has no example"
    return list(takewhile(lambda word: word not in {">", "|"}, shlex.split(found[1])))
