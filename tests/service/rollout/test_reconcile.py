"""The rule for what is served next, as a table: a snapshot, and the actions that follow from it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

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
from service.rollout.desired import DesiredModel, DesiredState
from service.rollout.observed import Agents, AgentStatus
from service.rollout.reconcile import GIVEN_UP, reconcile
from service.rollout.served import ModelVersion, Rollout, Rollouts, ServedModel
from service.rollout.snapshot import Listing, Snapshot

FOLDER = Path("/models")
EMPTY = "The models folder /models is empty; what is served stays."
UNREADABLE = "The models folder /models cannot be read: Permission denied."


def versions(*numbers: int) -> frozenset[ModelVersion]:
    """Return versions of one model."""
    return frozenset(("rooms", number) for number in numbers)


def listing(*numbers: int) -> Listing:
    """Return a listing with some versions of one model."""
    return Listing(folder=FOLDER, versions={"rooms": numbers} if numbers else {})


def rollout(
    number: int,
    *served: int,
    refused: Mapping[int, str] | None = None,
    revision: int = 0,
    **changes: Any,
) -> Rollout:
    """Return a rollout of one model, by its newest version."""
    model = ServedModel(
        versions=served, default=max(served, default=None), refused=dict(refused or {})
    )
    models = {"rooms": msgspec.structs.replace(model, **changes)}
    return Rollout(number=number, revision=revision, models=models)


def agents(*living: AgentStatus, dead: Sequence[AgentStatus] = ()) -> Agents:
    """Return agents; the dead are named by their index."""
    return Agents(living=living, dead={f"dead {i}": status for i, status in enumerate(dead)})


def agent(number: int, **changes: Any) -> AgentStatus:
    """Return the status of an agent that has loaded and serves a rollout."""
    return msgspec.structs.replace(AgentStatus(loaded=number, serving=number), **changes)


def desired(revision: int = 1, **changes: Any) -> DesiredState:
    """Return a desired state that was changed for one model."""
    return DesiredState(revision=revision, models={"rooms": DesiredModel(**changes)})


FIRST = Rollouts(served=rollout(1, 1), next=rollout(1, 1))
# The first rollout is served, and a second one with a new version is announced.
SECOND = Rollouts(served=rollout(1, 1), next=rollout(2, 1, 2))
# Version 2 is served, and 1 goes on answering.
BY_NUMBER = rollout(2, 1, 2, default=1, by_number=(2,))
DYING = AgentStatus(loading=2)
# The second rollout, in which a version is being tried.
TRYING = msgspec.structs.replace(rollout(2, 1), trying=(("rooms", 2),))
REFUSING = agent(2, serving=1, refused={"rooms": {2: "broken."}})

START = Snapshot(
    policy="all", desired=DesiredState(), listing=listing(1), agents=agents(AgentStatus())
)
IDLE = replace(START, tried=versions(1), rollouts=FIRST, agents=agents(agent(1), agent(1)))
NEW = replace(IDLE, listing=listing(1, 2))
ANNOUNCED = replace(NEW, tried=versions(1, 2), rollouts=SECOND)


CASES: dict[str, tuple[Snapshot, list[Action]]] = {
    # A server starts.
    "first versions are tried": (START, [TryVersions((("rooms", 1),))]),
    "first versions are announced": (
        replace(START, tried=versions(1)),
        [AnnounceRollout(rollout(1, 1))],
    ),
    "first rollout waits for an agent": (
        replace(START, tried=versions(1), rollouts=Rollouts(next=rollout(1, 1))),
        [],
    ),
    "first rollout is served at once": (
        replace(
            START,
            tried=versions(1),
            rollouts=Rollouts(next=rollout(1, 1)),
            agents=agents(AgentStatus(loaded=1)),
        ),
        [PromoteRollout(rollout(1, 1), at_once=True)],
    ),
    "unreadable folder ends the start": (
        replace(START, listing=Listing(folder=FOLDER, error=UNREADABLE)),
        [RefuseStart(UNREADABLE)],
    ),
    "model without a good version ends the start": (
        replace(START, refused={("rooms", 1): "broken."}),
        [RefuseStart("/models/rooms/1: broken.")],
    ),
    "older good version starts": (
        replace(
            START, listing=listing(1, 2), tried=versions(1), refused={("rooms", 2): "broken."}
        ),
        [AnnounceRollout(rollout(1, 1, refused={2: "broken."}))],
    ),
    "empty folder starts with nothing": (
        replace(START, listing=listing()),
        [AnnounceRollout(Rollout(number=1))],
    ),
    # A new version comes.
    "nothing new is nothing to do": (IDLE, []),
    "new version is tried": (NEW, [TryVersions((("rooms", 2),))]),
    "version that is being tried is waited for": (replace(NEW, trying=versions(2)), []),
    "versions of a model are tried one by one": (
        replace(NEW, listing=listing(1, 2, 3), trying=versions(2)),
        [],
    ),
    "newest of a model's versions is tried first": (
        replace(NEW, listing=listing(1, 2, 3)),
        [TryVersions((("rooms", 3),))],
    ),
    "first rollout waits for all trials": (
        replace(START, listing=listing(1, 2), tried=versions(1), trying=versions(2)),
        [],
    ),
    "model whose version is being tried stays as it is": (
        replace(NEW, trying=versions(2), desired=desired(labels={"old": 1})),
        [
            AnnounceRollout(
                Rollout(
                    number=2, revision=1, models=rollout(1, 1).models, trying=(("rooms", 2),)
                )
            )
        ],
    ),
    "rollout of a model that is being tried is promoted": (
        replace(
            NEW,
            trying=versions(2),
            rollouts=Rollouts(served=rollout(1, 1), next=TRYING),
            agents=agents(agent(2, serving=1)),
        ),
        [PromoteRollout(TRYING, at_once=False)],
    ),
    "end of a trial is announced even if it changes nothing": (
        replace(IDLE, rollouts=Rollouts(served=TRYING, next=TRYING)),
        [AnnounceRollout(rollout(3, 1))],
    ),
    "other models change while a version is being tried": (
        replace(
            NEW,
            trying=versions(2),
            tried=versions(1) | {("attic", 1)},
            listing=Listing(folder=FOLDER, versions={"rooms": (1, 2), "attic": (1,)}),
        ),
        [
            AnnounceRollout(
                Rollout(
                    number=2,
                    models={
                        **rollout(1, 1).models,
                        "attic": ServedModel(versions=(1,), default=1),
                    },
                    trying=(("rooms", 2),),
                )
            )
        ],
    ),
    "new model whose first version is being tried is not there yet": (
        replace(
            IDLE,
            trying=frozenset({("attic", 1)}),
            listing=Listing(folder=FOLDER, versions={"rooms": (1,), "attic": (1,)}),
        ),
        [],
    ),
    "model that is announced with a refused version goes on without it": (
        replace(
            ANNOUNCED,
            listing=listing(1, 2, 3),
            trying=versions(3),
            tried=versions(1),
            refused={("rooms", 2): "broken."},
        ),
        [
            AnnounceRollout(
                msgspec.structs.replace(
                    rollout(3, 1, refused={2: "broken."}), trying=(("rooms", 3),)
                )
            )
        ],
    ),
    "lost next rollout is made from the one that is served": (
        replace(IDLE, rollouts=Rollouts(served=rollout(7, 1)), desired=desired(labels={"old": 1})),
        [AnnounceRollout(rollout(8, 1, revision=1, labels={"old": 1}))],
    ),
    "tried version is announced": (
        replace(NEW, tried=versions(1, 2)),
        [AnnounceRollout(rollout(2, 1, 2))],
    ),
    "version that answers only by number is announced beside the default": (
        replace(
            NEW, listing=replace(listing(1, 2), by_number=versions(2)), tried=versions(1, 2)
        ),
        [AnnounceRollout(BY_NUMBER)],
    ),
    "version that may answer by default now is announced": (
        replace(
            NEW,
            tried=versions(1, 2),
            rollouts=Rollouts(served=BY_NUMBER, next=BY_NUMBER),
        ),
        [AnnounceRollout(rollout(3, 1, 2))],
    ),
    "refused version is announced as refused": (
        replace(NEW, refused={("rooms", 2): "broken."}),
        [AnnounceRollout(rollout(2, 1, refused={2: "broken."}))],
    ),
    "refusal that is known is nothing to do": (
        replace(
            NEW,
            refused={("rooms", 2): "broken."},
            rollouts=Rollouts(
                served=rollout(2, 1, refused={2: "broken."}),
                next=rollout(2, 1, refused={2: "broken."}),
            ),
        ),
        [],
    ),
    "version that was not fetched is announced as refused": (
        replace(IDLE, fetch_failures={"rooms": {2: "truncated."}}),
        [AnnounceRollout(rollout(2, 1, refused={2: "truncated."}))],
    ),
    "older copy is served where a version was not fetched anew": (
        replace(IDLE, fetch_failures={"rooms": {1: "truncated."}}),
        [],
    ),
    "version that is gone is dropped": (
        replace(IDLE, rollouts=Rollouts(served=rollout(1, 1, 2), next=rollout(1, 1, 2))),
        [AnnounceRollout(rollout(2, 1))],
    ),
    "newer rollout replaces one that is being loaded": (
        replace(ANNOUNCED, listing=listing(1, 2, 3), tried=versions(1, 2, 3)),
        [AnnounceRollout(rollout(3, 1, 2, 3))],
    ),
    # Agents load it.
    "rollout waits for the slowest agent": (
        replace(ANNOUNCED, agents=agents(agent(2, serving=1), agent(1))),
        [],
    ),
    "rollout waits for an agent that starts": (
        replace(ANNOUNCED, agents=agents(agent(2, serving=1), AgentStatus())),
        [],
    ),
    "rollout that all have loaded is promoted": (
        replace(ANNOUNCED, agents=agents(agent(2, serving=1), agent(2, serving=1))),
        [PromoteRollout(rollout(2, 1, 2), at_once=False)],
    ),
    "rollout does not wait for an agent that cannot start": (
        replace(
            ANNOUNCED,
            agents=agents(
                agent(2, serving=1),
                AgentStatus(loaded=1, refused={"rooms": {1: "Permission denied."}}),
            ),
        ),
        [PromoteRollout(rollout(2, 1, 2), at_once=False)],
    ),
    "rollout without agents is not promoted": (replace(ANNOUNCED, agents=agents()), []),
    "promoted rollout is nothing to do": (
        replace(ANNOUNCED, rollouts=Rollouts(served=rollout(2, 1, 2), next=rollout(2, 1, 2))),
        [],
    ),
    "version that one agent cannot load is refused": (
        replace(ANNOUNCED, agents=agents(agent(2, serving=1), REFUSING)),
        [
            RefuseVersion(("rooms", 2), "broken."),
            AnnounceRollout(rollout(3, 1, refused={2: "broken."})),
        ],
    ),
    "served version that one agent cannot load is kept": (
        replace(
            IDLE, agents=agents(agent(1), AgentStatus(loaded=1, refused={"rooms": {1: "gone."}}))
        ),
        [],
    ),
    "rollout that an agent has not loaded whole is not promoted": (
        replace(
            ANNOUNCED, agents=agents(agent(2, serving=1, refused={"rooms": {1: "gone."}}))
        ),
        [],
    ),
    "served version that no agent can load gives way": (
        replace(
            IDLE,
            tried=frozenset(),
            agents=agents(AgentStatus(loaded=1, refused={"rooms": {1: "gone."}})),
        ),
        [
            RefuseVersion(("rooms", 1), "gone."),
            AnnounceRollout(rollout(2, refused={1: "gone."}, lost=True)),
        ],
    ),
    "lost model stays lost": (
        replace(
            IDLE,
            refused={("rooms", 1): "gone."},
            rollouts=Rollouts(
                served=rollout(2, refused={1: "gone."}, lost=True),
                next=rollout(2, refused={1: "gone."}, lost=True),
            ),
        ),
        [],
    ),
    "model that was never served is not lost": (
        replace(
            IDLE,
            listing=Listing(folder=FOLDER, versions={"rooms": (1,), "attic": (1,)}),
            refused={("attic", 1): "broken."},
        ),
        [
            AnnounceRollout(
                Rollout(
                    number=2,
                    models={
                        **rollout(1, 1).models,
                        "attic": ServedModel(refused={1: "broken."}),
                    },
                )
            )
        ],
    ),
    # Workers die.
    "dead agent is forgotten": (
        replace(IDLE, agents=agents(agent(1), dead=[agent(1)])),
        [ForgetAgents(("dead 0",))],
    ),
    "agents that died while they loaded are remembered": (
        replace(ANNOUNCED, agents=agents(agent(2, serving=1), agent(1), dead=[DYING, DYING])),
        [],
    ),
    "version with which three agents died is given up": (
        replace(ANNOUNCED, agents=agents(agent(1), dead=[DYING, DYING, DYING])),
        [
            ForgetAgents(("dead 0", "dead 1", "dead 2")),
            RefuseVersion(("rooms", 2), GIVEN_UP),
            AnnounceRollout(rollout(3, 1, refused={2: GIVEN_UP})),
        ],
    ),
    "version that was refused already keeps its reason": (
        replace(
            ANNOUNCED,
            refused={("rooms", 2): "broken."},
            agents=agents(agent(1), dead=[DYING, DYING, DYING]),
        ),
        [
            ForgetAgents(("dead 0", "dead 1", "dead 2")),
            AnnounceRollout(rollout(3, 1, refused={2: "broken."})),
        ],
    ),
    "agents that died with an earlier rollout do not count": (
        replace(ANNOUNCED, agents=agents(agent(1), dead=[DYING, DYING, AgentStatus(loading=1)])),
        [ForgetAgents(("dead 2",))],
    ),
    "agents that died before the promotion are forgotten after it": (
        replace(
            ANNOUNCED,
            rollouts=Rollouts(served=rollout(2, 1, 2), next=rollout(2, 1, 2)),
            agents=agents(agent(2), dead=[DYING]),
        ),
        [ForgetAgents(("dead 0",))],
    ),
    # Another leader takes over.
    "leader that took over without a listing does nothing": (replace(IDLE, listing=None), []),
    "leader that took over keeps the default": (
        replace(IDLE, listing=None, rollouts=Rollouts(served=BY_NUMBER, next=BY_NUMBER)),
        [],
    ),
    "leader that took over keeps what was refused": (
        replace(
            IDLE,
            listing=None,
            rollouts=Rollouts(
                served=rollout(2, 1, refused={2: "broken."}),
                next=rollout(2, 1, refused={2: "broken."}),
            ),
        ),
        [],
    ),
    "leader that took over promotes what was announced": (
        replace(
            ANNOUNCED, listing=None, agents=agents(agent(2, serving=1), agent(2, serving=1))
        ),
        [PromoteRollout(rollout(2, 1, 2), at_once=False)],
    ),
    # The models folder is lost.
    "emptied folder is not obeyed": (replace(IDLE, listing=listing()), [KeepServing(EMPTY)]),
    "unreadable folder is not obeyed": (
        replace(IDLE, listing=Listing(folder=FOLDER, error=UNREADABLE)),
        [KeepServing(UNREADABLE)],
    ),
    "lost folder keeps the default": (
        replace(
            IDLE,
            listing=listing(),
            tried=versions(1, 2),
            desired=desired(labels={"old": 1}),
            rollouts=Rollouts(served=BY_NUMBER, next=BY_NUMBER),
        ),
        [
            KeepServing(EMPTY),
            AnnounceRollout(
                rollout(3, 1, 2, default=1, by_number=(2,), revision=1, labels={"old": 1})
            ),
        ],
    ),
    "lost folder lets labels change": (
        replace(IDLE, listing=listing(), desired=desired(labels={"old": 1})),
        [
            KeepServing(EMPTY),
            AnnounceRollout(rollout(2, 1, revision=1, labels={"old": 1})),
        ],
    ),
    "lost folder lets a rollout go on": (
        replace(
            ANNOUNCED, listing=listing(), agents=agents(agent(2, serving=1), agent(2, serving=1))
        ),
        [KeepServing(EMPTY), PromoteRollout(rollout(2, 1, 2), at_once=False)],
    ),
    "empty folder is obeyed where nothing was served": (
        replace(
            IDLE,
            listing=listing(),
            tried=frozenset(),
            rollouts=Rollouts(served=Rollout(number=1), next=Rollout(number=1)),
        ),
        [],
    ),
    # Operators change something.
    "unloaded model is served no more": (
        replace(IDLE, desired=desired(loaded=False)),
        [
            AnnounceRollout(
                Rollout(number=2, revision=1, models={"rooms": ServedModel(loaded=False)})
            )
        ],
    ),
    "model that is loaded again is tried": (
        replace(
            IDLE,
            tried=frozenset(),
            desired=DesiredState(revision=2),
            rollouts=Rollouts(
                served=rollout(2, revision=1, loaded=False),
                next=rollout(2, revision=1, loaded=False),
            ),
        ),
        [
            TryVersions((("rooms", 1),)),
            AnnounceRollout(
                msgspec.structs.replace(
                    rollout(3, revision=2, loaded=False), trying=(("rooms", 1),)
                )
            ),
        ],
    ),
    "change without an effect is announced with its revision": (
        replace(IDLE, desired=DesiredState(revision=1)),
        [AnnounceRollout(rollout(2, 1, revision=1))],
    ),
    "stable version that is missing gives way to the one before": (
        replace(
            IDLE,
            listing=listing(1, 3),
            tried=versions(1, 3),
            desired=desired(labels={"stable": 2}),
        ),
        [
            AnnounceRollout(
                rollout(2, 1, 3, revision=1, default=1, labels={"stable": 1})
            )
        ],
    ),
    "stable version without one before it leaves the newest": (
        replace(
            IDLE, listing=listing(3), tried=versions(1, 3), desired=desired(labels={"stable": 2})
        ),
        [AnnounceRollout(rollout(2, 3, revision=1))],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("snapshot", "actions"), CASES.values(), ids=CASES.keys())
def test_snapshot_leads_to_actions(snapshot: Snapshot, actions: list[Action]) -> None:
    assert reconcile(snapshot) == actions


def test_service_policy_holds_for_a_model_without_its_own() -> None:
    snapshot = replace(IDLE, policy="latest:1", listing=listing(1, 2, 3), tried=versions(1, 2, 3))

    (announced,) = reconcile(snapshot)

    assert announced == AnnounceRollout(rollout(2, 3, policy="latest:1"))
