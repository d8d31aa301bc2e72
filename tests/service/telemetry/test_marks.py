"""Which models and versions are shown, by their marks."""

import pytest

from service.telemetry.marks import KEPT_SECONDS, KEPT_VERSIONS, SERVED, shown
from service.telemetry.numbers import Owner

NOW = 10_000.0


def versions(*marks: float) -> dict[Owner, float]:
    """Return the marks of the versions of a model, from 1 on."""
    return {("rooms", str(version)): mark for version, mark in enumerate(marks, start=1)}


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        pytest.param((SERVED, SERVED), "12", id="what is served"),
        pytest.param((0.0, SERVED), "2", id="not what was never served"),
        pytest.param((NOW - KEPT_SECONDS, SERVED), "12", id="what has just gone"),
        pytest.param((NOW - KEPT_SECONDS - 1, SERVED), "2", id="not what is long gone"),
        pytest.param((NOW - 3, NOW - 1, NOW - 2, SERVED), "234", id="the last that have gone"),
        pytest.param((NOW - 2, NOW - 1, NOW), "23", id="the last of a model that is gone"),
        pytest.param((-NOW, -NOW, -NOW, -NOW), "1234", id="all whose workers have ended"),
        pytest.param((-NOW + KEPT_SECONDS + 1,), "", id="not what ended long ago"),
    ],
)
def test_version_is_shown_by_its_mark(marks: tuple[float, ...], expected: str) -> None:
    assert "".join(sorted(owner[1] for owner in shown(versions(*marks), NOW))) == expected


def test_models_are_not_counted_among_their_versions() -> None:
    marks = {**versions(*[NOW] * KEPT_VERSIONS, SERVED), ("rooms",): SERVED, ("digits",): NOW}

    assert shown(marks, NOW) == set(marks)
