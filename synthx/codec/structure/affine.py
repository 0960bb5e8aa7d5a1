"""Finding columns that are a number times another plus a number, up to rounding."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from synthx.codec.cells import decimals_for, precision_of
from synthx.codec.structure.choice import choose
from synthx.codec.structure.evidence import MIN_ROWS, Evidence
from synthx.codec.structure.rules import Affine
from synthx.schema import Kind

__all__ = ["find_affine", "fit_line", "shortest_between"]

_ROUNDS = 3
_WITNESSES = 50
_LEAST_R2 = 0.75
"""A coarse rounding of a source keeps at least this share of its variance; less is no line."""

Floats = NDArray[np.float64]


def find_affine(evidence: Evidence, names: list[str]) -> list[Affine]:
    """Return the affine rules among the named columns."""
    numeric = [name for name in names if _is_measured(evidence, name)]
    edges: set[tuple[str, str]] = set()
    for group in evidence.by_pattern(numeric).values():
        edges |= {(source, name) for source, name in _screen(evidence, group) if evidence.is_writable(name)}
    return choose(evidence, edges, lambda source, name: _confirm(evidence, source, name))


def _is_measured(evidence: Evidence, name: str) -> bool:
    kind = evidence.column(name).kind
    return (kind.is_number or kind is Kind.DATETIME) and evidence.numbers(name) is not None


def _half_step(evidence: Evidence, name: str) -> float:
    """Return the largest error that rounding to the column's decimals makes."""
    decimals = decimals_for(evidence.column(name))
    return 0.0 if decimals is None else 0.5 * 10.0**-decimals


def _screen(evidence: Evidence, names: list[str]) -> set[tuple[str, str]]:
    """Return (source, column) where a line leaves no more of the column's variance than rounding can explain."""
    rows = evidence.sample(names[0])
    if len(names) < 2 or len(rows) < MIN_ROWS:
        return set()
    matrix = evidence.matrix(names, rows)  # (rows, names)
    matrix = matrix - matrix.mean(axis=0)
    variance = (matrix**2).mean(axis=0)
    scale = np.sqrt(np.where(variance > 0, variance, 1.0))
    correlation = (matrix / scale).T @ (matrix / scale) / len(rows)
    r2 = correlation**2
    half = np.array([_half_step(evidence, name) for name in names])
    precision = np.array([precision_of(evidence.frame[name]) for name in names])
    noise = half**2 + variance * np.maximum(1e-9, precision)
    fits = ((1 - r2) * variance <= noise) & (r2 >= _LEAST_R2)  # [source, column]
    np.fill_diagonal(fits, False)
    return {
        (names[i], names[j]) for i, j in np.argwhere(fits) if evidence.are_alike(names[i], names[j]) and variance[j] > 0
    }


def _confirm(evidence: Evidence, source: str, name: str) -> Affine | None:
    x, y = evidence.numbers(source), evidence.numbers(name)
    if x is None or y is None or not evidence.is_supported(name):
        return None
    rows = evidence.sample(name)
    rows = np.union1d(rows, [np.nanargmin(x), np.nanargmax(x), np.nanargmin(y), np.nanargmax(y)])
    precision = max(precision_of(evidence.frame[source]), precision_of(evidence.frame[name]))
    for _ in range(_ROUNDS):
        line = fit_line(x[rows], y[rows], _half_step(evidence, name), precision)
        if line is None:
            return None
        rule = Affine(name, source, *line)
        wrong = np.flatnonzero(~rule.holds(evidence.frame[[source, name]], evidence.schema))
        if not wrong.size:
            return rule
        rows = np.union1d(rows, wrong[:_WITNESSES])
    return None


def fit_line(x: Floats, y: Floats, half_step: float, precision: float = 2.2e-16) -> tuple[float, float] | None:
    """Return the simplest (scale, shift) with ``|y - scale * x - shift| <= half_step`` for every pair, if there is one.

    Parameters
    ----------
    x, y : float arrays, shape (rows,)
        Without missing values.
    half_step : float
        Half a unit of the last decimal of y; 0 if y is not rounded.
    precision : float
        Relative spacing of the numbers.
    """
    deviation = x - x.mean()
    spread = float(deviation @ deviation)
    if spread == 0:
        return None
    for scale in _simple_numbers(float(deviation @ (y - y.mean())) / spread):
        rest = y - scale * x
        slack = half_step + 8 * precision * float(np.abs(scale * x).max() + np.abs(y).max())
        low, high = float(rest.max()) - slack, float(rest.min()) + slack
        if low <= high and scale != 0:
            return scale, shortest_between(low, high)
    return None


def _simple_numbers(value: float) -> Iterator[float]:
    """Yield numbers near `value`, those that a person would have written first."""
    for digits in range(1, 7):
        yield float(f"{value:.{digits}g}")
    yield float(Fraction(value).limit_denominator(1000))
    if value:
        yield 1 / float(f"{1 / value:.6g}")
    for digits in range(7, 16):
        yield float(f"{value:.{digits}g}")
    yield value


def shortest_between(low: float, high: float) -> float:
    """Return the number in [low, high] with the fewest decimals.

    >>> shortest_between(2.4231, 2.4719)
    2.45
    """
    if low <= 0 <= high:
        return 0.0
    middle = low + (high - low) / 2
    for decimals in range(-15, 16):
        rounded = round(middle, decimals)
        if low <= rounded <= high:
            return rounded
    return middle
