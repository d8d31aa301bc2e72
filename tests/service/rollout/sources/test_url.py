"""A URL names a source, or nothing."""

import pytest

from service.rollout.sources.source import SourceUnreachable
from service.rollout.sources.url import is_remote, open_mirror


@pytest.mark.parametrize(
    ("models", "remote"),
    [
        ("s3://bucket/models", True),
        ("https://host/models", True),
        ("http://host/models", True),
        ("models", False),
        ("/s3/https", False),
        ("file:///models", False),
        ("http", False),
    ],
)
def test_url_of_a_source_is_told_from_a_folder_by_its_scheme(models: str, remote: bool) -> None:
    assert is_remote(models) is remote


@pytest.mark.parametrize("url", ["ftp://host/x", "https://", "https://host/x?token=secret", "s3:"])
def test_impossible_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SourceUnreachable, match=r"must be s3://") as caught:
        open_mirror(url, timeout_seconds=1)
    assert "secret" not in str(caught.value)
