"""Reads and fills the templates of the cards, the `*.md` files beside this one."""

import re
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent


def fill(template: str, **values: str) -> str:
    """Return a template with values in the place of its names.

    Args:
        template: Name of the file, without its ending.
        **values: A text for every name in the template, and no other.

    Raises:
        KeyError: A name in the template has no value.
        TypeError: A value has no name in the template.
    """
    text = Template((_FOLDER / f"{template}.md").read_text(encoding="utf-8").rstrip("\n"))
    unknown = values.keys() - set(text.get_identifiers())
    if unknown:
        raise TypeError(f"{template}.md has no name for {', '.join(sorted(unknown))}")
    # A value that is empty leaves a space at the end of its line.
    return re.sub(r" +$", "", text.substitute(values), flags=re.MULTILINE)
