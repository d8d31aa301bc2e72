"""The rule for what is served next: a snapshot of desired and observed state -> actions.

Everything here is a pure function: no file, no clock, no log. A version is tried before it is part
of a rollout; while its trial goes on, its model stays as it is and all others can change. A rollout
goes through three steps, at most one a tick: it is announced, every agent loads it, it is promoted.
"""

from collections.abc import Mapping, Sequence, Set

import msgspec

from service.rollout.actions import (
    Action,
    AnnounceRollout,
    ForgetAgents,
    KeepServing,
    PromoteRollout,
    RefuseStart,
    RefuseVersion,
    TryVersions,
)
from service.rollout.desired import DesiredModel
from service.rollout.selection import select_versions
from service.rollout.served import ModelVersion, Rollout, ServedModel
from service.rollout.snapshot import Snapshot

# A version with which this many workers ended is not tried again: it may be what ended them.
MAX_DEATHS = 3
GIVEN_UP = "Three workers ended while they loaded this version."

_Listed = Mapping[str, Sequence[int]]
_Refused = Mapping[ModelVersion, str]


def reconcile(snapshot: Snapshot) -> list[Action]:
    """Decide what brings the observed state one step nearer to the desired state.

    Returns:
        The actions in the order in which they are to be done; none while all is as desired.
    """
    loss = _loss(snapshot)
    if loss is not None and snapshot.rollouts.served is None:
        return [RefuseStart(loss)]
    refused = {**_reported_refusals(snapshot), **_deadly_versions(snapshot)}
    return [
        *_forget_agents(snapshot),
        *_refuse(refused),
        *([] if loss is None else [KeepServing(loss)]),
        *_next_step(snapshot.with_refused(refused)),
    ]


def _loss(snapshot: Snapshot) -> str | None:
    """Say why the model store must not be obeyed; None where it can be."""
    listing = snapshot.listing
    if listing is None:
        return None
    if listing.error is None and snapshot.served_versions() and not listing.versions:
        # An unmounted folder is empty, too; an operator who means it can unload the models.
        return f"The models folder {listing.folder} is empty; what is served stays."
    return listing.error


def _reported_refusals(snapshot: Snapshot) -> dict[ModelVersion, str]:
    """Return the versions that agents newly refuse.

    A version that others serve is served on; the agent that cannot load it tries again.
    """
    living = snapshot.agents.living
    kept = snapshot.served_versions() if any(agent.serving for agent in living) else set()
    return {
        version: reason
        for agent in living
        for version, reason in agent.refusals().items()
        if version not in snapshot.refused and version not in kept
    }


def _deadly_versions(snapshot: Snapshot) -> dict[ModelVersion, str]:
    """Return the new versions of a rollout that too many agents did not survive loading."""
    following = snapshot.rollouts.next
    if following is None or len(_died_loading(snapshot)) < MAX_DEATHS:
        return {}
    known = snapshot.served_versions() | snapshot.refused.keys()
    return dict.fromkeys(following.versions() - known, GIVEN_UP)


def _died_loading(snapshot: Snapshot) -> set[str]:
    """Return the agents that ended while they loaded the next rollout, before it was promoted."""
    following, served = snapshot.rollouts.next, snapshot.rollouts.served
    if following is None or (served is not None and served.number >= following.number):
        return set()
    dead = snapshot.agents.dead
    return {name for name, agent in dead.items() if agent.loading == following.number}


def _forget_agents(snapshot: Snapshot) -> list[Action]:
    """Forget the dead agents that are not needed to count the deaths during one rollout."""
    counted = _died_loading(snapshot)
    names = snapshot.agents.dead.keys() - (counted if len(counted) < MAX_DEATHS else set())
    return [ForgetAgents(tuple(sorted(names)))] if names else []


def _refuse(refused: _Refused) -> list[Action]:
    return [RefuseVersion(version, reason) for version, reason in sorted(refused.items())]


def _next_step(snapshot: Snapshot) -> list[Action]:
    """Try versions, and announce or promote a rollout."""
    wanted = _select_models(snapshot)
    untried = Rollout(models=wanted).versions() - snapshot.passed()
    tries = _try(snapshot, untried)
    if untried and snapshot.rollouts.served is None:
        return tries  # whoever starts the server expects its newest versions
    models = _with_losses(snapshot, _without_untried(snapshot, wanted, untried))
    newest, revision = snapshot.newest_rollout(), snapshot.desired.revision
    is_newest = (models, revision) == (newest.models, newest.revision)
    if newest.number and is_newest and set(newest.trying) <= untried:
        return [*tries, *_promote(snapshot, newest)]
    following = Rollout(
        number=newest.number + 1,
        revision=revision,
        models=models,
        trying=tuple(sorted(untried)),
    )
    return [*tries, *_announce(snapshot, following)]


def _try(snapshot: Snapshot, untried: Set[ModelVersion]) -> list[Action]:
    """Try the newest untried version of each model, one at a time."""
    busy = {name for name, _ in snapshot.trying}
    newest = dict(sorted(untried))
    due = tuple((name, number) for name, number in newest.items() if name not in busy)
    return [TryVersions(due)] if due else []


def _without_untried(
    snapshot: Snapshot, wanted: Mapping[str, ServedModel], untried: Set[ModelVersion]
) -> dict[str, ServedModel]:
    """Return the wanted models, but leave those as they are of which a version is not tried yet."""
    newest, waiting = snapshot.newest_rollout().models, {name for name, _ in untried}
    kept = {name: newest[name] for name in waiting & newest.keys()}
    broken = {
        name
        for name, model in kept.items()
        if any((name, version) in snapshot.refused for version in model.versions)
    }
    usable = _select_models(snapshot, among=snapshot.passed()) if broken else {}
    return {
        name: usable[name] if name in broken else kept.get(name, model)
        for name, model in wanted.items()
        if name not in waiting or name in kept
    }


def _with_losses(snapshot: Snapshot, models: Mapping[str, ServedModel]) -> dict[str, ServedModel]:
    """Mark the models that were served and of which no version can be served any more."""
    newest = snapshot.newest_rollout().models
    return {
        name: msgspec.structs.replace(
            model,
            lost=model.loaded
            and not model.versions
            and bool(model.refused)
            and name in newest
            and (newest[name].lost or bool(newest[name].versions)),
        )
        for name, model in models.items()
    }


def _select_models(
    snapshot: Snapshot, *, among: Set[ModelVersion] | None = None
) -> dict[str, ServedModel]:
    """Select the versions of each model, of all available versions or among some."""
    available, by_number, refused = _candidates(snapshot)
    if among is not None:
        available = {
            name: [number for number in numbers if (name, number) in among]
            for name, numbers in available.items()
        }
    return {
        name: select_versions(
            snapshot.desired.models.get(name, DesiredModel()),
            available.get(name, ()),
            _refused_of(name, available.get(name, ()), refused, snapshot.fetch_failures),
            policy=snapshot.policy,
            by_number={version for of, version in by_number if of == name},
        )
        for name in sorted({*available, *snapshot.fetch_failures})
    }


def _candidates(snapshot: Snapshot) -> tuple[_Listed, frozenset[ModelVersion], _Refused]:
    """Return the available versions, those of them that answer only by number, and the refused.

    Without a listing that can be obeyed, all are those of the newest rollout.
    """
    listing = snapshot.listing
    if listing is not None and _loss(snapshot) is None:
        return listing.versions, listing.by_number, snapshot.refused
    newest = snapshot.newest_rollout()
    available = {name: model.versions for name, model in newest.models.items()}
    return available, newest.by_number(), {**newest.refused(), **snapshot.refused}


def _refused_of(
    name: str,
    available: Sequence[int],
    refused: _Refused,
    fetch_failures: Mapping[str, Mapping[int, str]],
) -> dict[int, str]:
    """Return why versions of a model are refused, or were not fetched and have no older copy."""
    failures = fetch_failures.get(name, {})
    return {
        **{version: failures[version] for version in failures if version not in available},
        **{version: reason for (of, version), reason in refused.items() if of == name},
    }


def _announce(snapshot: Snapshot, following: Rollout) -> list[Action]:
    reason = _unusable_model(snapshot, following)
    return [AnnounceRollout(following) if reason is None else RefuseStart(reason)]


def _unusable_model(snapshot: Snapshot, following: Rollout) -> str | None:
    """Say which model could not be served at all by a server that starts."""
    if snapshot.rollouts.served is not None or snapshot.listing is None:
        return None
    for name, model in following.models.items():
        if model.loaded and model.refused and not model.versions:
            version = max(model.refused)
            return f"{snapshot.listing.folder / name / str(version)}: {model.refused[version]}"
    return None


def _promote(snapshot: Snapshot, following: Rollout) -> list[Action]:
    """Promote the next rollout if every required agent has loaded all of it."""
    served = snapshot.rollouts.served
    if served is not None and served.number >= following.number:
        return []
    required = [agent for agent in snapshot.agents.living if agent.is_required]
    is_loaded = all(agent.loaded >= following.number and not agent.refused for agent in required)
    if required and is_loaded:
        return [PromoteRollout(following, at_once=served is None)]
    return []
