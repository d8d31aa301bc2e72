"""Markdown: tables and images."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(inline(cell) for cell in line) + " |" for line in lines)


def inline(value: object) -> str:
    """Return a text that ends neither its cell of a table nor its line."""
    return str(value).replace("|", "\\|").replace("\n", " ")


def image(name: str, text: str) -> str:
    """Return Markdown that shows one of the bundle's plots.

    Args:
        name: File name of the plot without its ending.
        text: Description of the plot for those who cannot see it.
    """
    return f"![{text}](plots/{name}.png)"
