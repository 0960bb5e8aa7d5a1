"""Finding columns that never exceed others.

Of all pairs that obey ``low <= high`` in every row, most do so because one column simply lives in another range. A rule
is kept only if pairing the columns at random would break it, and if the gap between the two comes close to zero as
often as a hard limit makes it, rather than tailing off before it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthx.codec.cells import decimals_for
from synthx.codec.structure.evidence import MIN_ROWS, SAMPLE, Evidence
from synthx.codec.structure.rules import Order
from synthx.schema import Kind

__all__ = ["find_orders", "is_hard_limit", "reduce_orders"]

_LEAST_VIOLATIONS = 0.02
"""Share of random pairings that must break a rule for it to say something."""

_LARGEST_TAIL = 0.25
"""The gap's 1% quantile, as a share of its median, above which zero is not where the gap ends. It is .02 for a uniform
gap, .01 for an exponential one, and .29 for a Gaussian one whose zero lies at -3.3 standard deviations, which 2,000
rows would not show."""

_LARGEST_LEAST = 0.03
"""The least gap, as a share of the median: a limit is touched (or missed by one step, where it is strict)."""

Floats = NDArray[np.float64]


def find_orders(evidence: Evidence, names: list[str]) -> list[Order]:
    """Return the orders among the named columns, without those that follow from others."""
    rules: list[Order] = []
    for times in (False, True):
        members = [name for name in names if _is_ordered(evidence, name, times)]
        if len(members) > 1:
            rules += reduce_orders(_find(evidence, members), {n for n in members if not evidence.missing(n).any()})
    return rules


def _is_ordered(evidence: Evidence, name: str, times: bool) -> bool:
    kind = evidence.column(name).kind
    if kind is not Kind.DATETIME if times else not kind.is_number:
        return False
    return evidence.numbers(name) is not None and evidence.is_writable(name)


def _find(evidence: Evidence, names: list[str]) -> list[Order]:
    rows = evidence.sample()
    sample = evidence.matrix(names, rows)  # (rows, names)
    found: list[Order] = []
    for low, values in enumerate(sample.T):
        unbroken = ~(values[:, None] > sample).any(axis=0)
        found += [
            Order(names[low], names[high])
            for high in np.flatnonzero(unbroken)
            if high != low and _are_comparable(evidence, names[low], names[high])
        ]
    return [rule for rule in found if _confirm(evidence, rule)]


def _are_comparable(evidence: Evidence, low: str, high: str) -> bool:
    first, second = evidence.column(low), evidence.column(high)
    if not evidence.are_alike(low, high):
        return False
    if first.kind is Kind.DATETIME:
        return _zone(first.dtype) == _zone(second.dtype) and _tick(evidence, low) == _tick(evidence, high)
    return ("float32" in first.dtype.lower()) == ("float32" in second.dtype.lower())


def _zone(dtype: str) -> bool:
    return "," in dtype or "tz=" in dtype


def _tick(evidence: Evidence, name: str) -> int:
    """Return the coarsest of day, second, microsecond that all cells are multiples of."""
    numbers = evidence.numbers(name)
    assert numbers is not None
    present = numbers[~np.isnan(numbers)]
    return next(tick for tick in (86_400_000_000, 1_000_000, 1) if not (present % tick).any())


def _confirm(evidence: Evidence, rule: Order) -> bool:
    low, high = evidence.numbers(rule.low), evidence.numbers(rule.high)
    assert low is not None and high is not None
    rows = np.flatnonzero(~np.isnan(low) & ~np.isnan(high))
    if len(rows) < MIN_ROWS:
        return False
    some = rows if len(rows) <= SAMPLE else np.random.default_rng(0).choice(rows, size=SAMPLE, replace=False)
    step = _step(evidence, rule)
    return is_hard_limit(low[some], high[some], step) and not (low > high).any()


def _step(evidence: Evidence, rule: Order) -> float:
    """Return the smallest difference that the two columns can show."""
    if evidence.column(rule.low).kind is Kind.DATETIME:
        return float(_tick(evidence, rule.low))
    decimals = [decimals_for(evidence.column(name)) for name in (rule.low, rule.high)]
    return max(0.0 if places is None else 10.0**-places for places in decimals)


def is_hard_limit(low: Floats, high: Floats, step: float = 0.0) -> bool:
    """Return whether ``low <= high``, known to hold in all rows, is a limit rather than a difference in range.

    Parameters
    ----------
    low, high : float arrays, shape (rows,)
        Without missing values.
    step : float
        The smallest difference that they can show.
    """
    below = np.searchsorted(np.sort(high), low, side="left")  # of `high`, so many are less than each `low`
    if below.mean() / len(high) <= _LEAST_VIOLATIONS:
        return False
    gap = high - low
    least, median = float(gap.min()), float(np.median(gap))
    if gap.max() == 0 or least > max(_LARGEST_LEAST * median, 1.5 * step):
        return False
    return bool(np.quantile(gap, 0.01) - least <= _LARGEST_TAIL * median)


def reduce_orders(rules: list[Order], complete: set[str]) -> list[Order]:
    """Return the orders without cycles and without those that follow from two others.

    Parameters
    ----------
    rules : list of Order
        A rule that would close a cycle with earlier ones is dropped.
    complete : set of str
        Columns without missing cells: only such a column passes an order on in every row.
    """
    above: dict[str, set[str]] = {}

    def reaches(start: str, goal: str) -> bool:
        seen, stack = {start}, [start]
        while stack:
            new = above.get(stack.pop(), set()) - seen
            seen |= new
            stack += new
        return goal in seen

    for rule in rules:
        if not reaches(rule.high, rule.low):
            above.setdefault(rule.low, set()).add(rule.high)
    return [
        rule
        for rule in rules
        if rule.high in above.get(rule.low, set())
        and not any(rule.high in above.get(middle, set()) for middle in above[rule.low] & complete)
    ]
