"""Which versions of a model are served: desired state and available versions -> `ServedModel`."""

from bisect import bisect
from collections.abc import Collection, Iterable, Mapping, Set

from service.rollout.desired import CANARY, STABLE, DesiredModel
from service.rollout.served import ServedModel
from service.version_policy import Policy


def select_versions(
    desired: DesiredModel,
    available: Collection[int],
    refused: Mapping[int, str],
    *,
    policy: Policy,
    by_number: Set[int] = frozenset(),
) -> ServedModel:
    """Select the versions of one model, and which of them answers.

    A label or a shadow whose version cannot be served is left out, so that the model goes on
    without it. The newest version before a stable one that cannot be served takes its place. The
    version that answers by default is served even if `latest:N` counts newer ones that do not.

    Args:
        desired: What operators want of the model.
        available: Versions in the model store.
        refused: Versions that cannot be served, with the reason.
        policy: Policy of a model that has none of its own.
        by_number: Versions that answer only requests that name them.
    """
    chosen = policy if desired.policy is None else desired.policy
    usable = sorted(set(available) - set(refused)) if desired.loaded else []
    labels = _usable_labels(desired.labels, usable)
    shadow = desired.shadow if desired.shadow in usable else None
    answering = _default(usable, labels, shadow, by_number)
    versions = {*_by_policy(chosen, usable, by_number, answering), *labels.values()}
    if shadow is not None:
        versions.add(shadow)
    return ServedModel(
        versions=tuple(sorted(versions)),
        default=_default(versions, labels, shadow, by_number),
        by_number=tuple(sorted(versions & by_number)),
        labels=labels,
        canary_share=desired.canary_share if CANARY in labels else 0.0,
        shadow=shadow,
        refused={version: refused[version] for version in sorted(refused)},
        loaded=desired.loaded,
        policy=chosen,
    )


def _usable_labels(desired: Mapping[str, int], usable: list[int]) -> dict[str, int]:
    labels = {label: version for label, version in desired.items() if version in usable}
    if STABLE in desired and STABLE not in labels:
        # Never a newer version: operators have not let it answer yet.
        earlier = usable[: bisect(usable, desired[STABLE])]
        labels.update({STABLE: earlier[-1]} if earlier else {})
    return labels


def _by_policy(
    policy: Policy, usable: list[int], by_number: Set[int], answering: int | None
) -> list[int]:
    if isinstance(policy, tuple):
        return [version for version in usable if version in policy]
    if policy == "all":
        return usable
    newest = usable[-int(policy.partition(":")[2]) :]
    if answering is None or by_number.isdisjoint(newest):
        return newest
    return [*newest, answering]


def _default(
    versions: Iterable[int], labels: Mapping[str, int], shadow: int | None, by_number: Set[int]
) -> int | None:
    """Return the stable version, else the newest that may answer by default.

    Neither the canary nor the shadow nor a version of `by_number` may, unless there is no other.
    """
    if STABLE in labels:
        return labels[STABLE]
    settled = set(versions) - {labels.get(CANARY), shadow}
    return max(settled - by_number or settled or versions, default=None)
