"""Merge patches of what is desired of a model: read, checked and applied."""

import json
from typing import Any

import pytest

from service.errors import InvalidDesiredState
from service.rollout.desired import DesiredModel
from service.rollout.model_patch import read_patch
from vitrine.errors import MalformedBody

BEFORE = DesiredModel(policy="all", labels={"stable": 1, "canary": 2}, canary_share=0.5, shadow=3)


def patched(**members: Any) -> DesiredModel:
    """Return the model after a patch."""
    return read_patch(json.dumps(members).encode()).apply(BEFORE)


@pytest.mark.parametrize(
    ("members", "changes"),
    [
        ({}, {}),
        ({"policy": "latest:2"}, {"policy": "latest:2"}),
        ({"policy": "3,1"}, {"policy": (1, 3)}),
        ({"policy": None}, {"policy": None}),
        ({"labels": {"stable": 4}}, {"labels": {"stable": 4, "canary": 2}}),
        ({"labels": {"stable": None}}, {"labels": {"canary": 2}}),
        ({"labels": None, "canary_share": 0}, {"labels": {}, "canary_share": 0.0}),
        ({"canary_share": 1}, {"canary_share": 1.0}),
        ({"canary_share": None}, {"canary_share": 0.0}),
        ({"shadow": 10**18 - 1}, {"shadow": 10**18 - 1}),
        ({"shadow": None}, {"shadow": None}),
    ],
    ids=repr,
)
def test_members_are_merged(members: dict[str, Any], changes: dict[str, Any]) -> None:
    expected = {name: getattr(BEFORE, name) for name in BEFORE.__struct_fields__} | changes

    assert patched(**members) == DesiredModel(**expected)


@pytest.mark.parametrize(
    ("members", "faults"),
    [
        (
            {"policy": 1},
            {
                "#/policy": "policy must be 'all', 'latest:N', version numbers such as '1,3', or "
                "null. Received: '1'."
            },
        ),
        (
            {"labels": [1], "canary_share": True},
            {
                "#/labels": "labels must be an object of labels and versions, or null. "
                "Received: '[1]'.",
                "#/canary_share": "canary_share must be a number from 0 to 1, or null. "
                "Received: 'True'.",
            },
        ),
        (
            {"labels": {"a b": 1, "c": 0, "d": 1.0}},
            {
                "#/labels": "labels has a label that must be at most 64 letters, digits, '_', '-' "
                "or '.'. Received: 'a b'.",
                "#/labels/c": "labels/c must be a version's number or null. Received: '0'.",
                "#/labels/d": "labels/d must be a version's number or null. Received: '1.0'.",
            },
        ),
        (
            {"shadow": 10**18, "lables": {}},
            {
                "#/shadow": "shadow must be a version's number or null. "
                "Received: '1000000000000000000'.",
                "#/lables": "'lables' is not known. Did you mean 'labels'?",
            },
        ),
    ],
    ids=["policy", "types", "labels", "unknown"],
)
def test_all_faults_are_reported_at_once(members: dict[str, Any], faults: dict[str, str]) -> None:
    with pytest.raises(InvalidDesiredState) as caught:
        patched(**members)

    assert {fault.pointer: fault.detail for fault in caught.value.faults} == faults


def test_share_without_a_canary_is_refused() -> None:
    with pytest.raises(InvalidDesiredState, match="must be 0 where no version has the label"):
        patched(labels={"canary": None})


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"shadow":' + b"[" * 30_000])
def test_body_that_is_no_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody, match="of policy, labels, canary_share, shadow"):
        read_patch(body)
