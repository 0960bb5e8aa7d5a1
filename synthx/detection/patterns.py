"""Regular expressions over many distinct texts: tried on a sample, confirmed on all."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["match_share", "matches_all", "most_decimals", "sample"]

_SAMPLE = 500


def sample(distinct: np.ndarray[Any, Any], most: int = _SAMPLE) -> np.ndarray[Any, Any]:
    """Return at most `most` values, spread evenly over the column."""
    if len(distinct) <= most:
        return distinct
    return distinct[np.linspace(0, len(distinct) - 1, most).astype(np.intp)]


def match_share(distinct: np.ndarray[Any, Any], pattern: str, *, least: float = 0.0) -> float:
    """Return the share of texts that match `pattern` from end to end (RE2 syntax).

    Where the share in a sample is clearly below `least`, that share is returned and the rest is not looked at.
    """
    if len(distinct) == 0:
        return 0.0
    share = _share(sample(distinct), pattern)
    if len(distinct) <= _SAMPLE or share < least - 0.1:
        return share
    return _share(distinct, pattern)


def matches_all(distinct: np.ndarray[Any, Any], pattern: str) -> bool:
    """Whether every text matches `pattern` from end to end; False if there is no text."""
    return len(distinct) > 0 and _share(sample(distinct), pattern) == 1.0 and _share(distinct, pattern) == 1.0


def most_decimals(numbers: np.ndarray[Any, Any]) -> int:
    """Return the most digits after the point that plain numbers in text show.

    >>> most_decimals(np.array(["12.50", "3"], dtype=object))
    2
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(pa.array(numbers, type=pa.large_string()))
    lengths, points = np.asarray(pc.utf8_length(texts)), np.asarray(pc.find_substring(texts, "."))
    return int(np.where(points < 0, 0, lengths - points - 1).max())


def _share(texts: np.ndarray[Any, Any], pattern: str) -> float:
    import pyarrow as pa
    import pyarrow.compute as pc

    matched = pc.match_substring_regex(pa.array(texts, type=pa.large_string()), f"^(?:{pattern})$")
    return float(np.asarray(matched).mean())
