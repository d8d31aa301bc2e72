"""Which of a model's versions are served: a version policy, read and written."""

import re

from vitrine.errors import shown

# Version policies: "latest:2", "all", or the numbers of the versions themselves.
Policy = str | tuple[int, ...]


class InvalidPolicy(ValueError):
    """A version policy that means nothing; the message says what one may be."""


def parse_policy(text: str) -> Policy:
    """Read a policy as it is written in a setting.

    Raises:
        InvalidPolicy: It is neither "all", "latest:N" nor version numbers with commas between.
    """
    if text == "all" or re.fullmatch(r"latest:[1-9][0-9]{0,5}", text):
        return text
    if re.fullmatch(r"[1-9][0-9]{0,17}(,[1-9][0-9]{0,17})*", text):
        return tuple(sorted({int(number) for number in text.split(",")}))
    raise InvalidPolicy(
        f"must be 'all', 'latest:N' or version numbers such as '1,3'. Received: {shown(text)}."
    )


def write_policy(policy: Policy) -> str:
    """Write a policy as it is read."""
    return policy if isinstance(policy, str) else ",".join(map(str, policy))
