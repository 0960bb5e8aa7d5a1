"""The success of an attack on training rows, beside its success on rows that the generator never saw."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats, Tables
from synthx_evaluation.record import Definition, Measure
from synthx_evaluation.statistics import excess_p_value, wilson_interval

__all__ = [
    "FEWEST",
    "NO_HOLDOUT",
    "Rate",
    "absent",
    "detectable",
    "excess",
    "outcome",
    "p_value",
    "residual_risk",
    "sample",
    "select",
]

FEWEST = 30
"""Rows of each table that an attack needs: fewer could not show a leak of a tenth of the rows."""

NO_HOLDOUT = "not assessable without holdout"

ONE_SIDED = 1.6448536269514722
"""The 95% quantile of the standard normal distribution."""

_DRAWS = 9_999


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """A share of successes with its 95% interval (Wilson's).

    Parameters
    ----------
    value, low, high : float
        In [0, 1].
    n : int
        Targets behind the value.
    """

    value: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, successes: Floats) -> Rate:
        """Return the mean of each target's share of successes, (n,) in [0, 1].

        Shares of several tries at one target are less spread than single tries: the interval is Wilson's with as many
        tries as would spread as much (for single tries, as many as there are targets).
        """
        n, value = len(successes), float(successes.mean())
        spread = float(successes.var())
        tries = n if spread == 0 else max(n, round(n * value * (1 - value) / spread))
        low, high = wilson_interval(value * tries, tries)
        return cls(value, low, high, n)

    def to_dict(self) -> dict[str, float]:
        return {"rate": self.value, "low": self.low, "high": self.high, "n": self.n}


def excess(attack: Rate, control: Rate) -> tuple[float, tuple[float, float]]:
    """Return attack minus control with its 95% interval: two Wilson intervals joined.

    R. G. Newcombe, Statistics in Medicine 17 (1998), 873-890, method 10.
    """
    value = attack.value - control.value
    low = value - math.hypot(attack.value - attack.low, control.high - control.value)
    high = value + math.hypot(attack.high - attack.value, control.value - control.low)
    return value, (low, high)


def residual_risk(attack: Rate, control: Rate) -> dict[str, float]:
    """Return the share of the control's failures that the attack turns into successes, (a - c) / (1 - c).

    A secondary figure: where the control nearly always succeeds, small differences are blown up. Its error is carried
    over to first order from the half-widths of both intervals.
    """
    left = 1 - control.value
    if left <= 0:
        return {"value": 0.0, "low": 0.0, "high": 0.0}
    value = (attack.value - control.value) / left
    of_attack = (attack.high - attack.low) / 2 / left
    of_control = (1 - attack.value) * (control.high - control.low) / 2 / left**2
    radius = math.hypot(of_attack, of_control)
    return {"value": value, "low": max(-1.0, value - radius), "high": min(1.0, value + radius)}


def p_value(attack: Floats, control: Floats, generator: np.random.Generator) -> float:
    """One-sided p-value that the attack succeeds more on training rows than on holdout rows.

    Were the generator blind to single rows, the two kinds could change places: the chance, over all ways to call as
    many of the rows training rows, of as many successes or more, those equally many counting half.

    Parameters
    ----------
    attack, control : array (rows,)
        Each target's share of successes, in [0, 1].
    """
    values, counts = np.unique(np.concatenate([attack, control]), return_counts=True)
    if np.isin(values, (0.0, 1.0)).all():
        return excess_p_value(int(attack.sum()), len(attack), int(control.sum()), len(control))
    drawn = generator.multivariate_hypergeometric(counts, len(attack), size=_DRAWS, method="marginals")
    sums, seen = drawn @ values, float(attack.sum())
    slack = 1e-9 * max(1.0, abs(seen))
    above, tied = int((sums > seen + slack).sum()), int((np.abs(sums - seen) <= slack).sum())
    return (above + 0.5 * (tied + 1)) / (_DRAWS + 1)


def detectable(attack: Floats, control: Floats) -> float:
    """Return the smallest difference of the two means that the one-sided test at 5% would have noticed."""
    spread = float(np.concatenate([attack, control]).var())
    fewest = min(len(attack), len(control))
    # Where nothing varies, even so many successes of 0 expected would be needed (Wilson's limit at no success).
    return max(
        ONE_SIDED * math.sqrt(spread * (1 / len(attack) + 1 / len(control))), ONE_SIDED**2 / (fewest + ONE_SIDED**2)
    )


def outcome(
    definition: Definition, comparison: Comparison, attack: Floats, control: Floats, details: Mapping[str, Any]
) -> Measure:
    """Return the record of an attack: how much more often it succeeds on training than on holdout rows.

    Parameters
    ----------
    attack, control : array (rows,)
        Share of successes for each training and each holdout row that was attacked, in [0, 1].
    details : mapping
        What else is told; rates, residual risk and what `n` counts are added.
    """
    of_attack, of_control = Rate.of(attack), Rate.of(control)
    value, interval = excess(of_attack, of_control)
    return definition.computed(
        value,
        interval=interval,
        anchor=0.0,
        p_value=p_value(attack, control, comparison.generator(f"{definition.id} p-value")),
        detectable=detectable(attack, control),
        n=len(attack),
        seed=comparison.seed,
        details={
            "n_is": "training rows attacked",
            "attack": of_attack.to_dict(),
            "control": of_control.to_dict(),
            "residual_risk": residual_risk(of_attack, of_control),
            **details,
        },
    )


def absent(definition: Definition, comparison: Comparison, columns: int = 1) -> Measure | None:
    """Return the record that says why an attack that needs as many columns cannot be made; None where it can."""
    tables, seed = comparison.tables, comparison.seed
    if len(tables.columns) < columns:
        few = f"needs {columns} columns that a generator learns, the schema has {len(tables.columns)}"
        return definition.not_applicable(few if tables.columns else "the schema has no column to learn", seed=seed)
    if tables.holdout is None:
        return definition.skipped(NO_HOLDOUT, seed=seed)
    for name, rows in (("synthetic", tables.synthetic), ("training", tables.train), ("holdout", tables.holdout)):
        if len(rows) < FEWEST:
            return definition.skipped(f"needs {FEWEST} {name} rows, there are {len(rows)}", seed=seed)
    return None


def sample(rows: Floats, most: int, generator: np.random.Generator) -> Floats:
    """Return at most `most` of the rows, in random order."""
    return rows[generator.permutation(len(rows))[:most]]


def select(tables: Tables, places: NDArray[np.intp]) -> Tables:
    """Return the tables with the columns of the given places only."""
    return dataclasses.replace(
        tables,
        columns=tuple(tables.columns[j] for j in places),
        levels=tuple(tables.levels[j] for j in places),
        synthetic=tables.synthetic[:, places],
        train=tables.train[:, places],
        holdout=None if tables.holdout is None else tables.holdout[:, places],
    )
