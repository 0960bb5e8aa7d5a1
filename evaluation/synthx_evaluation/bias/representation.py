"""Whether groups are as large among synthetic rows as among real ones.

The distance is the total variation distance of the shares of groups: the share of rows that would have to change
their group. It is never quite 0, even of real rows (the anchor); whether it is more than chance is told by a test.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from synthx_evaluation.bias.groups import FEWEST_ROWS, MOST_LEVELS, Codes, Groups, crossed, protected_groups
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import newcombe_interval, tv_distance

__all__ = ["CROSS", "SHARE", "representation"]

SHARE = Definition("BIAS-SHARE", "1.0", "Shares of protected groups, distance", Better.LOWER)
CROSS = Definition("BIAS-CROSS", "1.0", "Shares of intersections of protected groups, distance", Better.LOWER)

_DRAWS = 999
_LEVEL = 0.05


@dataclasses.dataclass(frozen=True, slots=True)
class _Shares:
    """The rows of every group in the synthetic, the reference and the training rows, each (groups,)."""

    groups: Groups
    synthetic: Codes
    reference: Codes
    train: Codes | None

    @property
    def distance(self) -> float:
        return float(_distance(self.synthetic, self.reference))

    def null(self, generator: np.random.Generator) -> Floats:
        """Return distances of two draws of these sizes from the shares of both together, (draws,)."""
        both = (self.synthetic + self.reference) / (self.synthetic + self.reference).sum()
        first, second = (
            generator.multinomial(int(part.sum()), both, size=_DRAWS) for part in (self.synthetic, self.reference)
        )
        return _distance(first, second)

    def resampled(self, generator: np.random.Generator) -> Floats:
        """Return distances of rows drawn from either table with replacement, (draws,)."""
        first, second = (
            generator.multinomial(int(part.sum()), part / part.sum(), size=_DRAWS)
            for part in (self.synthetic, self.reference)
        )
        return _distance(first, second)


def representation(comparison: Comparison) -> list[Measure]:
    """Compare the shares of the groups of each protected column, and of the intersections of each two.

    The value is the largest distance over the columns (BIAS-SHARE) or pairs of columns (BIAS-CROSS), and its anchor
    that of as many training rows. The p-value is that of the largest, corrected for looking at all (Bonferroni):
    against shares drawn at random from both tables' together.
    """
    found, left_out = protected_groups(comparison)
    if not found:
        reason = "no protected column is named" if not left_out else "; ".join(left_out.values())
        return [item.not_applicable(reason, seed=comparison.seed) for item in (SHARE, CROSS)]
    share = _measure(comparison, SHARE, found, left_out)
    if len(found) < 2:
        reason = f"{found[0].name!r} is the only protected column with groups, and an intersection needs two"
        return [share, CROSS.not_applicable(reason, seed=comparison.seed)]
    pairs = [crossed(comparison.tables, pair) for pair in itertools.combinations(found, 2)]
    return [share, _measure(comparison, CROSS, pairs, left_out)]


def _measure(
    comparison: Comparison, definition: Definition, parts: Sequence[Groups], left_out: dict[str, str]
) -> Measure:
    tables = comparison.equal
    shares = [
        _Shares(
            groups,
            groups.counts(tables.synthetic),
            groups.counts(comparison.reference),
            None if tables.holdout is None else groups.counts(tables.train),
        )
        for groups in parts
    ]
    generator = comparison.generator(definition.id)
    nulls = [part.null(generator) for part in shares]
    p_values = [
        (1 + int((null >= part.distance).sum())) / (_DRAWS + 1) for null, part in zip(nulls, shares, strict=True)
    ]
    worst = int(np.argmax([part.distance for part in shares]))
    looked_at = len(shares)
    found = shares[worst]
    return definition.computed(
        found.distance,
        interval=_interval(found, generator),
        anchor=None if found.train is None else float(_distance(found.train, found.reference)),
        p_value=min(1.0, looked_at * min(p_values)),
        detectable=float(np.quantile(nulls[worst], 1 - _LEVEL / looked_at)),
        n=len(tables.synthetic),
        seed=comparison.seed,
        details={
            "reference": comparison.reference_name,
            "worst": found.groups.name,
            "left_out": left_out,
            "columns": {
                part.groups.name: _column(part, p_value, float(np.quantile(null, 1 - _LEVEL / looked_at)))
                for part, p_value, null in zip(shares, p_values, nulls, strict=True)
            },
        },
    )


def _interval(shares: _Shares, generator: np.random.Generator) -> tuple[float, float]:
    """Return a 95% interval by the basic bootstrap, which takes out that resampling moves shares apart."""
    low, high = np.quantile(shares.resampled(generator), [0.025, 0.975])
    return max(0.0, 2 * shares.distance - float(high)), min(1.0, max(0.0, 2 * shares.distance - float(low)))


def _column(shares: _Shares, p_value: float, detectable: float) -> dict[str, Any]:
    """Return the figures of every group that has rows enough to be named."""
    groups = shares.groups
    quoted = {label: _group(shares, i) for i, label in enumerate(groups.labels) if _quotable(shares, i)}
    named = [label for label, is_named in zip(groups.labels, groups.named, strict=True) if is_named and label in quoted]
    smallest = min(named, key=lambda label: float(quoted[label]["reference"]), default=None)
    details: dict[str, Any] = {
        "value": shares.distance,
        "anchor": None if shares.train is None else float(_distance(shares.train, shares.reference)),
        "p_value": p_value,
        "detectable": detectable,
        "smallest": smallest,
        "smallest_ratio": None if smallest is None else quoted[smallest]["ratio"],
        "groups": quoted,
    }
    if groups.pooled:
        details["pooled"] = (
            f"{groups.pooled} smaller groups ({_pooled_reason(groups)}) are counted together as {groups.labels[-1]!r}"
        )
    return details


def _pooled_reason(groups: Groups) -> str:
    few = f"under {FEWEST_ROWS} training or holdout rows"
    return few if len(groups.columns) > 1 else f"beyond the {MOST_LEVELS} largest, {few}, or in no real row"


def _quotable(shares: _Shares, group: int) -> bool:
    """Return whether the real rows of a group are enough to be told; the holdout may be smaller than `tables` has."""
    parts = [shares.reference[group], *([] if shares.train is None else [shares.train[group]])]
    return bool(min(parts) >= FEWEST_ROWS)


def _group(shares: _Shares, group: int) -> dict[str, Any]:
    made, real = int(shares.synthetic[group]), int(shares.reference[group])
    rows_made, rows_real = int(shares.synthetic.sum()), int(shares.reference.sum())
    return {
        "synthetic": made / rows_made,
        "reference": real / rows_real,
        "train": None if shares.train is None else float(shares.train[group] / shares.train.sum()),
        "difference": made / rows_made - real / rows_real,
        "difference_interval": newcombe_interval(made, rows_made, real, rows_real),
        "ratio": (made / rows_made) / (real / rows_real),
    }


def _distance(first: Codes, second: Codes) -> Floats:
    """Return the distances of shares from counts (..., groups)."""
    return tv_distance(first / first.sum(axis=-1, keepdims=True), second / second.sum(axis=-1, keepdims=True))
