"""Whom an attacker asks about, and what is at hand: some members, as many non-members, and other people's rows."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.membership.evidence import Bools

__all__ = ["FEWEST", "Targets", "draw_targets"]

FEWEST = 50
"""Members, non-members and reference rows that an attack needs."""

MOST = 3_000
"""Members and non-members each that are asked about: enough for a rate of one false alarm in a thousand."""

MOST_REFERENCE = 10_000
"""Reference rows: more make the picture of the population no sharper."""


@dataclasses.dataclass(frozen=True, slots=True)
class Targets:
    """Rows that an attacker asks about, and the attacker's own.

    Parameters
    ----------
    rows : array (n, d)
        Members, then as many non-members.
    member : array (n,)
        Which rows the generator saw.
    reference : array (r, d)
        Rows of other people from the same population: half of the holdout.
    synthetic : array (s, d)
        All rows of the synthetic table.
    place : array (n,)
        Where each row stands among all training and then all holdout rows.
    reference_place : array (r,)
        Where each reference row stands there.
    """

    rows: Floats
    member: Bools
    reference: Floats
    synthetic: Floats
    place: NDArray[np.intp]
    reference_place: NDArray[np.intp]

    def take(self, rows: NDArray[np.intp]) -> Targets:
        """Return the targets of the given places, in that order."""
        return dataclasses.replace(self, rows=self.rows[rows], member=self.member[rows], place=self.place[rows])


def draw_targets(comparison: Comparison, most: int = MOST) -> Targets | str:
    """Split the holdout by lot into reference rows and non-members, and draw as many members, at most `most`.

    Which rows are drawn depends on the seed and the numbers of training and holdout rows alone.

    Returns
    -------
    Targets or str
        Or the reason why there are none.
    """
    tables = comparison.tables
    if tables.holdout is None:
        return "not assessable without a holdout: there are no non-members to compare with"
    order = comparison.generator("reference").permutation(len(tables.holdout))
    reference, others = order[: len(order) // 2][:MOST_REFERENCE], order[len(order) // 2 :]
    count = min(len(others), len(tables.train), most)
    smallest = min(count, len(reference), len(tables.synthetic))
    if smallest < FEWEST:
        return (
            f"needs {FEWEST} training and synthetic rows and {2 * FEWEST} holdout rows, there are "
            f"{len(tables.train)}, {len(tables.synthetic)} and {len(tables.holdout)}"
        )
    members = comparison.generator("members").permutation(len(tables.train))[:count]
    return Targets(
        rows=np.concatenate([tables.train[members], tables.holdout[others[:count]]]),
        member=np.arange(2 * count) < count,
        reference=tables.holdout[reference],
        synthetic=tables.synthetic,
        place=np.concatenate([members, len(tables.train) + others[:count]]),
        reference_place=len(tables.train) + reference,
    )
