"""Types that JSON is read into, looked at before any thread reads into them."""

from typing import TypeVar

import msgspec

Kind = TypeVar("Kind", bound=type)


def read_from_json(kind: Kind) -> Kind:
    """Let msgspec look at a type now; a decorator of the type, below those that it consists of.

    It looks at a type when something is read into it for the first time. Two threads that make it
    do so at the same moment can end the process by a segmentation fault: one of them uses what the
    other one has not filled in yet.
    """
    msgspec.json.Decoder(kind)
    return kind
