"""The folder of a study: finished runs are kept, another study is refused."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from training.errors import CannotTrain
from training.studies.study_folder import (
    Key,
    MakeRuns,
    Result,
    RunOne,
    StudyDescription,
    one_by_one,
    open_study,
)

DESCRIPTION = StudyDescription(
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
    """Return a function that makes runs up to a size, notes them, and is then interrupted."""

    def run_one(key: Key) -> Result:
        if key["size"] > last:
            raise KeyboardInterrupt
        made.append(key["size"])
        return {"score": key["size"] / 10}

    return run_one


def go(
    folder: Path, run_one: Callable[[Key], Result], *, make_runs: MakeRuns = one_by_one
) -> list[Result]:
    study = open_study(folder, DESCRIPTION)
    return study.run(
        PLAN, run_one, summarize=lambda result: f"{result['score']}", make_runs=make_runs
    )


def test_interrupted_study_goes_on_where_it_was(tmp_path: Path) -> None:
    made: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "study", until(2, made))

    results = go(tmp_path / "study", until(3, made))

    assert made == [1, 2, 3]
    assert {result["size"]: result["score"] for result in results} == {1: 0.1, 2: 0.2, 3: 0.3}


def backwards(run_one: RunOne, keys: Sequence[Key]) -> Iterator[tuple[Key, Result]]:
    return one_by_one(run_one, keys[::-1])


def test_results_have_the_order_of_the_plan(tmp_path: Path) -> None:
    results = go(tmp_path / "study", until(3, []), make_runs=backwards)
    assert [result["size"] for result in results] == [1, 2, 3]


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
    "seed": ({"seed": 1}, "made with seed 0. .* Received: 1"),
    "data": ({"data_sha256": "abd"}, "made with data"),
    "rows": ({"sizes": {"train": 8}}, "made with train part 9"),
    "option": ({"options": {"batch_size": 64, "units": (8, 8)}}, "made with batch size 32"),
    "new option": ({"options": {**DESCRIPTION.options, "x": 1}}, "made with x null"),
    "nested": (
        {"options": {**DESCRIPTION.options, "x": {"y": 1}}},
        "made with x y null",
    ),
}


@pytest.mark.parametrize(("change", "message"), OTHERS.values(), ids=OTHERS)
def test_folder_of_another_study_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    open_study(tmp_path / "study", DESCRIPTION)

    with pytest.raises(CannotTrain, match=message):
        open_study(tmp_path / "study", replace(DESCRIPTION, **change))


def test_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear")

    with pytest.raises(CannotTrain, match="holds no study"):
        open_study(tmp_path, DESCRIPTION)


def test_record_says_how_the_study_was_made(tmp_path: Path) -> None:
    open_study(tmp_path / "study", DESCRIPTION)

    record = json.loads((tmp_path / "study/study.json").read_text())
    assert record["command"] == "python -m training test"
    assert (record["seed"], record["data_sha256"]) == (0, "abc")
    assert "keras" in record["libraries"]


def test_table_keeps_all_digits_for_machines(tmp_path: Path) -> None:
    folder = open_study(tmp_path / "study", DESCRIPTION)

    folder.write_table("Title", ["name", "score"], [["a", 0.123456789]], text="One row.")

    assert (tmp_path / "study/table.csv").read_text() == "name,score\na,0.123456789\n"
    assert "| a | 0.1235 |" in (tmp_path / "study/table.md").read_text()
