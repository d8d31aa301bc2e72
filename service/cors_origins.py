"""Which web pages may read the answers of the service, as a setting names them."""

import re

from vitrine.errors import shown

# Every origin. No other origin contains this character.
ANY_ORIGIN = "*"

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/*?#]+|null")


class InvalidOrigins(ValueError):
    """The text lists no origins; the message says what it may be."""


def parse_origins(text: str) -> str:
    """Read origins between commas, such as "https://example.org", or "*" for every origin.

    Returns:
        The same list, without spaces and in lower case, as browsers name origins.

    Raises:
        InvalidOrigins: One is no origin: it has no scheme, or a path.
    """
    origins = [origin.strip() for origin in text.lower().split(",")] if text.strip() else []
    for origin in origins:
        if not _ORIGIN.fullmatch(origin) and origins != [ANY_ORIGIN]:
            raise InvalidOrigins(
                "must be '*', or origins such as 'https://example.org' between commas, without a "
                f"path or a slash at the end. Received: {shown(origin)}."
            )
    return ",".join(origins)
