"""A change of what is desired of one model, as a JSON merge patch (RFC 7396)."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.errors import InvalidDesiredState
from service.rollout.desired import CANARY, LABEL_PATTERN, DesiredModel
from service.version_policy import POLICY_PATTERN, parse_policy
from vitrine.errors import Fault, MalformedBody, nearest, shown
from vitrine.json_types import read_from_json

PolicyText = Annotated[str, Meta(pattern=rf"\A(?:{POLICY_PATTERN.pattern})\Z")]
Label = Annotated[str, Meta(pattern=rf"\A(?:{LABEL_PATTERN.pattern})\Z")]
# No number in a path is longer.
VersionNumber = Annotated[int, Meta(ge=1, lt=10**18)]
Share = Annotated[float, Meta(ge=0, le=1)]

_MAX_POINTER_CHARACTERS = 40
_LABEL_RULE = "has a label that must be at most 64 letters, digits, '_', '-' or '.'"
_VERSION_RULE = "must be a version's number or null"
_RULES = {
    "policy": "must be 'all', 'latest:N', version numbers such as '1,3', or null",
    "labels": "must be an object of labels and versions, or null",
    "canary_share": "must be a number from 0 to 1, or null",
    "shadow": _VERSION_RULE,
}


@read_from_json
class ModelPatch(msgspec.Struct, frozen=True, kw_only=True):
    """The members that are to change; None resets a member, and one that is unset stays.

    Attributes:
        policy: Version policy, as it is written in a setting.
        labels: Versions of the labels that are to change; None for a version takes its label away.
        canary_share: Share of the requests that the canary answers, from 0 to 1.
        shadow: Version to compare with the version that answers.
    """

    policy: PolicyText | UnsetType | None = UNSET
    labels: dict[Label, VersionNumber | None] | UnsetType | None = UNSET
    canary_share: Share | UnsetType | None = UNSET
    shadow: VersionNumber | UnsetType | None = UNSET

    def apply(self, model: DesiredModel) -> DesiredModel:
        """Return what is desired of a model after the change.

        Raises:
            InvalidDesiredState: A canary would get a share, but no version is labelled so.
        """
        changes = {
            name: change
            for name, change in (
                (
                    "policy",
                    parse_policy(self.policy) if isinstance(self.policy, str) else self.policy,
                ),
                ("labels", self._merged(model.labels)),
                ("canary_share", 0.0 if self.canary_share is None else self.canary_share),
                ("shadow", self.shadow),
            )
            if change is not UNSET
        }
        changed = msgspec.structs.replace(model, **changes)
        if changed.canary_share and CANARY not in changed.labels:
            rule = f"must be 0 where no version has the label {CANARY!r}"
            raise InvalidDesiredState([_fault("canary_share", rule, changed.canary_share)])
        return changed

    def _merged(self, labels: dict[str, int]) -> dict[str, int] | UnsetType:
        if self.labels is UNSET:
            return UNSET
        merged = {} if self.labels is None else {**labels, **self.labels}
        return {label: version for label, version in merged.items() if version is not None}


_TYPES = {field.name: field.type for field in msgspec.structs.fields(ModelPatch)}


def read_patch(body: bytes) -> ModelPatch:
    """Read a merge patch, and report all of its faults at once.

    Raises:
        MalformedBody: The body is no JSON object.
        InvalidDesiredState: A member is unknown, or has a value out of its range.
    """
    try:
        members = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise MalformedBody(f"The body must be a JSON object of {', '.join(_TYPES)}.") from None
    # Member by member, because msgspec stops at the first fault.
    faults = [fault for name, value in members.items() for fault in _faults(name, value)]
    if faults:
        raise InvalidDesiredState(faults)
    return msgspec.convert(members, ModelPatch)


def _faults(name: str, value: object) -> Iterator[Fault]:
    if name not in _TYPES:
        detail = f"{shown(name)} is not known.{nearest(name, _TYPES)}"
        yield Fault(detail=detail, pointer=f"#/{name[:_MAX_POINTER_CHARACTERS]}")
    elif name == "labels" and isinstance(value, dict):
        yield from _label_faults(value)
    elif not _fits(value, _TYPES[name]):
        yield _fault(name, _RULES[name], value)


def _label_faults(labels: dict[str, object]) -> Iterator[Fault]:
    for label, version in labels.items():
        if not _fits(label, Label):
            yield _fault("labels", _LABEL_RULE, label)
        elif not _fits(version, VersionNumber | None):
            yield _fault(f"labels/{label}", _VERSION_RULE, version)


def _fits(value: object, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _fault(path: str, rule: str, value: object) -> Fault:
    return Fault(detail=f"{path} {rule}. Received: {shown(value)}.", pointer=f"#/{path}")
