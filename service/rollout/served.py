"""What every worker serves: how each model is served, and the rollout that brings it about."""

from dataclasses import dataclass
from typing import Any

import msgspec

from service.version_policy import Policy, write_policy
from vitrine.json_types import read_from_json

# Name of a model and number of its version.
ModelVersion = tuple[str, int]


class ServedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model as every worker serves it.

    Attributes:
        versions: Versions that are served, ascending; empty where the model is unloaded, or none of
            its versions can be served.
        default: Version that answers requests that name no version.
        by_number: Those of the versions that answer only requests that name them, as their
            manifests say; a label may still make one of them the default.
        labels: Version by label.
        canary_share: Share of the default version's requests that the canary answers.
        shadow: Version that is compared with the version that answered.
        refused: Versions that cannot be served, with the reason.
        loaded: Whether operators want the model served.
        policy: Policy by which the versions were chosen.
        lost: Whether the model was served, and none of its versions can be served any more.
    """

    versions: tuple[int, ...] = ()
    default: int | None = None
    by_number: tuple[int, ...] = ()
    labels: dict[str, int] = {}
    canary_share: float = 0.0
    shadow: int | None = None
    refused: dict[int, str] = {}
    loaded: bool = True
    policy: Policy = "all"
    lost: bool = False


@read_from_json
class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """What every worker is to serve.

    Attributes:
        number: Number that rises with every rollout.
        revision: Revision of the desired state that the rollout fulfils.
        models: Served models by name.
        trying: Versions whose trials go on; until they end, their models stay as they are.
        at: Moment at which all workers swap, by the monotonic clock of this machine.
    """

    number: int = 0
    revision: int = 0
    models: dict[str, ServedModel] = {}
    trying: tuple[ModelVersion, ...] = ()
    at: float = 0.0

    def versions(self) -> set[ModelVersion]:
        """Return every version that is served."""
        return {
            (name, version) for name, model in self.models.items() for version in model.versions
        }

    def by_number(self) -> frozenset[ModelVersion]:
        """Return every served version that answers only requests that name it."""
        return frozenset(
            (name, version) for name, model in self.models.items() for version in model.by_number
        )

    def refused(self) -> dict[ModelVersion, str]:
        """Return every version that is refused, with the reason."""
        return {
            (name, version): reason
            for name, model in self.models.items()
            for version, reason in model.refused.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollouts:
    """The rollouts that the workers share.

    Attributes:
        served: Rollout that is served; None before the first one.
        next: Rollout that the agents are to load, or loaded last; None before the first one.
    """

    served: Rollout | None = None
    next: Rollout | None = None


def describe_serving(model: ServedModel) -> dict[str, Any]:
    """Return how a model is served as the members of a JSON object."""
    return {
        "loaded": model.loaded,
        "default": model.default,
        "by_number": model.by_number,
        "policy": write_policy(model.policy),
        "labels": model.labels,
        "canary_share": model.canary_share,
        "shadow": model.shadow,
        "refused": {str(version): reason for version, reason in model.refused.items()},
    }
