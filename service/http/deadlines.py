"""How long a request may take: what its client says, within what the settings allow.

A client that gives up after a second wants no answer later. If it says so, the service does not
compute an answer that nobody reads.
"""

from service.admission.jobs import Deadline
from vitrine.errors import InvalidParameter

TIMEOUT_HEADER = "X-Request-Timeout"

# As many as the longest number has in JSON, and some.
_MAX_CHARACTERS = 32


def read_timeout(given: str) -> float:
    """Read the number of seconds that a client gives its request.

    Raises:
        InvalidParameter: It is no number above 0.
    """
    try:
        seconds = float(given) if len(given) <= _MAX_CHARACTERS else 0.0
    except ValueError:
        seconds = 0.0
    if not seconds > 0:  # neither is what is no number
        raise InvalidParameter(TIMEOUT_HEADER, given, "must be a number of seconds above 0")
    return seconds


def within(seconds: float, arrived: float, *, max_seconds: float) -> Deadline:
    """Return the deadline of a request that says how long it may take.

    Args:
        seconds: What the request says.
        arrived: Moment at which it arrived, by `time.monotonic`.
        max_seconds: Longest time that any request may take.
    """
    timeout_seconds = min(seconds, max_seconds)
    return Deadline(arrived + timeout_seconds, timeout_seconds)
