"""Room for the bodies and answers of a test."""

from service.server.buffers import Space


def space(*, memory_bytes: int = 2**30, disk_bytes: int = 2**30) -> Space:
    """Return a space that has room for what a test lets wait."""
    return Space(memory_bytes=memory_bytes, disk_bytes=disk_bytes)
