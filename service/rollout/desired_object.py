"""The object in a model store that says what all servers over it are to serve.

It is JSON, with the words of a model's merge patch:

    {"format": 1, "revision": 7, "change": "5d1e...", "history": ["90ab..."],
     "models": {"digits": {"labels": {"stable": 1}}}, "asked": {"digits": 7}}

Whoever can write to the store can write anything into it: every value is checked, and what breaks
a rule is not obeyed.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from service.rollout.desired import DesiredModel, Shared
from service.rollout.model_patch import Label, PolicyText, Share, VersionNumber
from service.version_policy import parse_policy, write_policy
from vitrine.bundle import NAME_PATTERN
from vitrine.json_types import read_from_json

NAME = "desired.json"
MAX_BYTES = 2**20
_FORMAT = 1

_Name = Annotated[str, Meta(pattern=rf"\A(?:{NAME_PATTERN.pattern})\Z")]
_Revision = Annotated[int, Meta(ge=0, lt=2**53)]
_Change = Annotated[str, Meta(max_length=64)]


class InvalidObject(Exception):
    """The object cannot be obeyed; the message says why, as the end of a sentence."""


class NewerFormat(InvalidObject):
    """A later release has written the object."""


class _Model(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    loaded: bool = True
    policy: PolicyText | None = None
    labels: dict[Label, VersionNumber] = {}
    canary_share: Share = 0.0
    shadow: VersionNumber | None = None


@read_from_json
class _Object(msgspec.Struct, frozen=True, kw_only=True):
    format: int = _FORMAT
    revision: _Revision
    change: _Change = ""
    history: tuple[_Change, ...] = ()
    models: dict[_Name, _Model] = {}
    asked: dict[_Name, _Revision] = {}


@read_from_json
class _Format(msgspec.Struct):
    format: int = _FORMAT


def read_object(body: bytes) -> Shared:
    """Read the object.

    Raises:
        InvalidObject: It is too large, damaged or of another format.
    """
    if len(body) > MAX_BYTES:
        raise InvalidObject(f"it has more than {MAX_BYTES} bytes")
    found = _decode(body, _Format).format
    if found > _FORMAT:
        raise NewerFormat(f"it has format {found}, and this release reads format {_FORMAT}")
    members = _decode(body, _Object)
    models = {name: _desired_model(model) for name, model in members.models.items()}
    return Shared(
        revision=members.revision,
        change=members.change,
        history=members.history,
        models=models,
        asked=members.asked,
    )


def _decode(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidObject(f"it is damaged: {error}") from None


def _desired_model(model: _Model) -> DesiredModel:
    return DesiredModel(
        loaded=model.loaded,
        policy=None if model.policy is None else parse_policy(model.policy),
        labels=model.labels,
        canary_share=model.canary_share,
        shadow=model.shadow,
    )


def write_object(shared: Shared) -> bytes:
    """Return the object as it is read."""
    models = {
        name: _Model(
            loaded=model.loaded,
            policy=None if model.policy is None else write_policy(model.policy),
            labels=model.labels,
            canary_share=model.canary_share,
            shadow=model.shadow,
        )
        for name, model in shared.models.items()
    }
    members = _Object(
        revision=shared.revision,
        change=shared.change,
        history=shared.history,
        models=models,
        asked=shared.asked,
    )
    return msgspec.json.format(msgspec.json.encode(members)) + b"\n"
