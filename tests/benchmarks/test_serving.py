"""Servers that are started to be measured."""

import pytest

from benchmarks import processes
from benchmarks.peers.cases import CASES
from benchmarks.peers.checkouts import vitrine
from benchmarks.peers.serving import CannotServe, Server, serving
from benchmarks.peers.wrk import Request
from tests.servers import ROOT

_MODELS = ROOT / "models"
_HOUSES = _MODELS / "housing" / "1"


def _server(command: list[str]) -> Server:
    return Server(
        name="broken",
        title="Broken",
        command=lambda _: command,
        environment=lambda _: {},
        ready="/",
        asks={"row": lambda _: Request(path="/")},
        read=lambda _: 0.0,
    )


def test_checkout_is_served_until_the_block_ends() -> None:
    server = vitrine("ours", "Ours", ROOT, {"VITRINE_LOG_LEVEL": "WARNING"})
    others = set(processes.below())

    with serving(server, _MODELS, _HOUSES, kind="row", workers=1) as running:
        served = set(processes.below()) - others
        assert running.answer > 0
        assert running.cpu_seconds_to_answer > 0

    assert served.isdisjoint(processes.below())


def test_checkout_can_be_asked_for_every_case() -> None:
    asked = vitrine("ours", "Ours", ROOT).asks

    assert {case.kind for case in CASES} == set(asked)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        pytest.param(["sh", "-c", "echo no model; exit 1"], "no model", id="it ends"),
        pytest.param(["/nowhere"], "No such file", id="it is missing"),
    ],
)
def test_server_that_does_not_start_is_named_with_its_last_words(
    command: list[str], reason: str
) -> None:
    with (
        pytest.raises(CannotServe, match=reason),
        serving(_server(command), _MODELS, _HOUSES, kind="row", workers=1),
    ):
        pass
