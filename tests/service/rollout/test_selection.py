"""Desired state and available versions make what is served."""

from typing import Any

import pytest

from service.rollout.desired import DesiredModel
from service.rollout.selection import select_versions
from service.rollout.served import ServedModel


@pytest.mark.parametrize(
    ("desired", "versions", "default"),
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
def test_desired_state_selects_versions(
    desired: dict[str, Any], versions: tuple[int, ...], default: int | None
) -> None:
    served = select_versions(DesiredModel(**desired), [2, 1, 4, 3], {}, policy="latest:2")

    assert (served.versions, served.default) == (versions, default)


@pytest.mark.parametrize(
    ("desired", "by_number", "versions", "default"),
    [
        ({}, {4}, (3, 4), 3),
        ({}, {3, 4}, (2, 3, 4), 2),
        ({"policy": "latest:1"}, {4}, (3, 4), 3),
        ({"policy": "latest:1"}, {2}, (4,), 4),
        ({"policy": "all"}, {3, 4}, (1, 2, 3, 4), 2),
        ({"policy": (1, 4)}, {4}, (1, 4), 1),
        ({"policy": (4,)}, {4}, (4,), 4),
        ({}, {1, 2, 3, 4}, (3, 4), 4),
        ({"labels": {"stable": 4}}, {4}, (3, 4), 4),
        ({"labels": {"stable": 1}}, {4}, (1, 3, 4), 1),
        ({"labels": {"canary": 3}}, {4}, (2, 3, 4), 2),
        ({"labels": {"canary": 4}}, {4}, (3, 4), 3),
        ({"policy": "latest:1", "shadow": 4}, {4}, (3, 4), 3),
        ({"shadow": 3}, {4}, (2, 3, 4), 2),
    ],
    ids=[
        *("newest", "two newest", "newest of one", "an older one", "all", "numbers"),
        *("the one number", "every version", "stable", "other is stable", "other is canary"),
        *("canary", "shadow", "other is shadow"),
    ],
)
def test_version_that_answers_only_by_number_does_not_push_out_the_default(
    desired: dict[str, Any], by_number: set[int], versions: tuple[int, ...], default: int
) -> None:
    served = select_versions(
        DesiredModel(**desired), [1, 2, 3, 4], {}, policy="latest:2", by_number=by_number
    )

    assert (served.versions, served.default) == (versions, default)
    assert served.by_number == tuple(sorted(by_number & set(versions)))


def test_version_that_answers_only_by_number_stands_in_for_a_refused_one() -> None:
    served = select_versions(
        DesiredModel(), [1, 2], {1: "broken."}, policy="latest:2", by_number={2}
    )

    assert (served.versions, served.default) == ((2,), 2)


def test_refused_version_is_passed_over() -> None:
    served = select_versions(DesiredModel(), [1, 2, 3], {3: "broken."}, policy="latest:2")

    assert (served.versions, served.default) == ((1, 2), 2)
    assert served.refused == {3: "broken."}


def test_label_of_a_refused_version_is_left_out() -> None:
    desired = DesiredModel(labels={"next": 3, "canary": 9}, canary_share=0.5, shadow=8)

    served = select_versions(desired, [2, 3], {3: "broken."}, policy="all")

    assert served == ServedModel(versions=(2,), default=2, refused={3: "broken."}, policy="all")


def test_stable_version_that_cannot_be_served_gives_way_to_the_one_before() -> None:
    desired = DesiredModel(labels={"stable": 3})

    served = select_versions(desired, [1, 2, 3, 4], {3: "broken."}, policy="latest:1")

    assert (served.default, served.versions) == (2, (2, 4))
    assert select_versions(desired, [4], {}, policy="all").default == 4
