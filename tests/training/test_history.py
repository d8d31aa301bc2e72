"""The history of a training."""

from pathlib import Path


def test_history_has_a_line_an_epoch(published: Path) -> None:
    header, *epochs = (published / "history.csv").read_text().splitlines()

    assert header.startswith("epoch,")
    assert [line.split(",")[0] for line in epochs] == ["1"]
