"""What real rows have and synthetic rows never show: rare levels, and whole regions (mode collapse)."""

from __future__ import annotations

import numpy as np

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.regions import Regions
from synthx_evaluation.statistics import wilson_interval

__all__ = ["LEVELS_LOST", "REGIONS_LOST", "coverage"]

LEVELS_LOST = Definition("FID-LEVELS-LOST", "1.0", "Levels of real rows that are never synthetic", Better.LOWER)
REGIONS_LOST = Definition("FID-REGIONS-LOST", "1.0", "Regions of real rows left empty", Better.LOWER)

FEWEST_OF_A_LEVEL = 10
"""Real rows that hold a level: rarer ones may be missed by chance, and to name them would name people."""

EXPECTED = 10
"""Synthetic rows that a region should hold before its emptiness says anything."""

EMPTY = 0.1
"""Share of the rows due to a region below which it counts as empty."""

_FEWEST = 100
_NAMED = 20


def coverage(comparison: Comparison) -> list[Measure]:
    """Look for levels and regions that synthetic rows leave out.

    FID-LEVELS-LOST is the share of the levels that at least ten real rows hold which no synthetic row holds.
    FID-REGIONS-LOST is the share of the regions of the real rows, leaves of a small tree, that hold less than a tenth
    of the synthetic rows due to them, among regions to which ten are due. Either names what is lost. The anchor has as
    many training rows in the place of the synthetic ones; since levels and regions are those of training and holdout
    rows together, it leans towards 0.
    """
    seed = comparison.seed
    if not comparison.tables.columns:
        reason = "the schema has no column to learn"
        return [item.not_applicable(reason, seed=seed) for item in (LEVELS_LOST, REGIONS_LOST)]
    return [_levels(comparison), _regions(comparison)]


def _levels(comparison: Comparison) -> Measure:
    tables, seed = comparison.equal, comparison.seed
    real_rows = comparison.tables.real
    lost, missed, total = [], 0, 0
    for j in np.flatnonzero(tables.discrete):
        labels = tables.levels[j]
        real, synthetic, train = (
            np.bincount(rows[~np.isnan(rows[:, j]), j].astype(np.intp), minlength=len(labels))
            for rows in (real_rows, tables.synthetic, tables.train)
        )
        due = real >= FEWEST_OF_A_LEVEL
        total += int(due.sum())
        missed += int((due & (train == 0)).sum())
        lost += [
            {"column": tables.names[j], "level": labels[i], "real_share": real[i] / len(real_rows)}
            for i in np.flatnonzero(due & (synthetic == 0))
        ]
    if not total:
        reason = f"no level of a discrete column is held by {FEWEST_OF_A_LEVEL} real rows"
        return LEVELS_LOST.not_applicable(reason, seed=seed)
    lost.sort(key=lambda item: -item["real_share"])
    return LEVELS_LOST.computed(
        len(lost) / total,
        interval=wilson_interval(len(lost), total),
        anchor=None if tables.holdout is None else missed / total,
        n=len(tables.synthetic),
        seed=seed,
        details={"levels": total, "levels_lost": len(lost), "lost": lost[:_NAMED]},
    )


def _regions(comparison: Comparison) -> Measure:
    tables, seed = comparison.equal, comparison.seed
    rows = min(len(tables.synthetic), len(tables.train))
    if rows < _FEWEST:
        return REGIONS_LOST.skipped(f"needs {_FEWEST} rows of each table, the smallest has {rows}", seed=seed)
    regions = Regions.fit(comparison.tables, comparison.generator(REGIONS_LOST.id), seed)
    real, synthetic, train = (regions.shares(part) for part in (comparison.tables.real, tables.synthetic, tables.train))
    due = (real * len(tables.synthetic) >= EXPECTED) & (real * len(comparison.tables.real) >= FEWEST_OF_A_LEVEL)
    if not due.any():
        return REGIONS_LOST.skipped(f"no region of the real rows is due {EXPECTED} synthetic ones", seed=seed)
    lost = due & (synthetic < EMPTY * real)
    order = [int(i) for i in np.argsort(-real, kind="stable") if lost[i]]
    return REGIONS_LOST.computed(
        float(lost.sum() / due.sum()),
        interval=wilson_interval(int(lost.sum()), int(due.sum())),
        anchor=None if tables.holdout is None else float((due & (train < EMPTY * real)).sum() / due.sum()),
        n=len(tables.synthetic),
        seed=seed,
        details={
            "regions": int(due.sum()),
            "regions_lost": int(lost.sum()),
            "real_share_lost": float(real[lost].sum()),
            "lost": [
                {"region": regions.rules[i], "real_share": real[i], "synthetic_share": synthetic[i]}
                for i in order[:_NAMED]
            ],
        },
    )
