"""The folder of a study: its description, its finished runs, its table and its plot.

study.json   command, seed, options, hash of the data, library versions
runs.jsonl   one line for each finished run; an interrupted study continues after the last line
table.csv    table.md    plot.png
"""

import csv
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from training import interruption
from training.cards.markdown import table
from training.errors import CannotTrain
from training.formatting import format_number
from training.progress import console, count_bar
from training.publishing.origin import describe_origin

Key = Mapping[str, Any]
Result = dict[str, Any]
Cell = str | int | float
# Makes the run of a key.
RunOne = Callable[[Key], Result]
# Makes the runs of some keys, and yields each key with its result when it is finished, in any
# order.
MakeRuns = Callable[[RunOne, Sequence[Key]], Iterator[tuple[Key, Result]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyDescription:
    """What decides the results of a study, and how the study was started.

    Attributes:
        study: Name of the study.
        command: Command as typed, for the record.
        data: Name of the data.
        data_sha256: Hash of all the data.
        sizes: Number of instances in each part.
        seed: Seed of every random choice.
        options: Everything else that decides the results.
        began: Reading of the monotonic clock at the start.
    """

    study: str
    command: str
    data: str
    data_sha256: str
    sizes: dict[str, int]
    seed: int
    options: dict[str, Any]
    began: float = field(default_factory=time.monotonic)

    @property
    def identity(self) -> dict[str, Any]:
        """What must be equal for two sets of runs to belong to the same study."""
        whole = {
            "study": self.study,
            "data": self.data_sha256,
            **{f"{name} part": size for name, size in self.sizes.items()},
            "seed": self.seed,
            **_flattened(self.options),
        }
        # The identity is compared with what JSON gives back: tuples become lists.
        as_json: dict[str, Any] = json.loads(json.dumps(whole))
        return as_json


def _flattened(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested options as one mapping, whose names join the outer and the inner name."""
    flat: dict[str, Any] = {}
    for name, value in options.items():
        inner = _flattened(value) if isinstance(value, Mapping) else {}
        flat |= {f"{name} {each}": of_it for each, of_it in inner.items()} or {name: value}
    return {name.replace("_", " "): value for name, value in flat.items()}


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """The folder that keeps a study. `open_study` makes one.

    Attributes:
        path: Path of the folder.
    """

    path: Path

    @property
    def plot(self) -> Path:
        """Path of the plot."""
        return self.path / "plot.png"

    def run(
        self,
        plan: Sequence[Key],
        run_one: RunOne,
        *,
        summarize: Callable[[Result], str],
        make_runs: MakeRuns,
    ) -> list[Result]:
        """Make the planned runs that are not finished yet.

        Args:
            plan: A key for each run, in order; no two are equal.
            run_one: Makes the run of a key.
            summarize: Returns what the line on the screen says about a result.
            make_runs: Makes the runs, here or elsewhere.

        Returns:
            The result of each run with its key, in the order of the plan.
        """
        finished = self._read_finished()
        numbers = {json.dumps(key): number for number, key in enumerate(plan, start=1)}
        missing = [key for key in plan if json.dumps(key) not in finished]
        with count_bar() as progress:
            task = progress.add_task("runs", total=len(plan), completed=len(plan) - len(missing))
            for key, result in make_runs(run_one, missing):
                self._keep(key, result)
                finished[json.dumps(key)] = result
                console.print(
                    f"{numbers[json.dumps(key)]}/{len(plan)}  {_key_text(key)}: "
                    f"{summarize(result)}, {result['seconds']:.1f} s",
                    markup=False,
                )
                progress.advance(task)
        return [{**key, **finished[json.dumps(key)]} for key in plan]

    def _keep(self, key: Key, result: Result) -> None:
        with (self.path / "runs.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"run": key, "result": result}) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _read_finished(self) -> dict[str, Result]:
        """Read the finished runs, and cut off a last line that a crash left half written."""
        path = self.path / "runs.jsonl"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            path.write_text(whole, encoding="utf-8")
        lines = [json.loads(line) for line in whole.splitlines()]
        return {json.dumps(line["run"]): line["result"] for line in lines}

    def write_table(
        self, title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], *, text: str
    ) -> None:
        """Write the table as CSV with all digits, and as Markdown with four digits below a text.

        The text is printed, too.
        """
        kept = [list(row) for row in rows]
        with (self.path / "table.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *kept])
        rounded = [[_cell_text(cell) for cell in row] for row in kept]
        (self.path / "table.md").write_text(
            f"# {title}\n\n{text}\n\n{table(header, rounded)}\n\n![{title}](plot.png)\n",
            encoding="utf-8",
        )
        console.print(text, markup=False)


def one_by_one(run_one: RunOne, keys: Sequence[Key]) -> Iterator[tuple[Key, Result]]:
    """Make runs in this process."""
    for key in keys:
        interruption.check()
        yield key, timed(run_one, key)


def timed(run_one: RunOne, key: Key) -> Result:
    """Make the run of a key, and add the seconds that it took to its result."""
    began = time.monotonic()
    result = run_one(key)
    return {**result, "seconds": round(time.monotonic() - began, 2)}


def open_study(path: Path, description: StudyDescription) -> StudyFolder:
    """Make the folder of a new study, or open that of the same study to continue it.

    Raises:
        CannotTrain: The folder holds another study, or something else.
    """
    record = path / "study.json"
    if record.exists():
        _refuse_other(path, json.loads(record.read_text(encoding="utf-8")), description)
        console.print(f"Continuing the study in {path} ...", markup=False)
        return StudyFolder(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise CannotTrain(f"{path} holds no study. Give a new or an empty folder with --out.")
    path.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(_record(description), indent=2) + "\n", encoding="utf-8")
    return StudyFolder(path)


def _record(description: StudyDescription) -> dict[str, Any]:
    """Return what study.json holds."""
    origin = describe_origin(
        command=description.command,
        seed=description.seed,
        data=description.data,
        data_sha256=description.data_sha256,
        split=description.sizes,
        began=description.began,
    )
    record = {**msgspec.to_builtins(origin), "deciding": description.identity}
    record["libraries"]["scikit-learn"] = version("scikit-learn")
    del record["wall_seconds"]
    return record


def _refuse_other(path: Path, record: Mapping[str, Any], description: StudyDescription) -> None:
    recorded, wanted = record.get("deciding", {}), description.identity
    for name in {**recorded, **wanted}:
        if recorded.get(name) != wanted.get(name):
            raise CannotTrain(
                f"{path} holds another study, made with {name} {json.dumps(recorded.get(name))}. "
                f"Give another folder with --out. Received: {json.dumps(wanted.get(name))}."
            )


def _key_text(key: Key) -> str:
    return ", ".join(f"{name} {_cell_text(value)}" for name, value in key.items())


def _cell_text(cell: Any) -> str:
    return format_number(cell) if isinstance(cell, float) else str(cell)


def signed(value: float) -> str:
    """Write a difference with its sign and four digits, or every digit before the point."""
    return ("-" if value < 0 else "+") + format_number(abs(value))
