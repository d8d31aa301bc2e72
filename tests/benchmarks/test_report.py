"""Medians, tables and plots of what was measured."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from benchmarks.peers import plots, report
from benchmarks.peers.measuring import Sample
from benchmarks.peers.report import Results, Start


def _sample(**more: Any) -> Sample:
    plain: dict[str, Any] = {
        "server": "vitrine",
        "case": "picture-mlp",
        "connections": 16,
        "round": 1,
        "rate": 1000.0,
        "p50_ms": 1.0,
        "p99_ms": 2.0,
        "cpu_microseconds": 120.0,
        "load_cpu_share": 0.1,
        "others_share": 0.0,
        "failed": 0,
    }
    return Sample(**(plain | more))


def _results() -> Results:
    start = Start(
        server="vitrine",
        network="mlp",
        round=1,
        seconds=1.25,
        cpu_seconds=0.9,
        megabytes=150,
        processes=3,
    )
    table = {"case": "csv", "connections": 0}
    return Results(
        seconds=4,
        workers=2,
        machine="A processor, 2 cores",
        versions={"theirs": "theirs 1.0"},
        titles={"vitrine": "Ours", "theirs": "Theirs"},
        samples=[
            *(
                _sample(round=number, rate=rate)
                for number, rate in ((1, 900), (2, 5000), (3, 1234))
            ),
            _sample(server="theirs", rate=80.4, failed=2),
            _sample(**table, rate=1_234_567.0, cpu_microseconds=1.834),
            _sample(**table, server="theirs", rate=200_000.0),
        ],
        starts=[start],
        skipped={"another": "It cannot be installed here."},
    )


def test_medians_are_taken_over_the_rounds_and_failures_are_added() -> None:
    found = report.medians(_results().samples)

    assert found["vitrine", "picture-mlp", 16]["rate"] == 1234
    assert found["theirs", "picture-mlp", 16]["failed"] == 2


@pytest.mark.parametrize(
    "line",
    [
        "| Ours | - | 1 230, 1 / 2 ms | - | 120 µs | - |",
        "| Theirs | - | 80.4, 1 / 2 ms, **2 failed** | - | 120 µs | - |",
        "| Ours | 1 230 000 | 1.83 µs |",
        "| Ours | mlp | 1.25 s | 0.90 s | 150 MB | 3 |",
        "Ours, divided by the best of the others in each: rate 15.35; median time 1.00; CPU 1.00.",
        "Versions: Theirs: theirs 1.0.",
        "another was left out: It cannot be installed here.",
    ],
)
def test_report_has_a_line_for_each_server(line: str) -> None:
    assert line in report.write(_results()).splitlines()


def test_kept_results_are_read_as_they_were() -> None:
    results = _results()

    assert report.read(json.loads(json.dumps(asdict(results)))) == results


def test_plot_is_drawn_for_each_case_of_two_servers(tmp_path: Any) -> None:
    drawn = plots.draw(_results(), tmp_path)

    assert [path.name for path in drawn] == ["picture-mlp.png", "csv.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)
