"""The trace that a request belongs to: taken from its client, handed on to the log and to spans.

References:
    W3C (2021), Trace Context, level 1.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

# Name of the tracing among the extensions of an application.
TRACING = "vitrine.tracing"

_TRACE_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
# A vendor's name, with that of its customer before it or not, and what the vendor keeps.
_STATE_MEMBER = (
    r"(?:[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}|[a-z][a-z0-9_*/-]{0,255})="
    # What can be printed, but for the comma and the equals sign; no space at the end.
    r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_TRACE_STATE = re.compile(rf"{_STATE_MEMBER}(?:[ \t]*,[ \t]*{_STATE_MEMBER})*")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
_NO_VERSION = "ff"
_SAMPLED = 1
_MAX_STATE_CHARACTERS = 512


@dataclass(frozen=True, slots=True)
class Trace:
    """The place of one request in a trace.

    Attributes:
        trace_id: Id of the trace, in hexadecimal digits.
        span_id: Id of this request.
        parent_id: Id of what sent the request; empty where the trace begins here.
        is_sampled: Whether spans of the trace are kept.
        state: What other systems keep of the trace, as `tracestate` has it.
    """

    trace_id: str
    span_id: str
    parent_id: str
    is_sampled: bool
    state: str


class Recorder(Protocol):
    """Keeps what is known of finished requests."""

    def record(self, trace: Trace, fields: Mapping[str, Any], *, is_secure: bool) -> None:
        """Keep a request, and return at once.

        Args:
            trace: Its place in a trace.
            fields: The fields of its log line.
            is_secure: Whether the client asked over TLS.
        """

    def stop(self) -> None:
        """Keep what was not kept yet, in a few seconds."""


class Tracing:
    """Begins the traces of requests.

    Args:
        recorder: Keeps finished requests; None where nobody wants to see them.

    Attributes:
        recorder: Keeps finished requests.
    """

    def __init__(self, recorder: Recorder | None = None) -> None:
        self.recorder = recorder

    def begin(self, parent: str | None, state: str | None) -> Trace | None:
        """Return the place of a request in a trace; None where there is no trace.

        Args:
            parent: Header `traceparent` of the request.
            state: Header `tracestate`.
        """
        if parent is None and self.recorder is None:
            return None
        trace = _continued(parent or "", state or "")
        return _begun() if trace is None and self.recorder is not None else trace

    def stop(self) -> None:
        """Keep what was not kept yet, in a few seconds."""
        if self.recorder is not None:
            self.recorder.stop()


def _continued(parent: str, state: str) -> Trace | None:
    """Go on with the trace of a client; None where the header does not name one."""
    found = _TRACE_PARENT.fullmatch(parent)
    if found is None:
        return None
    version, trace_id, parent_id, flags, more = found.groups()
    # Later versions may have more behind the flags; the first one has not.
    is_odd = version == _NO_VERSION or (version == "00" and more is not None)
    if is_odd or trace_id == _NO_TRACE or parent_id == _NO_SPAN:
        return None
    return Trace(
        trace_id,
        secrets.token_hex(8),
        parent_id,
        bool(int(flags, 16) & _SAMPLED),
        state if len(state) <= _MAX_STATE_CHARACTERS and _TRACE_STATE.fullmatch(state) else "",
    )


def _begun() -> Trace:
    return Trace(secrets.token_hex(16), secrets.token_hex(8), "", True, "")
