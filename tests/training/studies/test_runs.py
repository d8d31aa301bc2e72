"""A study's folder: finished runs are kept, another study is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from training.errors import CannotTrain
from training.studies.runs import About, Key, Result, open_folder

ABOUT = About(
    study="test",
    command="python -m training test",
    data="rents",
    data_sha256="abc",
    sizes={"train": 9},
    seed=0,
    options={"batch_size": 32, "units": (8, 8)},
)
PLAN = [{"size": 1}, {"size": 2}, {"size": 3}]


def until(last: int, made: list[int]) -> Callable[[Key], Result]:
    """Return a measure that is interrupted after a size, and notes which it made."""

    def measure(key: Key) -> Result:
        if key["size"] > last:
            raise KeyboardInterrupt
        made.append(key["size"])
        return {"score": key["size"] / 10}

    return measure


def go(folder: Path, measure: Callable[[Key], Result]) -> list[Result]:
    return open_folder(folder, ABOUT).run(PLAN, measure, said=lambda result: f"{result['score']}")


def test_interrupted_study_goes_on_where_it_was(tmp_path: Path) -> None:
    made: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "study", until(2, made))

    results = go(tmp_path / "study", until(3, made))

    assert made == [1, 2, 3]
    assert {result["size"]: result["score"] for result in results} == {1: 0.1, 2: 0.2, 3: 0.3}


def test_finished_run_is_a_line(tmp_path: Path) -> None:
    go(tmp_path / "study", until(3, []))

    lines = (tmp_path / "study/runs.jsonl").read_text().splitlines()
    assert [json.loads(line)["run"] for line in lines] == PLAN
    assert json.loads(lines[0])["result"].keys() == {"score", "seconds"}


def test_half_written_line_is_run_again(tmp_path: Path) -> None:
    made: list[int] = []
    go(tmp_path / "study", until(3, []))
    file = tmp_path / "study/runs.jsonl"
    file.write_text(file.read_text()[:-9])

    results = go(tmp_path / "study", until(3, made))

    assert made == [3]
    assert results[-1]["score"] == 0.3
    assert len(file.read_text().splitlines()) == 3


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "seed": ({"seed": 1}, "its seed being 0: .* Received: 1"),
    "data": ({"data_sha256": "abd"}, "its data being"),
    "rows": ({"sizes": {"train": 8}}, "its train part being 9"),
    "option": ({"options": {"batch_size": 64, "units": (8, 8)}}, "its batch size being 32"),
    "new option": ({"options": {**ABOUT.options, "x": 1}}, "its x being null"),
    "option of an option": ({"options": {**ABOUT.options, "x": {"y": 1}}}, "its x y being null"),
}


@pytest.mark.parametrize(("change", "message"), OTHERS.values(), ids=OTHERS)
def test_folder_of_another_study_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    open_folder(tmp_path / "study", ABOUT)

    with pytest.raises(CannotTrain, match=message):
        open_folder(tmp_path / "study", replace(ABOUT, **change))


def test_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear")

    with pytest.raises(CannotTrain, match="holds no study"):
        open_folder(tmp_path, ABOUT)


def test_record_says_how_the_study_was_made(tmp_path: Path) -> None:
    open_folder(tmp_path / "study", ABOUT)

    record = json.loads((tmp_path / "study/study.json").read_text())
    assert record["command"] == "python -m training test"
    assert (record["seed"], record["data_sha256"]) == (0, "abc")
    assert "keras" in record["libraries"]


def test_table_keeps_all_digits_for_machines(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "study", ABOUT)

    folder.write_table("Title", ["name", "score"], [["a", 0.123456789]], text="One row.")

    assert (tmp_path / "study/table.csv").read_text() == "name,score\na,0.123456789\n"
    assert "| a | 0.1235 |" in (tmp_path / "study/table.md").read_text()
