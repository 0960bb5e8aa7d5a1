"""What must not be shown: passwords in the addresses of databases."""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["masked", "secrets_of"]

_USER_INFO = re.compile(r"([A-Za-z][\w+.-]*:/{1,2})(\S*)@")
_SETTING = re.compile(r"([?&][^=&\s]*(?:pass|secret|token|key)[^=&\s]*=)([^&\s'\"]*)", re.IGNORECASE)
HIDDEN = "***"


def masked(text: str) -> str:
    """Return `text` with all that stands before the @ of an address, and every password in its settings, hidden.

    Examples
    --------
    >>> masked("postgresql://ann:s3cret@db/people?sslpassword=x")
    'postgresql://***@db/people?sslpassword=***'
    """
    settings = _SETTING.sub(rf"\1{HIDDEN}", text)  # first: an @ in a password there ends no user's name
    return _USER_INFO.sub(rf"\1{HIDDEN}@", settings)


def secrets_of(address: str) -> tuple[str, ...]:
    """Return every text that could be a password in an address, or a piece of one, the longest first.

    A password with an @ or a slash that nobody escaped is cut in the wrong place by whoever reads the address, so its
    pieces count too.
    """
    told = [match[2] for match in _SETTING.finditer(address)]
    found = _USER_INFO.search(address)
    if found is not None and ":" in found[2]:
        password = found[2].partition(":")[2]
        told += [password, *re.split(r"[/@:?#]", password)]
    both = {form for text in told for form in (text, unquote(text)) if form}
    return tuple(sorted(both, key=len, reverse=True))
