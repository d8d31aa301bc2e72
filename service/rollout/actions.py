"""What the controller can do: each action is one step from the observed to the desired state."""

from dataclasses import dataclass

from service.rollout.served import ModelVersion, Rollout


@dataclass(frozen=True, slots=True)
class TryVersions:
    """Begin to try versions, each in a process of its own, before any worker loads them.

    Attributes:
        versions: One version of each model.
    """

    versions: tuple[ModelVersion, ...]


@dataclass(frozen=True, slots=True)
class RefuseVersion:
    """Serve a version no more until its files change or an operator asks for it."""

    version: ModelVersion
    reason: str


@dataclass(frozen=True, slots=True)
class AnnounceRollout:
    """Ask every agent to load the next rollout."""

    rollout: Rollout


@dataclass(frozen=True, slots=True)
class PromoteRollout:
    """Ask every agent to serve the next rollout, which all have loaded.

    Attributes:
        rollout: Rollout to serve.
        at_once: Whether the agents need no common moment, because nothing is served yet.
    """

    rollout: Rollout
    at_once: bool


@dataclass(frozen=True, slots=True)
class KeepServing:
    """Say why the model store is not obeyed: it is lost, and what is served stays."""

    reason: str


@dataclass(frozen=True, slots=True)
class ForgetAgents:
    """Delete what agents reported whose processes ended."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefuseStart:
    """End the start of the server: it has nothing to serve, and whoever starts it reads why."""

    reason: str


Action = (
    TryVersions
    | RefuseVersion
    | AnnounceRollout
    | PromoteRollout
    | KeepServing
    | ForgetAgents
    | RefuseStart
)
