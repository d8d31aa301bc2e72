"""Servers on hosts of their own over one S3 server: what they serve when it changes, and fails."""

from pathlib import Path

from tests.fleet import fleet, lead_through


def test_servers_over_one_store_serve_what_is_wanted_also_while_it_fails(tmp_path: Path) -> None:
    with fleet(tmp_path, kind="s3", servers=2) as (store, members):
        report = lead_through(store, members, failure_seconds=0)

    assert [outcomes.wrong for outcomes in report.outcomes] == [[], []]
    assert [outcomes.broken for outcomes in report.outcomes] == [[], []]
    assert all(outcomes.answered[1] and outcomes.answered[2] for outcomes in report.outcomes)
    assert report.refusal.startswith("s3://fleet/store/models/desired.json cannot be read: ")
