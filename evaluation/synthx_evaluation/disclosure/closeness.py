"""Distance to the closest record: a diagnostic that people ask for, and no evidence of anonymity.

A table in which every row keeps a third of a real person's cells passes it, and so do generators that membership
attacks see through (G. Ganev, E. De Cristofaro, arXiv:2312.05114; Z. Yao et al., "The DCR delusion",
arXiv:2505.01524). It can show copying; that it shows none says nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure.attack import absent, sample
from synthx_evaluation.encoding import Floats
from synthx_evaluation.neighbours import GEOMETRIES, nearest
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import Z95

__all__ = ["CLOSEST", "closest"]

CLOSEST = Definition(
    "DISC-DCR", "1.0", "Closest record is a training row (diagnostic, no evidence of anonymity)", Better.HALF
)

_MOST = 1_000
_NEIGHBOURS = 8
"""Equally near real rows that are looked at; if all are equally near, neither kind is called nearer."""

_DRAWS = 999
_SLACK = 1e-9


def closest(comparison: Comparison) -> list[Measure]:
    """Count the synthetic rows that are nearer to a training than to a holdout row, of as many rows each.

    DISC-DCR is the share of synthetic rows whose closest real row is a training row, ties counting half, in the worst
    of several geometries, which training and holdout rows share. The p-value compares with the worst geometry of
    tables in which training and holdout rows have changed places at random. The anchor is 0.5.
    """
    gone = absent(CLOSEST, comparison)
    if gone is not None:
        return [gone]
    tables, generator = comparison.tables, comparison.generator(CLOSEST.id)
    assert tables.holdout is not None
    n = min(len(tables.train), len(tables.holdout))
    real = np.concatenate([sample(part, n, generator) for part in (tables.train, tables.holdout)])
    synthetic, shares, details, ties = sample(tables.synthetic, _MOST, generator), [], {}, []
    for make in GEOMETRIES:
        geometry = make(tables)
        found = nearest(geometry.points(synthetic), geometry.points(real), geometry, _NEIGHBOURS)
        tied = found.distance <= found.distance[:, :1] * (1 + _SLACK) + _SLACK  # (synthetic, neighbours)
        ties.append((found.index, tied))
        shares.append(_nearer(found.index < n, tied))
        details[geometry.name] = _summary(shares[-1], found.distance[:, 0])
    null = _null(ties, n, generator)
    worst = int(np.argmax([share.mean() for share in shares]))
    value = float(shares[worst].mean())
    return [
        CLOSEST.computed(
            value,
            interval=_interval(shares[worst], ties[worst][0][:, 0]),
            anchor=0.5,
            p_value=(1 + int((null >= value - _SLACK).sum())) / (_DRAWS + 1),
            detectable=max(0.0, float(np.quantile(null, 0.95)) - 0.5),
            n=len(synthetic),
            seed=comparison.seed,
            details={
                "note": "no evidence of anonymity: a diagnostic of copying only",
                "real_rows_of_each_kind": n,
                "worst_geometry": list(details)[worst],
                "detectable_is": "share above 0.5",
                "geometries": details,
            },
        )
    ]


def _nearer(member: NDArray[np.bool_], tied: NDArray[np.bool_]) -> Floats:
    """Return 1 where all closest rows are training rows, 0 where none is, 0.5 where both kinds are equally close.

    Where equally close rows go on beyond those looked at, both kinds are taken to be among them.
    """
    some, every = (member & tied).any(axis=1), (member | ~tied).all(axis=1)
    share = np.where(every, 1.0, np.where(some, 0.5, 0.0))
    return np.where(tied.all(axis=1) & (tied.shape[1] >= _NEIGHBOURS), 0.5, share)


def _summary(share: Floats, distance: Floats) -> dict[str, Any]:
    return {
        "share": float(share.mean()),
        "median_distance": float(np.median(distance)),
        "fifth_percentile_distance": float(np.quantile(distance, 0.05)),
        "ties": float((share == 0.5).mean()),
    }


def _null(ties: list[tuple[NDArray[np.intp], NDArray[np.bool_]]], n: int, generator: np.random.Generator) -> Floats:
    """Return the worst share of each of many tables in which training and holdout rows have changed places."""
    weights, rest = [], []
    for index, tied in ties:
        alone = ~tied[:, 1:].any(axis=1)
        weights.append(np.bincount(index[alone, 0], minlength=2 * n))
        rest.append((index[~alone], tied[~alone]))
    members, worst = np.arange(2 * n) < n, np.empty(_DRAWS)
    for i in range(_DRAWS):
        one = generator.permutation(members)
        worst[i] = max(
            weight[one].sum() + (_nearer(one[index], tied).sum() if len(index) else 0.0)
            for weight, (index, tied) in zip(weights, rest, strict=True)
        )
    return worst / len(ties[0][0])


def _interval(share: Floats, nearest_row: NDArray[np.intp]) -> tuple[float, float]:
    """Return the 95% interval; synthetic rows with the same closest real row stand or fall together."""
    _, place = np.unique(nearest_row, return_inverse=True)
    sums = np.bincount(place, weights=share - share.mean())
    # As Wilson's, never without width: as if one more success and one more failure had been seen.
    radius = Z95 * np.sqrt(float(sums @ sums) + 0.5) / len(share)
    return max(0.0, float(share.mean()) - radius), min(1.0, float(share.mean()) + radius)
