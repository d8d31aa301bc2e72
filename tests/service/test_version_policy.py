"""Version policies, read and written."""

import pytest

from service.version_policy import InvalidPolicy, Policy, parse_policy, write_policy


@pytest.mark.parametrize(
    ("text", "policy"), [("all", "all"), ("latest:3", "latest:3"), ("3,1,3", (1, 3))]
)
def test_policy_is_read(text: str, policy: Policy) -> None:
    assert parse_policy(text) == policy
    assert parse_policy(write_policy(policy)) == policy


@pytest.mark.parametrize("text", ["", "latest", "latest:0", "1;2", "0", "-1", "every"])
def test_meaningless_policy_is_refused(text: str) -> None:
    with pytest.raises(InvalidPolicy, match="must be 'all'"):
        parse_policy(text)
