"""The observed state: what the agents report."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from service.rollout.served import ModelVersion
from vitrine.json_types import read_from_json


@read_from_json
class AgentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far an agent has come.

    Attributes:
        loaded: Number of the last rollout whose versions the agent has loaded, but for those that
            it refused.
        serving: Number of the rollout that the agent serves; 0 before the first one.
        loading: Number of the rollout that the agent is loading now; 0 while it loads nothing.
        refused: Versions of the rollout `loaded` that the agent could not load, by name and
            version, with the reason.
    """

    loaded: int = 0
    serving: int = 0
    loading: int = 0
    refused: dict[str, dict[int, str]] = {}

    @property
    def is_required(self) -> bool:
        """Whether a rollout waits for the agent.

        An agent that starts and cannot load what the others serve answers nobody: the others go on
        without it.
        """
        return bool(self.serving) or not self.refused

    def refusals(self) -> dict[ModelVersion, str]:
        """Return the refused versions with the reason."""
        return {
            (name, version): reason
            for name, versions in self.refused.items()
            for version, reason in versions.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """All agents of one server.

    Attributes:
        living: Status of every agent whose process lives.
        dead: Last status of every agent whose process ended and that is not forgotten yet, by the
            agent's name.
    """

    living: tuple[AgentStatus, ...] = ()
    dead: Mapping[str, AgentStatus] = field(default_factory=dict)
