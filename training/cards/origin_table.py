"""How a version was made."""

from collections.abc import Mapping

from training.cards.markdown import table
from vitrine.bundle import Origin


def origin_table(origin: Origin) -> str:
    """Return a table of command, seed, data, split, libraries, commit and time.

    An import has no split. It has no seed either, and its data is the saved network.
    """
    split = {part: f"{count:,}" for part, count in origin.split.items()}
    trained = [("seed", origin.seed), ("split", _listed(split))] if split else []
    rows: list[tuple[str, object]] = [
        ("command", f"`{origin.command}`"),
        ("data" if split else "saved network", f"{origin.data}, SHA-256 `{origin.data_sha256}`"),
        *trained,
        ("libraries", _listed(origin.libraries)),
        ("commit", origin.commit or "not under version control"),
        ("wall time", f"{origin.wall_seconds:,.0f} s"),
        ("published", origin.created),
    ]
    return table(["", ""], rows)


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "not known"
