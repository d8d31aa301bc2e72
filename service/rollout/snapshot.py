"""Everything that the controller knows at one moment, in which it decides what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from service.rollout.desired import DesiredState
from service.rollout.observed import Agents
from service.rollout.served import ModelVersion, Rollout, Rollouts
from service.version_policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The versions in the model store.

    Attributes:
        folder: Folder that was listed.
        versions: Versions that have a manifest, by name.
        by_number: Those of them that answer only requests that name them.
        error: Why the folder cannot be read, in one sentence; None where it was read.
    """

    folder: Path
    versions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    by_number: frozenset[ModelVersion] = frozenset()
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Desired state and observed state, taken once a tick.

    It holds no time: only the moment of a swap depends on the clock, and a moment that was taken
    before a slow listing would leave the agents too little time.

    Attributes:
        policy: Policy of a model that has none of its own.
        desired: What operators want.
        listing: Last listing of the model store; None while a controller that took over from
            another one has no reason to list it.
        fetch_failures: Why versions of a remote source are not in the store, by name and version.
        refused: Versions that cannot be served, with the reason.
        tried: Versions that have passed their trial.
        trying: Versions whose trials go on.
        rollouts: Rollout that is served, and the next one.
        agents: What the agents report.
    """

    policy: Policy
    desired: DesiredState
    listing: Listing | None = None
    fetch_failures: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    refused: Mapping[ModelVersion, str] = field(default_factory=dict)
    tried: frozenset[ModelVersion] = frozenset()
    trying: frozenset[ModelVersion] = frozenset()
    rollouts: Rollouts = Rollouts()
    agents: Agents = Agents()

    def served_versions(self) -> set[ModelVersion]:
        """Return the versions that are served now."""
        served = self.rollouts.served
        return set() if served is None else served.versions()

    def newest_rollout(self) -> Rollout:
        """Return the rollout that was announced last; one without a number before the first."""
        served, following = self.rollouts.served or Rollout(), self.rollouts.next or Rollout()
        # The next rollout may be lost, with the file that it was in.
        return max(served, following, key=lambda rollout: rollout.number)

    def passed(self) -> set[ModelVersion]:
        """Return the versions that workers may load: they passed their trial, or are announced."""
        return {*self.tried, *self.served_versions(), *self.newest_rollout().versions()}

    def with_refused(self, refused: Mapping[ModelVersion, str]) -> "Snapshot":
        """Return the snapshot with more versions refused."""
        return replace(self, refused={**self.refused, **refused})
