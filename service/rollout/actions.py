"""What the controller can do: each action is one step from the observed to the desired state."""

from dataclasses import dataclass

from service.rollout.served import ModelVersion, Rollout


@dataclass(frozen=True, slots=True)
class TryVersions:
    """Load versions in the controller's own worker, before any other worker is asked to.

    Attributes:
        versions: Every version of the rollout that would come next.
        attempts: Number of controllers that have tried just these versions in a row.
    """

    versions: tuple[ModelVersion, ...]
    attempts: int


@dataclass(frozen=True, slots=True)
class ForgetTrial:
    """Delete the trial of a controller that ended: its versions are not tried now."""


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
    | ForgetTrial
    | RefuseVersion
    | AnnounceRollout
    | PromoteRollout
    | KeepServing
    | ForgetAgents
    | RefuseStart
)
