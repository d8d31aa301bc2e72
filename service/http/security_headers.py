"""The headers by which an answer tells browsers and caches to be careful with it.

Every answer has them, those that Flask never sees included.

References:
    OWASP, REST Security Cheat Sheet, section "Security Headers".
"""

from collections.abc import Iterable

_Headers = list[tuple[str, str]]

_ALWAYS: _Headers = [
    # Predictions, errors and what is served now belong to who asked, and to this moment.
    ("Cache-Control", "no-store"),
    # An answer that a browser shows as a page may load nothing, run nothing and stand in no frame.
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    # No page of another origin may load an answer as a script, a picture or a style. What a page
    # may read by `fetch` is another question, which CORS decides.
    ("Cross-Origin-Resource-Policy", "same-origin"),
    # The address of an answer stays here, whatever link is followed.
    ("Referrer-Policy", "no-referrer"),
    # JSON is JSON, even if something in it looks like HTML.
    ("X-Content-Type-Options", "nosniff"),
    # As `frame-ancestors`, for old browsers.
    ("X-Frame-Options", "DENY"),
]
# A browser that was here once over TLS comes back over TLS alone, for a year.
_SECURE: _Headers = [*_ALWAYS, ("Strict-Transport-Security", "max-age=31536000")]


def security_headers(*, is_secure: bool) -> _Headers:
    """Return the headers of an answer that sets none of them itself.

    Args:
        is_secure: Whether the client asked over TLS.
    """
    return _SECURE if is_secure else _ALWAYS


def missing_headers(headers: Iterable[tuple[str, str]], *, is_secure: bool) -> _Headers:
    """Return those of the headers that an answer does not set itself.

    Args:
        headers: _Headers of the answer.
        is_secure: Whether the client asked over TLS.
    """
    present = {name.lower() for name, _ in headers}
    return [
        each for each in security_headers(is_secure=is_secure) if each[0].lower() not in present
    ]
