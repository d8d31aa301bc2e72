"""Scoring of files in parts on a Ray cluster, beside the same on this machine."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cluster.nodes import VITRINE, Cluster, ray_cluster
from tests.pictures import coverage, painted, saved
from tests.scoring import count_finished, wait_for_parts
from tests.servers import ROOT

ROWS = 40_000
PARTS = 40
PICTURES = 60


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ray_cluster(nodes=3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a CSV file with a row that cannot be read."""
    header, *rows = (ROOT / "examples/houses.csv").read_text().splitlines()
    lines = [rows[index % len(rows)] for index in range(ROWS)]
    lines[ROWS // 2] = "x" + lines[ROWS // 2]
    path = tmp_path_factory.mktemp("houses") / "houses.csv"
    path.write_text("\n".join([header, *lines, ""]))
    return path


def words(model: str, source: Path, output: Path, *more: str) -> list[str | Path]:
    part_bytes = str(source.stat().st_size // PARTS) if source.is_file() else "1000"
    return [*VITRINE, "score", model, source, "-o", output, "--part-bytes", part_bytes, *more]


@pytest.fixture(scope="module")
def scored_here(cluster: Cluster, houses: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("here") / "scores"
    cluster.run(words("housing", houses, output), capture_output=True)
    return output


def files(output: Path) -> Mapping[str, bytes]:
    """Return all files of an output."""
    found = (path for path in output.rglob("*") if path.is_file())
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in found}


def test_command_that_was_killed_goes_on(
    cluster: Cluster, houses: Path, scored_here: Path, tmp_path: Path
) -> None:
    command = words("housing", houses, tmp_path / "scores", "--ray", cluster.address)
    process = cluster.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_parts(process, tmp_path / "scores", 5)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "scores/_SUCCESS").exists()
    finished = cluster.run(command, capture_output=True)
    assert " parts finished before" in finished.stderr
    assert files(tmp_path / "scores") == files(scored_here)


def test_broken_pictures_are_told_as_by_one_machine(cluster: Cluster, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index in range(PICTURES):
        data = saved(painted(coverage("157"[index % 3])), "PNG")
        (pictures / f"{index:03}.png").write_bytes(data[: 50 if index % 20 == 7 else None])
    cluster.run(words("digits", pictures, tmp_path / "here"), capture_output=True)
    finished = cluster.run(
        words("digits", pictures, tmp_path / "there", "--ray", cluster.address),
        capture_output=True,
    )
    assert "rows with an error: 3 of 60, see _errors" in finished.stderr
    assert finished.stdout == ""
    assert files(tmp_path / "there") == files(tmp_path / "here")


def test_bad_row_ends_the_command_with_the_sentence_of_one_machine(
    cluster: Cluster, houses: Path, tmp_path: Path
) -> None:
    command = words("housing", houses, tmp_path / "there", "--errors", "fail")
    there = cluster.run([*command, "--ray", cluster.address], check=False, capture_output=True)
    here = cluster.run(
        words("housing", houses, tmp_path / "here", "--errors", "fail"),
        check=False,
        capture_output=True,
    )
    assert there.returncode == 1
    assert there.stderr == here.stderr
    assert len(there.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        pytest.param("{}:1", "[Errno 111] Connection refused", id="it cannot be reached"),
        pytest.param(
            "ray://{}:10001",
            "an address is HOST:PORT of the head node, or auto",
            id="it is of another kind",
        ),
    ],
)
def test_address_that_is_of_no_use_is_told(
    cluster: Cluster, houses: Path, tmp_path: Path, form: str, reason: str
) -> None:
    address = form.format(cluster.head.address)
    finished = cluster.run(
        words("housing", houses, tmp_path / "scores", "--ray", address),
        check=False,
        capture_output=True,
    )
    assert finished.returncode == 1
    assert finished.stderr == f"The Ray cluster at {address} cannot be used: {reason}.\n"


def test_nothing_is_lost_and_nothing_twice_though_a_node_is_lost(
    cluster: Cluster, houses: Path, scored_here: Path, tmp_path: Path
) -> None:
    command = words("housing", houses, tmp_path / "scores", "--ray", cluster.address)
    process = cluster.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_parts(process, tmp_path / "scores", 10)
    cluster.others[1].kill()
    assert count_finished(tmp_path / "scores") < PARTS
    output, errors = process.communicate()
    assert (process.returncode, output, errors.count("\n")) == (0, "", 1), errors
    assert files(tmp_path / "scores") == files(scored_here)
