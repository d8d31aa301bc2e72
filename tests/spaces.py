"""Room for the bodies and answers of a test, and the limits of its connections."""

from service.server.buffers import Space
from service.server.connection import Limits

LIMITS = Limits(
    timeout_seconds=20.0,
    idle_seconds=75.0,
    transfer_seconds=30.0,
    min_bytes_per_second=500,
    max_body_bytes=2**20,
)


def space(*, memory_bytes: int = 2**30, disk_bytes: int = 2**30) -> Space:
    """Return a space that has room for what a test lets wait."""
    return Space(memory_bytes=memory_bytes, disk_bytes=disk_bytes)
