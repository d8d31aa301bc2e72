"""The trace that a request belongs to: which headers are taken, and which are passed over."""

import pytest

from service.telemetry.tracing import Trace, Tracing

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
PARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"


class Kept:
    """Keeps nothing."""

    def record(self, *_: object, **__: object) -> None:
        """Keep nothing."""

    def stop(self) -> None:
        """Do nothing."""


def begin(parent: str | None, state: str | None = None, *, is_kept: bool = False) -> Trace | None:
    """Begin the trace of a request."""
    return Tracing(Kept() if is_kept else None).begin(parent, state)


def test_trace_goes_on_with_a_new_span() -> None:
    first, second = begin(PARENT, "vendor=1"), begin(PARENT, "vendor=1")

    assert first is not None
    assert second is not None
    assert (first.trace_id, first.parent_id, first.state) == (TRACE_ID, PARENT_ID, "vendor=1")
    assert len(first.span_id) == 16
    assert len({first.span_id, second.span_id, PARENT_ID}) == 3


@pytest.mark.parametrize(("flags", "is_sampled"), [("00", False), ("01", True), ("ff", True)])
def test_trace_says_whether_it_is_sampled(flags: str, is_sampled: bool) -> None:
    trace = begin(f"00-{TRACE_ID}-{PARENT_ID}-{flags}")

    assert trace is not None
    assert trace.is_sampled is is_sampled


def test_later_version_may_have_more() -> None:
    assert begin(f"cc-{TRACE_ID}-{PARENT_ID}-01-more") is not None


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "00",
        PARENT.upper(),
        f"{PARENT}-more",
        f"{PARENT} ",
        f"{PARENT},{PARENT}",
        f"ff-{TRACE_ID}-{PARENT_ID}-01",
        f"00-{'0' * 32}-{PARENT_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID}-{PARENT_ID}-0g",
    ],
)
def test_odd_header_is_passed_over(parent: str) -> None:
    assert begin(parent) is None

    begun = begin(parent, is_kept=True)
    assert begun is not None
    assert begun.trace_id != TRACE_ID
    assert begun.parent_id == ""


@pytest.mark.parametrize("state", ["a=1", "a=1,tenant@vendor=x y,b=-", "a=1 , b=2", "a0-_*/=~"])
def test_state_is_kept_as_it_is(state: str) -> None:
    trace = begin(PARENT, state)

    assert trace is not None
    assert trace.state == state


@pytest.mark.parametrize(
    "state", ["a=" + "b" * 600, "a", "a=", "A=1", "a=b=c", "a=é", "a=1,,b=2", "a\n=1", "=1", "@a=1"]
)
def test_odd_state_is_passed_over(state: str) -> None:
    trace = begin(PARENT, state)

    assert trace is not None
    assert trace.state == ""


def test_request_without_a_trace_gets_one_only_where_it_is_kept() -> None:
    assert begin(None) is None
    assert begin(None, is_kept=True) is not None
