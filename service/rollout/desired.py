"""What is wanted of each model, and which versions that makes.

An operator's wish (policy, labels, canary, shadow) and the versions that can be served make a
plan, which every worker follows. Nothing here touches a disk or a network.
"""

import re
from bisect import bisect
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from service.version_policy import Policy, write_policy

LABEL_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
STABLE = "stable"
CANARY = "canary"


class DesiredModel(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator wants of one model.

    Attributes:
        loaded: Whether it is to be served at all.
        policy: Which versions; None for the service's own policy.
        labels: Version by label. `stable` answers where no version is asked for; a labelled
            version is served whatever the policy.
        canary_share: Of the requests that ask for no version, how many the version labelled
            `canary` answers, from 0 to 1.
        shadow: A version that answers nobody and is compared with the one that did.
    """

    loaded: bool = True
    policy: Policy | None = None
    labels: dict[str, int] = {}
    canary_share: float = 0.0
    shadow: int | None = None

    @property
    def named(self) -> set[int]:
        """The versions it names one by one."""
        numbers = set(self.labels.values())
        if self.shadow is not None:
            numbers.add(self.shadow)
        if isinstance(self.policy, tuple):
            numbers.update(self.policy)
        return numbers


class DesiredState(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted of all models.

    Attributes:
        revision: Rises with every change.
        models: By name; a model without a wish is served as the service's policy says.
    """

    revision: int = 0
    models: dict[str, DesiredModel] = {}


class ServedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model as every worker serves it.

    Attributes:
        versions: Loaded, ascending; none where it is not to be served, or cannot be.
        default: Answers where no version is asked for.
        labels: Version by label.
        canary_share: Share of the default's requests that the label `canary` answers.
        shadow: Compared with the one that answered.
        refused: Why other versions on disk are not served.
        loaded: Whether an operator wants it served.
        policy: By which the versions were chosen.
    """

    versions: tuple[int, ...] = ()
    default: int | None = None
    labels: dict[str, int] = {}
    canary_share: float = 0.0
    shadow: int | None = None
    refused: dict[int, str] = {}
    loaded: bool = True
    policy: Policy = "all"


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """What every worker is to serve.

    Attributes:
        number: Rises with every plan.
        revision: Of the wishes that it fulfils.
        models: By name.
        at: When to begin, by this machine's monotonic clock, which all workers share.
    """

    number: int = 0
    revision: int = 0
    models: dict[str, ServedModel] = {}
    at: float = 0.0

    def versions(self) -> set[tuple[str, int]]:
        """Name every version that is served."""
        return {
            (name, version) for name, model in self.models.items() for version in model.versions
        }


def plan_model(
    wish: DesiredModel, available: Collection[int], refused: Mapping[int, str], *, policy: Policy
) -> ServedModel:
    """Choose what is served of one model.

    A label or shadow whose version cannot be served is left out, so the model goes on without it;
    in the place of a stable one comes the newest before it.

    Args:
        wish: What is wanted of it.
        available: Its versions on disk.
        refused: Those among them that cannot be served, with the reason.
        policy: Where the wish names none.
    """
    chosen = policy if wish.policy is None else wish.policy
    good = sorted(set(available) - set(refused))
    if not wish.loaded:
        good = []
    labels = {label: number for label, number in wish.labels.items() if number in good}
    pinned = wish.labels.get(STABLE)
    if pinned is not None and STABLE not in labels:
        # What is newer has not been let answer yet.
        earlier = good[: bisect(good, pinned)]
        labels.update({STABLE: earlier[-1]} if earlier else {})
    shadow = wish.shadow if wish.shadow in good else None
    versions = {*_chosen(chosen, good), *labels.values(), *([] if shadow is None else [shadow])}
    return ServedModel(
        versions=tuple(sorted(versions)),
        default=_default(versions, labels, shadow),
        labels=labels,
        canary_share=wish.canary_share if CANARY in labels else 0.0,
        shadow=shadow,
        refused={number: refused[number] for number in sorted(refused)},
        loaded=wish.loaded,
        policy=chosen,
    )


def _chosen(policy: Policy, good: list[int]) -> list[int]:
    if isinstance(policy, tuple):
        return [number for number in good if number in policy]
    return good if policy == "all" else good[-int(policy.partition(":")[2]) :]


def _default(versions: set[int], labels: Mapping[str, int], shadow: int | None) -> int | None:
    """Return `stable`, else the latest that is not only on trial."""
    if STABLE in labels:
        return labels[STABLE]
    settled = versions - {labels.get(CANARY), shadow}
    return max(settled or versions, default=None)


def describe_serving(serving: ServedModel) -> dict[str, Any]:
    """Return how a model is served as the members of a JSON object."""
    return {
        "loaded": serving.loaded,
        "default": serving.default,
        "policy": write_policy(serving.policy),
        "labels": serving.labels,
        "canary_share": serving.canary_share,
        "shadow": serving.shadow,
        "refused": {str(version): why for version, why in serving.refused.items()},
    }
