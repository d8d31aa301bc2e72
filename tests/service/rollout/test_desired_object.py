"""The desired state as an object of the model store: read as it was written, or not obeyed."""

import msgspec
import pytest

from service.rollout.desired import DesiredModel, Shared
from service.rollout.desired_object import (
    MAX_BYTES,
    InvalidObject,
    NewerFormat,
    read_object,
    write_object,
)

MODELS = {
    "digits": DesiredModel(policy=(1, 3), labels={"stable": 1, "canary": 3}, canary_share=0.1),
    "rooms": DesiredModel(loaded=False, policy="latest:3", shadow=2),
}
SHARED = Shared(revision=7, change="b", history=("a",), models=MODELS, asked={"rooms": 6})


def test_object_is_read_as_it_was_written() -> None:
    assert read_object(write_object(SHARED)) == SHARED


def test_object_may_be_written_by_hand() -> None:
    body = b'{"revision": 1, "models": {"rooms": {"policy": "1,3", "labels": {"stable": 1}}}}'

    assert read_object(body) == Shared(
        revision=1, models={"rooms": DesiredModel(policy=(1, 3), labels={"stable": 1})}
    )


def test_object_of_a_later_format_is_told_from_a_damaged_one() -> None:
    with pytest.raises(NewerFormat, match="it has format 2, and this release reads format 1"):
        read_object(b'{"format": 2, "revision": "next"}')


@pytest.mark.parametrize(
    "members",
    [
        {"revision": -1},
        {"revision": 2**53},
        {"revision": 1, "change": "x" * 65},
        {"revision": 1, "models": {"../rooms": {}}},
        {"revision": 1, "models": {"rooms": {"policy": "latest:x"}}},
        {"revision": 1, "models": {"rooms": {"labels": {"stable": 0}}}},
        {"revision": 1, "models": {"rooms": {"labels": {"": 1}}}},
        {"revision": 1, "models": {"rooms": {"canary_share": 1.5}}},
        {"revision": 1, "asked": {"rooms": "now"}},
        {},
        [],
    ],
    ids=str,
)
def test_object_that_breaks_a_rule_is_not_obeyed(members: object) -> None:
    with pytest.raises(InvalidObject, match="it is damaged: "):
        read_object(msgspec.json.encode(members))


@pytest.mark.parametrize(
    "body", [b"", b"{}}", b"\xff", b"[" * 100_000, b" " * (MAX_BYTES + 1)], ids=len
)
def test_object_that_is_no_json_or_too_large_is_not_obeyed(body: bytes) -> None:
    with pytest.raises(InvalidObject, match=r"^it (is damaged: |has more than 1048576 bytes$)"):
        read_object(body)
