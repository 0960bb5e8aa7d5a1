"""Which columns stay, where one column could be derived from another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from synthx.codec.structure.evidence import Evidence

__all__ = ["choose"]

R = TypeVar("R")


def choose(
    evidence: Evidence,
    edges: set[tuple[str, str]],
    confirm: Callable[[str, str], R | None],
    *,
    leader: Callable[[str], Any] | None = None,
    source: Callable[[str], Any] | None = None,
) -> list[R]:
    """Return confirmed rules, at most one a column, whose sources are not derived by another of them.

    Columns are visited so that those that must be modelled come first, then those that fewer others determine: ZIP code
    before city before state. A column that a visited and kept column determines is derived, any other is kept.

    Parameters
    ----------
    evidence : Evidence
        The training rows.
    edges : set of (source, column)
        Candidate rules.
    confirm : callable
        Returns the rule for a source and a column, or None where it does not hold in all rows.
    leader : callable, optional
        Sort key: which of several columns that determine each other stays; else the first in the table.
    source : callable, optional
        Sort key: which of several sources a column is derived from; else the first in the table.
    """
    leader = leader or evidence.rank.__getitem__
    source = source or evidence.rank.__getitem__
    names = sorted({name for edge in edges for name in edge}, key=evidence.rank.__getitem__)
    determining = dict.fromkeys(names, 0)
    for first, second in edges:
        determining[second] += (second, first) not in edges
    kept: list[str] = []
    rules: list[R] = []
    for name in sorted(names, key=lambda name: (not evidence.is_locked(name), determining[name], leader(name))):
        sources: Sequence[str] = () if evidence.is_locked(name) else sorted(kept, key=source)
        candidates = (confirm(other, name) for other in sources if (other, name) in edges)
        rule = next((rule for rule in candidates if rule is not None), None)
        if rule is None:
            kept.append(name)
        else:
            rules.append(rule)
    return rules
