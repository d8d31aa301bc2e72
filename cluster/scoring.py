"""Scores parts on the CPUs of a Ray cluster, with Ray Data.

Parts and what is known of finished ones travel through Ray; rows do not: each worker reads its
parts from the input and writes them into the output itself.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cluster
import vitrine
from cluster.connection import CannotConnect, connect
from vitrine.bundle import InvalidBundle
from vitrine.scoring.job import CannotScore, Executor, Job, Part, PartRecord
from vitrine.scoring.output_folder import JOB
from vitrine.scoring.part_scorer import PartScorer
from vitrine.scoring.storage import is_bucket

Rows = Mapping[str, NDArray[Any]]

# A part is begun again where its worker or its node was lost. One that ends its own worker, for
# example by more memory than a node has, would be so for ever.
_MOST_BEGINNINGS = 10
# A worker has the next block of parts at hand while it scores one; a lost node takes no more along.
_BLOCKS_AT_HAND = 2
# Ray Data holds a few kilobytes for each block of parts.
_MOST_BLOCKS = 10_000


def on_cluster(address: str) -> Executor:
    """Connect to a Ray cluster, and return the executor that scores parts there.

    Args:
        address: `host:port` of the head node, or `auto` for the cluster that this machine belongs
            to.

    Raises:
        CannotScore: Ray is not installed, or the cluster cannot be used.
    """
    try:
        connect(address, environment="ray", packages=[cluster, vitrine])
    except CannotConnect as error:
        raise CannotScore(str(error)) from error
    return _score


def _score(job: Job, folder: Path, parts: Iterable[Part]) -> Iterator[PartRecord]:
    """Score parts on all CPUs of the cluster, those of nodes that join meanwhile, too."""
    waiting = {part.name: part for part in parts}
    failed: dict[str, str] = {}
    for outcome in _outcomes(job, folder, list(waiting.values())):
        name, sentence = outcome["name"], outcome.pop("sentence")
        del waiting[name]
        if sentence:
            failed[name] = sentence
        else:
            yield PartRecord(**outcome)
        # Of several faults, one machine tells that of the first part.
        if failed and not any(part < min(failed) for part in waiting):
            raise CannotScore(failed[min(failed)])


def _outcomes(job: Job, folder: Path, parts: list[Part]) -> Iterator[dict[str, Any]]:
    """Yield what became of each part, in the order in which they are finished."""
    if not parts:
        return
    import ray  # noqa: PLC0415 - optional, and takes a second
    from ray.exceptions import RayError  # noqa: PLC0415

    _silence(ray.data.DataContext.get_current())
    bundle = ray.put(_read_files(folder))
    beginnings = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Beginnings).remote()
    rows = [{"part": part} for part in parts]
    blocks = min(len(rows), _MOST_BLOCKS)
    outcomes = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
        Worker,
        fn_constructor_args=(job, bundle, beginnings),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(
            min_size=1,
            initial_size=max(1, min(blocks, int(ray.cluster_resources()["CPU"]))),
            max_tasks_in_flight_per_actor=_BLOCKS_AT_HAND,
        ),
        num_cpus=1,
    )
    try:
        yield from outcomes.iter_rows()
    except RayError as error:
        reason = str(error).strip().split("\n", 1)[0].removesuffix(".")
        raise CannotScore(f"The Ray cluster failed: {reason}. The same command goes on.") from error


def _silence(context: Any) -> None:
    """Leave it to the command to say how far it is."""
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _read_files(folder: Path) -> dict[str, bytes]:
    """Return all files of a version by their paths, as they travel to the nodes."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


class Beginnings:
    """Counts how often each part was begun: an actor that outlives the workers."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, part: str) -> int:
        """Count one more beginning of a part, and return their number."""
        self._counts[part] += 1
        return self._counts[part]


class Worker:
    """Scores parts in a process of a node, with a version that it opens once.

    Args:
        job: What is scored.
        bundle: Reference to the files of the version.
        beginnings: Handle of the actor that counts how often each part is begun.
    """

    def __init__(self, job: Job, bundle: Any, beginnings: Any) -> None:
        self._job = job
        self._bundle = bundle
        self._beginnings = beginnings

    def __call__(self, rows: Rows) -> Rows:
        """Score the only part of a batch; what is wrong with it is told, and raised by the driver.

        Raised here, it would come in many lines, and from one of many parts.
        """
        (part,) = rows["part"]
        record, sentence = PartRecord(part.name, 0, 0, 0), ""
        try:
            self._check_beginnings(part)
            record = self._scorer.score(part)
        except CannotScore as error:
            sentence = str(error)
        outcome = {**asdict(record), "sentence": sentence}
        return {name: np.array([value]) for name, value in outcome.items()}

    def _check_beginnings(self, part: Part) -> None:
        import ray  # noqa: PLC0415

        if ray.get(self._beginnings.count.remote(part.name)) > _MOST_BEGINNINGS:
            raise CannotScore(
                f"Part {part.name} was begun {_MOST_BEGINNINGS} times, and lost its worker each "
                "time. It may need more memory than a node has."
            )

    @cached_property
    def _scorer(self) -> PartScorer:
        import ray  # noqa: PLC0415

        node = ray.util.get_node_ip_address()
        for place in (self._job.input, f"{self._job.output}/{JOB}"):
            if not is_bucket(place) and not Path(place).exists():
                raise CannotScore(
                    f"The node {node} does not have {place}: every node must reach the input and "
                    "the output, and by the same path."
                )
        try:
            with TemporaryDirectory() as folder:
                _write_files(ray.get(self._bundle), Path(folder))
                return PartScorer(self._job, Path(folder))
        except (ImportError, InvalidBundle) as error:
            raise CannotScore(f"The node {node} cannot open the model: {error}") from error


def _write_files(files: Mapping[str, bytes], folder: Path) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
