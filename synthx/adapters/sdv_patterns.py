"""The patterns of our identifiers as regular expressions, which is how SDV writes them, and back."""

from __future__ import annotations

import re

__all__ = ["read_regex", "write_regex"]

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_CLASSES = {"#": "[0-9]", "?": "[A-Z]", "^": "[a-z]", "~": "[0-9a-f]"}
_SYMBOLS = {letters: symbol for symbol, letters in _CLASSES.items()} | {r"\d": "#", "[a-f0-9]": "~"}
_TOKEN = re.compile(
    r"(?P<letters>\\d|\[[^\]]+\])(?:\{(?P<times>\d+)\})?|\\(?P<escaped>\W)|(?P<literal>[^\\\[\](){}.*+?|^$])"
)


def read_regex(regex: str) -> str:
    """Return the pattern for a regular expression of fixed width; ``sequence`` for any other."""
    if regex == _UUID:
        return "uuid4"
    pattern, place = "", 0
    while place < len(regex):
        token = _TOKEN.match(regex, place)
        if token is None:
            return "sequence"
        place = token.end()
        letters, literal = token["letters"], token["escaped"] or token["literal"]
        symbol = _SYMBOLS.get(letters) if letters else None
        if (letters and symbol is None) or (literal and literal in _CLASSES):
            return "sequence"
        pattern += (symbol or literal) * int(token["times"] or 1)
    return pattern


def write_regex(pattern: str | None) -> str | None:
    """Return the regular expression of a pattern; None for a sequence."""
    if pattern is None or pattern == "sequence":
        return None
    if pattern == "uuid4":
        return _UUID
    runs = re.finditer(r"(.)\1*", pattern)
    return "".join(f"{_CLASSES[run[1]]}{{{len(run[0])}}}" if run[1] in _CLASSES else re.escape(run[0]) for run in runs)
