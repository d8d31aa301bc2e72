"""A study's folder: what it is, the runs that are finished, its table and its plot.

study.json   command, seed, options, hash of the data, library versions
runs.jsonl   one line a finished run: an interrupted study goes on after the last one
table.csv    table.md    plot.png
"""

import csv
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training import card, interruption
from training.errors import CannotTrain
from training.evaluation import plain
from training.progress import console
from training.publishing import describe_origin

Key = Mapping[str, Any]
Result = dict[str, Any]
Cell = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a study is: two with equal fields but the command and the clock have equal runs.

    Attributes:
        study: Which one.
        command: As typed, for the record.
        data: What the data is called.
        data_sha256: Of all of it.
        sizes: Instances of each part.
        seed: Of every random choice.
        options: What else decides what comes out.
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
    def deciding(self) -> dict[str, Any]:
        """What must be equal for runs to belong to one study."""
        whole = {
            "study": self.study,
            "data": self.data_sha256,
            **{f"{name} part": size for name, size in self.sizes.items()},
            "seed": self.seed,
            **_flat(self.options),
        }
        found: dict[str, Any] = json.loads(json.dumps(whole))
        return found


def _flat(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of options beside the others, under both names."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        inner = _flat(value) if isinstance(value, Mapping) else {}
        found |= {f"{name} {each}": of_it for each, of_it in inner.items()} or {name: value}
    return {name.replace("_", " "): value for name, value in found.items()}


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a study is kept; `open_folder` makes one."""

    path: Path

    @property
    def plot(self) -> Path:
        """Where the plot goes."""
        return self.path / "plot.png"

    def run(
        self,
        plan: Sequence[Key],
        measure: Callable[[Key], Result],
        *,
        said: Callable[[Result], str],
        bar: bool = True,
    ) -> list[Result]:
        """Measure what is planned and not yet finished.

        Args:
            plan: What tells the runs apart, in order.
            measure: Makes one run.
            said: What a line on the screen says of a result.
            bar: Whether to draw one; not where a run draws its own.

        Returns:
            Each run's result with its key, in the plan's order.
        """
        finished = self._finished()
        with _progress(bar=bar) as progress:
            task = progress.add_task("runs", total=len(plan))
            for number, key in enumerate(plan, start=1):
                name = json.dumps(key)
                progress.update(task, description=_told(key))
                if name not in finished:
                    interruption.check()
                    finished[name] = self._keep(key, measure)
                    console.print(
                        f"{number}/{len(plan)}  {_told(key)}: {said(finished[name])}, "
                        f"{finished[name]['seconds']:.1f} s",
                        markup=False,
                    )
                progress.advance(task)
        return [{**key, **finished[json.dumps(key)]} for key in plan]

    def _keep(self, key: Key, measure: Callable[[Key], Result]) -> Result:
        began = time.monotonic()
        result = measure(key)
        result = {**result, "seconds": round(time.monotonic() - began, 2)}
        with (self.path / "runs.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"run": key, "result": result}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return result

    def _finished(self) -> dict[str, Result]:
        """Read the finished runs, and cut off a line that a crash left half written."""
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
        """Write the table with all digits as CSV, and with four below a text as Markdown."""
        kept = [list(row) for row in rows]
        with (self.path / "table.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *kept])
        shown = [[_shown(cell) for cell in row] for row in kept]
        (self.path / "table.md").write_text(
            f"# {title}\n\n{text}\n\n{card.table(header, shown)}\n\n![{title}](plot.png)\n",
            encoding="utf-8",
        )
        console.print(text, markup=False)


def open_folder(path: Path, about: About) -> Folder:
    """Make a study's folder, or go on in it.

    Raises:
        CannotTrain: It holds another study, or something else.
    """
    record = path / "study.json"
    if record.exists():
        _refuse_other(path, json.loads(record.read_text(encoding="utf-8")), about)
        console.print(f"Going on in {path} ...", markup=False)
        return Folder(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise CannotTrain(f"{path} holds no study: give a new or an empty folder with --out.")
    path.mkdir(parents=True, exist_ok=True)
    origin = describe_origin(
        command=about.command,
        seed=about.seed,
        data=about.data,
        data_sha256=about.data_sha256,
        split=about.sizes,
        began=about.began,
    )
    made = {**msgspec.to_builtins(origin), "deciding": about.deciding}
    made["libraries"]["scikit-learn"] = version("scikit-learn")
    del made["wall_seconds"]
    record.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    return Folder(path)


def _refuse_other(path: Path, made: Mapping[str, Any], about: About) -> None:
    there, asked = made.get("deciding", {}), about.deciding
    for name in {**there, **asked}:
        if there.get(name) != asked.get(name):
            raise CannotTrain(
                f"{path} holds another study, its {name} being {json.dumps(there.get(name))}: "
                f"give another folder with --out. Received: {json.dumps(asked.get(name))}."
            )


def _progress(*, bar: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (bar and console.is_terminal),
    )


def _told(key: Key) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in key.items())


def _shown(cell: Any) -> str:
    return plain(cell) if isinstance(cell, float) else str(cell)


def signed(value: float) -> str:
    """Write a difference with four digits, or every digit before the point."""
    return ("-" if value < 0 else "+") + plain(abs(value))
