"""Attack by looking rows up: training rows that stand word for word in the synthetic table, beyond coincidence."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.disclosure.keys import RowKeys
from synthx_evaluation.encoding import Floats
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import newcombe_interval

__all__ = ["COPIES_EXCESS", "Copies"]

COPIES_EXCESS = Definition("DISC-COPIES-EXCESS", "1.1", "Training rows found, beyond holdout rows found", Better.LOWER)


@dataclasses.dataclass(frozen=True, slots=True)
class Copies:
    """Training and holdout rows that equal a synthetic row; all rows are looked up.

    Parameters
    ----------
    train, holdout : int
        Rows.
    train_found, holdout_found : int
        How many of them equal some synthetic row.
    """

    train: int
    holdout: int
    train_found: int
    holdout_found: int

    @classmethod
    def of(cls, synthetic: RowKeys, train: RowKeys, holdout: RowKeys) -> Copies:
        """Look every training and holdout row up in the synthetic table."""
        return cls(
            train=len(train),
            holdout=len(holdout),
            train_found=int(np.isin(train, synthetic).sum()),
            holdout_found=int(np.isin(holdout, synthetic).sum()),
        )

    @property
    def excess(self) -> float:
        return self.train_found / self.train - self.holdout_found / self.holdout

    @property
    def p_value(self) -> float:
        """R. A. Fisher's exact test: so many of the rows found are training rows, though it makes no difference."""
        return _tail(self.train_found, self.train, self.holdout, self.train_found + self.holdout_found)

    def attained(self, level: float) -> float:
        """Return how often a p-value of at most `level` occurs without a leak: less than `level`, where few are found.

        (R. E. Tarone, "A modified Bonferroni method for discrete data", Biometrics 46 (1990), 515-522.)
        """
        found = self.train_found + self.holdout_found
        counts = np.arange(max(0, found - self.holdout), min(found, self.train) + 1)
        sizes = _tails(counts, self.train, self.holdout, found)
        return float(sizes[sizes <= level].max(initial=0.0))

    @property
    def detectable(self) -> float:
        """Smallest excess that Fisher's test would have noticed at 5%, with as many holdout rows found."""
        low, high = 0, self.train
        while low < high:  # the p-value falls with the number of training rows found
            middle = (low + high) // 2
            if _tail(middle, self.train, self.holdout, middle + self.holdout_found) <= 0.05:
                high = middle
            else:
                low = middle + 1
        return low / self.train - self.holdout_found / self.holdout

    def measure(self, seed: int) -> Measure:
        """Return the record."""
        return COPIES_EXCESS.computed(
            self.excess,
            interval=newcombe_interval(self.train_found, self.train, self.holdout_found, self.holdout),
            anchor=0.0,
            n=self.train,
            seed=seed,
            p_value=self.p_value,
            detectable=self.detectable,
            details={
                "n_is": "training rows",
                "training_rows": self.train,
                "training_rows_found": self.train_found,
                "holdout_rows": self.holdout,
                "holdout_rows_found": self.holdout_found,
            },
        )


def _tail(found_in_train: int, train: int, holdout: int, found: int) -> float:
    return float(_tails(np.array([found_in_train]), train, holdout, found)[0])


def _tails(found_in_train: NDArray[np.intp], train: int, holdout: int, found: int) -> Floats:
    """Return the hypergeometric probability of each count of training rows found, or more."""
    from scipy.stats import hypergeom

    return np.asarray(np.minimum(1.0, hypergeom.sf(found_in_train - 1, train + holdout, found, train)))
