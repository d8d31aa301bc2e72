"""Every refusal says what is wrong and what to do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from training.importing.refusals import CannotImport, first_line

SOURCES = [
    *sorted((Path(__file__).parents[3] / "training" / "importing").glob("*.py")),
    Path(__file__).parents[3] / "training" / "commands" / "importing.py",
]
# A refusal of a subprocess is passed on as it is: it has its way out already.
PASSED_ON = {("subprocesses.py", "CannotTrain(last)")}


def test_refusal_ends_with_the_way_out() -> None:
    assert str(CannotImport("It is broken.", way_out="Mend it.")) == "It is broken. Mend it."


def refusals(source: Path) -> list[ast.Call]:
    """Return each error of this project that a module makes."""
    return [
        node
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"CannotTrain", "CannotImport"}
        and (source.name, ast.unparse(node)) not in PASSED_ON
    ]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_importing_refuses_nothing_without_a_way_out(source: Path) -> None:
    assert all(ast.unparse(call.func) == "CannotImport" for call in refusals(source))


def literal_ends(call: ast.Call) -> Iterator[str]:
    """Yield the ends of the fault and of the way out, where they are written in the call."""
    for value in (call.args[0], *(keyword.value for keyword in call.keywords)):
        last = value.values[-1] if isinstance(value, ast.JoinedStr) else value
        if isinstance(last, ast.Constant):
            yield str(last.value)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_parts_of_refusals_are_whole_sentences(source: Path) -> None:
    for call in refusals(source):
        assert all(end.endswith((".", ").")) for end in literal_ends(call)), ast.unparse(call)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("\n one. \ntwo"), "one"),
        (
            ValueError("Exception encountered when calling Dense.call().\n\n\x1b[1mNo.\x1b[0m"),
            "Dense: No",
        ),
        (ValueError("config={}. Exception encountered: Not this:\nbut that"), "Not this: but that"),
        (KeyError(), "KeyError"),
    ],
    ids=["text", "of a layer", "nested", "no text"],
)
def test_first_line_is_that_of_the_message(error: Exception, line: str) -> None:
    assert first_line(error) == line
