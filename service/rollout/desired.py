"""The desired state: what operators want of each model."""

import re
import secrets
from collections.abc import Callable

import msgspec

from service.version_policy import Policy
from vitrine.json_types import read_from_json

LABEL_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
STABLE = "stable"
CANARY = "canary"

# Names of earlier changes that a shared desired state keeps, to tell who has overwritten whom.
_MOST_HISTORY = 100


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
class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted of all servers over one model store, which keeps it.

    Attributes:
        revision: Number that rises with every change; 0 while nobody has changed anything.
        change: Name of the last change, which no other change has.
        history: Names of the changes before it, the latest last.
        models: Desired models by name.
        asked: Revision of the last change of each model, by name.
    """

    revision: int = 0
    change: str = ""
    history: tuple[str, ...] = ()
    models: dict[str, DesiredModel] = {}
    asked: dict[str, int] = {}

    def is_newer(self, other: "Shared | None") -> bool:
        """Tell whether this is to be obeyed after the other one.

        Of two changes at once, which have the same revision, the one that the store kept is.
        """
        if other is None or self.revision != other.revision:
            return other is None or self.revision > other.revision
        return self.change != other.change

    def knows(self, other: "Shared") -> bool:
        """Tell whether whoever made this had read the other one, as far as the history goes."""
        is_long_ago = self.revision - other.revision > len(self.history)
        return is_long_ago or other.change in {"", self.change, *self.history}

    def changed(self, change: "Callable[[DesiredState], DesiredState]") -> "Shared":
        """Return what comes after a change."""
        after = change(DesiredState(revision=self.revision, models=self.models, asked=self.asked))
        return Shared(
            revision=self.revision + 1,
            change=secrets.token_hex(8),
            history=(*self.history, self.change)[-_MOST_HISTORY:] if self.change else (),
            models=after.models,
            asked=after.asked,
        )


@read_from_json
class DesiredState(msgspec.Struct, frozen=True, kw_only=True):
    """What operators want of all models.

    Attributes:
        revision: Number that rises with every change.
        models: Desired models by name; the service's policy holds for a model that is not here.
        asked: Revision of the last change of each model, by name. Whoever asks for a model wants
            its refused versions tried again.
        shared: What the state was read from in the model store; None where this server keeps its
            own. Its revisions are other numbers: those of this server rise also where two servers
            have changed the same revision.
    """

    revision: int = 0
    models: dict[str, DesiredModel] = {}
    asked: dict[str, int] = {}
    shared: Shared | None = None

    def edited(self, name: str, edit: Edit) -> "DesiredState":
        """Return the state with one model changed."""
        models = {**self.models, name: edit(self.models.get(name, DesiredModel()))}
        if models[name] == DesiredModel():
            del models[name]
        asked = {**self.asked, name: self.revision + 1}
        return msgspec.structs.replace(self, models=models, asked=asked)

    def adopting(self, shared: Shared) -> "DesiredState":
        """Return the state that follows the shared one; the same state where it does so already."""
        if not shared.revision or not shared.is_newer(self.shared):
            return self
        known = {} if self.shared is None else self.shared.asked
        next_revision = self.revision + 1
        asked = {
            name: self.asked.get(name, 0) if known.get(name) == revision else next_revision
            for name, revision in shared.asked.items()
        }
        return DesiredState(
            revision=next_revision, models=shared.models, asked=asked, shared=shared
        )
