"""The desired state: what operators want of each model."""

import re
from collections.abc import Callable

import msgspec

from service.version_policy import Policy
from vitrine.json_types import read_from_json

LABEL_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
STABLE = "stable"
CANARY = "canary"


class DesiredModel(msgspec.Struct, frozen=True, kw_only=True):
    """What operators want of one model.

    Attributes:
        loaded: Whether the model is to be served at all.
        policy: Which versions are served; None for the service's own policy.
        labels: Version by label. The version labelled `stable` answers requests that name no
            version; a labelled version is served whatever the policy.
        canary_share: Share, from 0 to 1, of the requests that name no version which the version
            labelled `canary` answers.
        shadow: Version that answers nobody and is compared with the version that answered.
    """

    loaded: bool = True
    policy: Policy | None = None
    labels: dict[str, int] = {}
    canary_share: float = 0.0
    shadow: int | None = None

    @property
    def named(self) -> set[int]:
        """The versions that are named one by one."""
        numbers = set(self.labels.values())
        if self.shadow is not None:
            numbers.add(self.shadow)
        if isinstance(self.policy, tuple):
            numbers.update(self.policy)
        return numbers


# Changes what is desired of one model.
Edit = Callable[[DesiredModel], DesiredModel]


@read_from_json
class DesiredState(msgspec.Struct, frozen=True, kw_only=True):
    """What operators want of all models.

    Attributes:
        revision: Number that rises with every change.
        models: Desired models by name; the service's policy holds for a model that is not here.
        asked: Revision of the last change of each model, by name. Whoever asks for a model wants
            its refused versions tried again.
    """

    revision: int = 0
    models: dict[str, DesiredModel] = {}
    asked: dict[str, int] = {}

    def edited(self, name: str, edit: Edit) -> "DesiredState":
        """Return the state with one model changed."""
        models = {**self.models, name: edit(self.models.get(name, DesiredModel()))}
        if models[name] == DesiredModel():
            del models[name]
        asked = {**self.asked, name: self.revision + 1}
        return msgspec.structs.replace(self, models=models, asked=asked)
