"""How far sequences go: in steps and in time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Extent"]


class Extent(NamedTuple):
    """How far sequences are to go.

    Parameters
    ----------
    lengths : int array, shape (n,)
        How many steps each has in the end.
    starts, spans : float arrays, shape (n,)
        The time of the first step, and from there to the last; zeros where there is no time.
    """

    lengths: NDArray[np.int64]
    starts: NDArray[np.float64]
    spans: NDArray[np.float64]

    def pick(self, chosen: NDArray[np.int64] | slice) -> Extent:
        """Return the extent of some of the sequences."""
        return Extent(self.lengths[chosen], self.starts[chosen], self.spans[chosen])
