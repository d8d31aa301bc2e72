"""Which versions of a model are served: a version policy, read and written."""

import re

from vitrine.errors import shown

# "all", "latest:2", or the numbers of the versions themselves.
Policy = str | tuple[int, ...]

_NUMBERS = r"[1-9][0-9]{0,17}(?:,[1-9][0-9]{0,17})*"
POLICY_PATTERN = re.compile(rf"all|latest:[1-9][0-9]{{0,5}}|{_NUMBERS}")


class InvalidPolicy(ValueError):
    """The text is no version policy; the message says what one may be."""


def parse_policy(text: str) -> Policy:
    """Read a policy as it is written in a setting.

    Raises:
        InvalidPolicy: The text is neither "all" nor "latest:N" nor version numbers between commas.
    """
    if not POLICY_PATTERN.fullmatch(text):
        raise InvalidPolicy(
            f"must be 'all', 'latest:N' or version numbers such as '1,3'. Received: {shown(text)}."
        )
    if not text[0].isdigit():
        return text
    return tuple(sorted({int(number) for number in text.split(",")}))


def write_policy(policy: Policy) -> str:
    """Write a policy as it is read."""
    return policy if isinstance(policy, str) else ",".join(map(str, policy))
