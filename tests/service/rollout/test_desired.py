"""What is wanted and what is there make what is served."""

from typing import Any

import pytest

from service.rollout.desired import DesiredModel, ServedModel, plan_model
from service.version_policy import InvalidPolicy, Policy, parse_policy, write_policy


@pytest.mark.parametrize(
    ("text", "policy"), [("all", "all"), ("latest:3", "latest:3"), ("3,1,3", (1, 3))]
)
def test_policy_is_read(text: str, policy: Policy) -> None:
    assert parse_policy(text) == policy
    assert parse_policy(write_policy(policy)) == policy


@pytest.mark.parametrize("text", ["", "latest", "latest:0", "1;2", "0", "-1", "every"])
def test_meaningless_policy_is_refused(text: str) -> None:
    with pytest.raises(InvalidPolicy, match="must be 'all'"):
        parse_policy(text)


@pytest.mark.parametrize(
    ("wish", "versions", "default"),
    [
        ({}, (3, 4), 4),
        ({"policy": "all"}, (1, 2, 3, 4), 4),
        ({"policy": (1, 3)}, (1, 3), 3),
        ({"policy": "latest:9"}, (1, 2, 3, 4), 4),
        ({"labels": {"stable": 1}}, (1, 3, 4), 1),
        ({"labels": {"canary": 4}}, (3, 4), 3),
        ({"shadow": 4}, (3, 4), 3),
        ({"policy": "latest:1", "shadow": 4}, (4,), 4),
        ({"policy": (7,)}, (), None),
        ({"loaded": False, "labels": {"stable": 1}}, (), None),
    ],
    ids=[
        *("service's own", "all", "numbers", "more than there are", "stable", "canary"),
        *("shadow", "nothing but a shadow", "not there", "unloaded"),
    ],
)
def test_wish_chooses_versions(
    wish: dict[str, Any], versions: tuple[int, ...], default: int | None
) -> None:
    serving = plan_model(DesiredModel(**wish), [2, 1, 4, 3], {}, policy="latest:2")

    assert (serving.versions, serving.default) == (versions, default)


def test_refused_version_is_passed_over() -> None:
    serving = plan_model(DesiredModel(), [1, 2, 3], {3: "broken."}, policy="latest:2")

    assert (serving.versions, serving.default) == ((1, 2), 2)
    assert serving.refused == {3: "broken."}


def test_label_of_a_refused_version_is_left_out() -> None:
    wish = DesiredModel(labels={"next": 3, "canary": 9}, canary_share=0.5, shadow=8)

    serving = plan_model(wish, [2, 3], {3: "broken."}, policy="all")

    assert serving == ServedModel(versions=(2,), default=2, refused={3: "broken."}, policy="all")


def test_stable_version_that_cannot_be_served_gives_way_to_the_one_before() -> None:
    wish = DesiredModel(labels={"stable": 3})

    serving = plan_model(wish, [1, 2, 3, 4], {3: "broken."}, policy="latest:1")

    assert (serving.default, serving.versions) == (2, (2, 4))
    assert plan_model(wish, [4], {}, policy="all").default == 4


def test_wish_names_versions_one_by_one() -> None:
    wish = DesiredModel(policy=(1, 2), labels={"stable": 3}, shadow=4)

    assert wish.named == {1, 2, 3, 4}
    assert DesiredModel(policy="latest:2").named == set()
