"""Measure the promised figures: `python -m tests.soak`, or only some: `... memory stream`.

`all` measures what takes long as well, and at full size. `--server FOLDER` measures the attacks,
the overload or the recycles of another checkout, with the programs of this one, so that two
checkouts can be compared. Nothing is begun after the moment SOAK_ENDS, in seconds since 1970.
"""

import json
import os
import platform
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.servers import ROOT
from tests.soak import (
    accuracy,
    batching,
    capacity,
    changes,
    cluster_scoring,
    crowding,
    drift,
    fleet,
    footprint,
    hostile_versions,
    keys,
    languages,
    learning,
    load,
    networks,
    overload,
    page,
    ray_serve,
    recycles,
    scoring,
    small_pictures,
    stream,
    trust,
)
from tests.soak.attacks import report as attacks
from tests.soak.figures import Figure
from tests.soak.fuzzing import running as fuzzing

MEASUREMENTS: Mapping[str, Callable[[], Iterator[Figure]]] = {
    "size": footprint.installed_size,
    "start": footprint.time_to_ready,
    "memory": footprint.memory_of_two_workers,
    "networks": networks.forward_pass,
    "quickstart": learning.quickstart,
    "small-pictures": small_pictures.some_sizes,
    "languages": languages.pictures,
    "load": load.both_loops,
    "stream": stream.two_million_rows,
    "scoring": scoring.some_rows,
    "reloads": changes.reloads_and_kills,
    "damages": changes.bad_versions,
    "restarts": changes.hangups_and_stop,
    "crowding": crowding.slow_clients,
    "growth": changes.memory_over_reloads,
    "overload": overload.one_overload,
    "batching": batching.gain,
    "recycles": recycles.some_recycles,
    "fleet": fleet.one_fleet,
    "keys": keys.rates_and_times,
    "page": page.all_figures,
    "fuzzing": fuzzing.all_targets,
    "coverage": trust.coverage,
    "credibility": trust.credibility,
    "cost": trust.cost,
    "mnist": accuracy.mnist_test_set,
    "fashion": accuracy.fashion_test_set,
    "drawn": accuracy.drawn_digits,
    "framed": accuracy.framed_digits,
    "drift": drift.both_streams,
}
# What takes long, or needs a machine that does nothing else, is measured only if it is named. Where
# anything else takes a core, the attacks' bound of 100 ms and the p99 of a simulation are missed by
# chance. A version that never ends is refused by the processor time that it took.
LONG_MEASUREMENTS: Mapping[str, Callable[[], Iterator[Figure]]] = {
    "attacks": attacks.essential_attacks,
    "hostile-versions": hostile_versions.all_harms,
    "all-attacks": attacks.all_attacks,
    "all-overloads": overload.all_overloads,
    "all-recycles": recycles.many_recycles,
    "all-pictures": small_pictures.all_sizes,
    "all-scoring": scoring.many_rows,
    "some-capacity": capacity.some_runs,
    "capacity": capacity.all_runs,
    "cluster-scoring": cluster_scoring.ten_million_rows,
    "cluster-pictures": cluster_scoring.twenty_thousand_pictures,
    "cluster-keras": cluster_scoring.beside_keras,
    "all-fleets": fleet.both_fleets,
    "ray-serve": ray_serve.all_figures,
}
# What can be measured of another checkout.
OF_ANY_CHECKOUT: Mapping[str, Callable[[Path], Iterator[Figure]]] = {
    "attacks": attacks.essential_attacks,
    "all-attacks": attacks.all_attacks,
    "overload": overload.one_overload,
    "all-overloads": overload.all_overloads,
    "recycles": recycles.some_recycles,
    "all-recycles": recycles.many_recycles,
}


def main() -> int:
    """Measure, print, keep; fail where a figure is far from what is promised."""
    measurements = {**MEASUREMENTS, **LONG_MEASUREMENTS}
    parser = ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*measurements, "all"]))
    parser.add_argument("--server", type=Path, metavar="FOLDER", help="another checkout")
    options = parser.parse_args()
    names = _names(options.names)
    if options.server is not None:
        of_any = {name: partial(OF_ANY_CHECKOUT[name], options.server) for name in OF_ANY_CHECKOUT}
        if not set(names) <= set(of_any):
            parser.error(f"--server is for {', '.join(of_any)}")
        measurements.update(of_any)
    print(f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    figures = []
    for name in names:
        if time.time() > float(os.environ.get("SOAK_ENDS", "inf")):
            print(f"{name}: not measured, because the time is up", flush=True)
            continue
        for figure in measurements[name]():
            figures.append(figure)
            print(figure, flush=True)
    print(f"kept in {_keep(figures)}")
    return int(any(figure.is_far_off for figure in figures))


def _names(given: list[str]) -> list[str]:
    """Return what is measured: what is named, by default what is quick; or all, at full size."""
    if given != ["all"]:
        return given or list(MEASUREMENTS)
    full = [
        *("all-attacks", "hostile-versions", "all-overloads", "all-recycles", "capacity"),
        *("all-scoring", "all-fleets"),
        *("cluster-scoring", "cluster-pictures", "cluster-keras", "ray-serve"),
    ]
    return [*MEASUREMENTS, *full]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _keep(figures: list[Figure]) -> Path:
    now = datetime.now(UTC)
    path = ROOT / "results" / f"soak-{now:%Y%m%d-%H%M%S}.json"
    path.parent.mkdir(exist_ok=True)
    record = {
        "time": now.isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "figures": [asdict(figure) for figure in figures],
    }
    path.write_text(json.dumps(record, indent=2) + "\n")
    return path


sys.exit(main())
