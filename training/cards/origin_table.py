"""How a version was made."""

from collections.abc import Mapping

from training.cards.markdown import table
from vitrine.bundle import Origin


def origin_table(origin: Origin) -> str:
    """Return a table of command, seed, data, split, libraries, commit and time."""
    rows: list[tuple[str, object]] = [
        ("command", f"`{origin.command}`"),
        ("seed", origin.seed),
        ("data", f"{origin.data}, SHA-256 `{origin.data_sha256}`"),
        ("split", _listed({part: f"{count:,}" for part, count in origin.split.items()})),
        ("libraries", _listed(origin.libraries)),
        ("commit", origin.commit or "not under version control"),
        ("wall time", f"{origin.wall_seconds:,.0f} s"),
        ("published", origin.created),
    ]
    return table(["", ""], rows)


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "not known"
