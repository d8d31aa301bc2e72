"""Which versions of a model are served: desired state and available versions -> `ServedModel`."""

from bisect import bisect
from collections.abc import Collection, Mapping

from service.rollout.desired import CANARY, STABLE, DesiredModel
from service.rollout.served import ServedModel
from service.version_policy import Policy


def select_versions(
    desired: DesiredModel,
    available: Collection[int],
    refused: Mapping[int, str],
    *,
    policy: Policy,
) -> ServedModel:
    """Select the versions of one model, and which of them answers.

    A label or a shadow whose version cannot be served is left out, so that the model goes on
    without it. The newest version before a stable one that cannot be served takes its place.

    Args:
        desired: What operators want of the model.
        available: Versions in the model store.
        refused: Versions that cannot be served, with the reason.
        policy: Policy of a model that has none of its own.
    """
    chosen = policy if desired.policy is None else desired.policy
    usable = sorted(set(available) - set(refused)) if desired.loaded else []
    labels = _usable_labels(desired.labels, usable)
    shadow = desired.shadow if desired.shadow in usable else None
    versions = {*_by_policy(chosen, usable), *labels.values()}
    if shadow is not None:
        versions.add(shadow)
    return ServedModel(
        versions=tuple(sorted(versions)),
        default=_default(versions, labels, shadow),
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


def _by_policy(policy: Policy, usable: list[int]) -> list[int]:
    if isinstance(policy, tuple):
        return [version for version in usable if version in policy]
    return usable if policy == "all" else usable[-int(policy.partition(":")[2]) :]


def _default(versions: set[int], labels: Mapping[str, int], shadow: int | None) -> int | None:
    """Return the stable version, else the newest that is neither canary nor shadow."""
    if STABLE in labels:
        return labels[STABLE]
    settled = versions - {labels.get(CANARY), shadow}
    return max(settled or versions, default=None)
