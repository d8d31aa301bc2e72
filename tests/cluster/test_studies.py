"""Studies whose runs are made by the workers of a Ray cluster."""

import csv
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.nodes import RAY_TRAINING, Cluster, ray_cluster

STUDY = ["-m", "training", "learning-curve", "wine", "--sizes", "20", "40", "--repeats", "2"]
SMALL = ["--hidden", "8", "--epochs", "2"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ray_cluster(nodes=3, environment=RAY_TRAINING) as cluster:
        yield cluster


def words(out: Path, *more: str) -> list[str | Path]:
    return ["python", *STUDY, *SMALL, "--out", out, *more]


def read_table(folder: Path) -> list[list[str]]:
    with (folder / "table.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_interrupted_study_ends_and_leaves_its_finished_runs(
    cluster: Cluster, tmp_path: Path
) -> None:
    process = cluster.start(
        words(tmp_path / "study", "--ray", cluster.address), stdout=-1, stderr=-1
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(("1/4", "2/4", "3/4", "4/4")):
            break
    process.send_signal(signal.SIGINT)
    errors = process.communicate()[1]
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert (tmp_path / "study/runs.jsonl").read_text().endswith("}\n")


def test_study_has_the_results_of_one_machine_though_a_node_is_lost(
    cluster: Cluster, tmp_path: Path
) -> None:
    process = cluster.start(
        words(tmp_path / "cluster", "--ray", cluster.address), stdout=-1, stderr=-1
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Reading"):
            cluster.others[1].kill()
            break
    output, errors = process.communicate()
    assert process.returncode == 0, output + errors
    cluster.run(words(tmp_path / "here"), capture_output=True)
    assert read_table(tmp_path / "cluster") == read_table(tmp_path / "here")


def test_study_says_that_a_cluster_cannot_be_reached(cluster: Cluster, tmp_path: Path) -> None:
    address = f"{cluster.head.address}:1"
    finished = cluster.run(
        words(tmp_path / "study", "--ray", address), check=False, capture_output=True
    )
    assert finished.returncode == 1
    assert finished.stderr.strip() == (
        f"The Ray cluster at {address} cannot be used: [Errno 111] Connection refused."
    )
