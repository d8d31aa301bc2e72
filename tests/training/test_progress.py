"""What a terminal and a log show while something takes long."""

import io

import pytest
from rich.console import Console

from training.progress import stretch, track


def written(*, terminal: bool) -> tuple[Console, io.StringIO]:
    """Return a console of 80 columns and the text that it writes to."""
    text = io.StringIO()
    return Console(file=text, force_terminal=terminal, width=80, highlight=False), text


def test_log_has_a_line_and_no_bar() -> None:
    console, text = written(terminal=False)

    with stretch("Reading", total=2, on=console) as advance:
        advance(1)

    assert text.getvalue() == "Reading ...\n"


@pytest.mark.parametrize(
    ("total", "shown"), [(4, ["25%", "-:--:--"]), (None, ["0:00:00"])], ids=["known", "not known"]
)
def test_terminal_has_a_bar_with_the_time(total: int | None, shown: list[str]) -> None:
    console, text = written(terminal=True)

    with stretch("Reading", total=total, on=console) as advance:
        advance(1)

    assert "Reading ..." in text.getvalue()
    assert all(each in text.getvalue() for each in shown)


@pytest.mark.parametrize("terminal", [False, True], ids=["log", "terminal"])
def test_items_are_yielded_in_turn(*, terminal: bool) -> None:
    console, text = written(terminal=terminal)

    assert list(track("abc", "letters", on=console)) == ["a", "b", "c"]
    assert ("3/3" in text.getvalue()) == terminal
