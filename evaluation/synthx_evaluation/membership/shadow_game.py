"""Who plays: the rows that shadow models learn or leave out, and what a shadow's table says of them."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.encoding import Floats, Tables
from synthx_evaluation.membership.battery import Scores, attack
from synthx_evaluation.membership.evidence import Bools
from synthx_evaluation.membership.strata import FEWEST_EACH, remoteness
from synthx_evaluation.membership.targets import Targets, draw_targets

__all__ = ["Game", "fingerprint"]


@dataclasses.dataclass(frozen=True, slots=True)
class Game:
    """The targets of an attack, and which of them each shadow learns.

    Parameters
    ----------
    comparison : Comparison
        The table that is attacked, beside the real ones.
    train, holdout : DataFrame
        The real rows as they were given.
    places : array (n,)
        Where the targets stand among all that `draw_targets` draws.
    targets : Targets
        Those rows.
    inside : array (shadows, n)
        Which targets each shadow learns: one half of them, and the next shadow the other half.
    """

    comparison: Comparison
    train: pd.DataFrame
    holdout: pd.DataFrame
    places: NDArray[np.intp]
    targets: Targets
    inside: Bools

    @classmethod
    def draw(
        cls, comparison: Comparison, train: pd.DataFrame, holdout: pd.DataFrame | None, *, shadows: int, most: int
    ) -> Game | str:
        """Choose the most exposed rows, and deal them out to the shadows by lot.

        The choice knows the real rows, not which of them were learned: so without a leak members and non-members are
        still as if drawn by lot, and the permutation test stays exact.

        Returns
        -------
        Game or str
            Or the reason why there is none.
        """
        drawn = draw_targets(comparison)
        if isinstance(drawn, str) or holdout is None:
            return str(drawn)
        places = np.sort(np.argsort(-remoteness(comparison, drawn), kind="stable")[:most])
        targets = drawn.take(places)
        fewest = int(min(targets.member.sum(), (~targets.member).sum()))
        if fewest < FEWEST_EACH:
            return f"needs {FEWEST_EACH} members and non-members among the most exposed rows, there are {fewest}"
        inside = np.empty((shadows, len(places)), dtype=bool)
        for pair in range(shadows // 2):
            order = comparison.generator(f"shadows {pair}").permutation(len(places))
            inside[2 * pair, order] = np.arange(len(places)) < len(places) // 2
            inside[2 * pair + 1] = ~inside[2 * pair]
        return cls(comparison, train, holdout, places, targets, inside)

    def seeds(self, number: int) -> tuple[int, int]:
        """Return the seeds with which a shadow learns and writes."""
        learning, writing = self.comparison.generator(f"shadow {number}").integers(2**31, size=2)
        return int(learning), int(writing)

    def rows(self, number: int) -> pd.DataFrame:
        """Return what a shadow learns: all training rows but the targets, and its half of the targets, shuffled."""
        learned, place = len(self.train), self.targets.place
        kept = np.ones(learned + len(self.holdout), dtype=bool)
        kept[learned:] = False
        kept[place] = self.inside[number]
        parts = [self.train[kept[:learned]], self.holdout[self.train.columns][kept[learned:]]]
        together = pd.concat([part for part in parts if len(part)], ignore_index=True)
        order = self.comparison.generator(f"order {number}").permutation(len(together))
        return together.iloc[order].reset_index(drop=True)

    def score(self, written: pd.DataFrame) -> Scores:
        """Return what the quick battery thinks of the targets when a shadow wrote the table."""
        comparison = compare(
            written, train=self.train, holdout=self.holdout, schema=self.comparison.schema, target=None, protected=(),
            seed=self.comparison.seed,
        )  # fmt: skip
        drawn = draw_targets(comparison)
        assert isinstance(drawn, Targets)  # as many rows as in the table that is attacked
        return attack(comparison, drawn.take(self.places))


def fingerprint(tables: Tables) -> str:
    """Return the SHA-256 of the real rows as a hexadecimal text; whatever the synthetic table holds."""
    digest = hashlib.sha256(repr(tables.names).encode())
    for j in range(len(tables.names)):
        digest.update(_content(tables, j).tobytes())
    return digest.hexdigest()


def _content(tables: Tables, j: int) -> NDArray[np.uint64] | Floats:
    """Return the real cells of a column; levels as hashes of their labels, whose numbers the synthetic table moves."""
    cells = tables.real[:, j]
    if not tables.discrete[j]:
        return cells
    labels = pd.util.hash_array(np.array([*tables.levels[j], "missing"], dtype=object), categorize=False)
    return np.asarray(labels[np.where(np.isnan(cells), -1, cells).astype(np.intp)])
