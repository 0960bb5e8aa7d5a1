"""Linkability: whether the synthetic rows help to join two tables that hold different columns of the same people.

Two parties know the same person, each by half of the columns. Both look for the synthetic rows most like their half;
where they meet at the same row, they take their records to be of one person (Article 29 Working Party, WP216, section
2.1; as a game: M. Giomi et al., PoPETs 2023, arXiv:2211.10459).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure.attack import Rate, absent, outcome, sample, select
from synthx_evaluation.encoding import Floats, Tables
from synthx_evaluation.neighbours import nearest, ranked
from synthx_evaluation.record import Better, Definition, Measure

__all__ = ["LINKABILITY", "linkability"]

LINKABILITY = Definition("DISC-LINK", "1.0", "Linkability: training rows linked, beyond holdout rows", Better.LOWER)

SPLITS = 3
"""Ways to halve the columns; a row's success is the mean over them."""

NEIGHBOURS = 5
"""Synthetic rows that each party looks at."""

_MOST = 1_000


def linkability(comparison: Comparison) -> list[Measure]:
    """Link the halves of training rows through their nearest synthetic rows, and those of holdout rows likewise.

    DISC-LINK is the share of training rows whose five nearest synthetic rows by either half of the columns have a row
    in common, minus the share of holdout rows; the mean over three random halvings. The baseline joins the half of
    one training row to the half of another.
    """
    gone = absent(LINKABILITY, comparison, columns=2)
    if gone is not None:
        return [gone]
    tables, generator = comparison.tables, comparison.generator(LINKABILITY.id)
    assert tables.holdout is not None
    train, holdout = (sample(part, _MOST, generator) for part in (tables.train, tables.holdout))
    targets, n = np.concatenate([train, holdout]), len(train)
    linked, chance = np.empty((SPLITS, len(targets))), np.empty((SPLITS, n))
    for i in range(SPLITS):
        order = generator.permutation(len(tables.columns))
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        first, second = (_nearest(tables, half, targets, generator) for half in halves)
        linked[i] = _meet(first, second)
        chance[i] = _meet(first[:n], np.roll(second[:n], 1, axis=0))
    rows = linked.mean(axis=0)
    details = {
        "neighbours": NEIGHBOURS,
        "halvings": SPLITS,
        "random_links": Rate.of(chance.mean(axis=0)).to_dict(),
        "by_halving": [{"attack": float(one[:n].mean()), "control": float(one[n:].mean())} for one in linked],
    }
    return [outcome(LINKABILITY, comparison, rows[:n], rows[n:], details)]


def _nearest(
    tables: Tables, half: NDArray[np.intp], targets: Floats, generator: np.random.Generator
) -> NDArray[np.intp]:
    """Return the synthetic rows nearest to each target by half of the columns; of equally near ones, random ones.

    Were equally near rows taken in the table's order, both parties would take the same ones and seem to meet.
    """
    order = generator.permutation(len(tables.synthetic))
    geometry = ranked(select(tables, half))
    index = geometry.points(tables.synthetic[order][:, half])
    return np.asarray(order[nearest(geometry.points(targets[:, half]), index, geometry, NEIGHBOURS).index])


def _meet(first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return where two lists of rows have one in common."""
    return np.asarray((first[:, :, None] == second[:, None, :]).any(axis=(1, 2)))
