"""Which drawn rows are near-copies of real ones: so near to one as real rows hardly ever are to each other.

Distance alone does not tell: in a crowd a fresh row lies near many, and one that lies half as far from a lonely row has
found a person. So the distance of a row from its nearest real row is divided by the distance of that one from its own
nearest real neighbour. Real rows, each left out in turn, show how small this ratio comes by chance; a drawn row is a
near-copy if its ratio is below that of all but `FRESH` of them. (The ratio is the nearest-neighbour distance ratio of
D. G. Lowe 2004, doi:10.1023/B:VISI.0000029664.99615.94, taken among real rows.)
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.categorical import CategoricalCodec
from synthx.codec.table import TableCodec

__all__ = ["FRESH", "NearCopies", "Space"]

FRESH = 0.05
"""The share of rows that would be called near-copies if they were fresh rows of the real distribution."""
FEWEST = 3
"""Real rows that have something to show about each other; with fewer, half the way to the next one is too near."""

_DEVIATION = 12**0.5
_MISMATCH = 2.0
_PAIRS = 500_000

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Space:
    """Where rows lie: numbers by their rank, with deviation 1; levels that differ add 2, as two such numbers do.

    Parameters
    ----------
    codec : TableCodec
        Gives a row its codes; columns that are functions of others have none and do not count twice.
    without : str
        The column that all rows share, and that is left out.
    """

    codec: TableCodec
    without: str

    def points(self, frame: pd.DataFrame) -> tuple[Floats, NDArray[np.int64]]:
        """Return the numbers (rows, p) and the levels (rows, q) of a table."""
        coded = self.codec.encode(frame)
        numbers, levels = [], []
        for index, (name, codec) in enumerate(self.codec.columns.items()):
            if name == self.without:
                continue
            codes = coded.codes[:, index].astype(np.int64)
            if isinstance(codec, CategoricalCodec):
                levels.append(codes)
                continue
            ranks = codec.ranks
            assert ranks is not None
            missing = np.isnan(ranks)[codes]
            width = 1.0 / max(1, int((~np.isnan(ranks)).sum()) - 1)
            places = np.nan_to_num(ranks)[codes] + (coded.offsets[:, index] - 0.5) * width
            numbers.append(np.where(missing, 0.5, places) * _DEVIATION)
            if np.isnan(ranks).any():
                levels.append(missing.astype(np.int64))
        rows = len(frame)
        return (
            np.stack(numbers, axis=1) if numbers else np.zeros((rows, 0)),
            np.stack(levels, axis=1) if levels else np.zeros((rows, 0), np.int64),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class NearCopies:
    """Real rows, and how near to one is too near.

    Parameters
    ----------
    space : Space
    numbers, levels : arrays, shapes (rows, p) and (rows, q)
        The real rows.
    neighbour : float array, shape (rows,)
        The distance of each real row from its nearest real neighbour; 0 where it has an equal.
    least : float
        The ratio below which a row is a near-copy.
    """

    space: Space
    numbers: Floats
    levels: NDArray[np.int64]
    neighbour: Floats
    least: float

    @classmethod
    def of(cls, space: Space, real: pd.DataFrame) -> NearCopies:
        """Measure real rows, of which there are two or more, against each other."""
        numbers, levels = space.points(real)
        distance, place = _nearest(numbers, levels, numbers, levels, count=3, among_themselves=True)
        neighbour = distance[:, 0]
        least = 0.5
        alone = neighbour > 0  # equals show how often rows repeat, not how near a row may come
        if alone.sum() >= FEWEST:
            found = place[:, 0]
            back = place[found, 0] == np.arange(len(real))  # a row that was left out is nobody's neighbour
            theirs = np.where(back, distance[found, 1], neighbour[found])
            least = float(np.quantile(_ratio(neighbour, theirs)[alone], FRESH))
        return cls(space, numbers, levels, neighbour, least)

    def ratios(self, frame: pd.DataFrame) -> Floats:
        """Return the ratio of each row of a table; 0 for an equal of a real row that has no equal among real ones."""
        numbers, levels = self.space.points(frame)
        distance, place = _nearest(numbers, levels, self.numbers, self.levels, count=1)
        return _ratio(distance[:, 0], self.neighbour[place[:, 0]])

    def is_near(self, ratios: Floats) -> NDArray[np.bool_]:
        """Return which ratios are those of near-copies."""
        return np.asarray((ratios < self.least) | (ratios == 0))


def _ratio(distance: Floats, neighbour: Floats) -> Floats:
    """Return distances by the neighbour's own; 1 where the neighbour has an equal, which says nothing about it."""
    return np.asarray(np.divide(distance, neighbour, out=np.ones_like(distance), where=neighbour > 0))


def _nearest(
    numbers: Floats,
    levels: NDArray[np.int64],
    real_numbers: Floats,
    real_levels: NDArray[np.int64],
    *,
    count: int,
    among_themselves: bool = False,
) -> tuple[Floats, NDArray[np.intp]]:
    """Return distances and places of the nearest real rows, nearest first, (rows, count); fewer if there are fewer."""
    from scipy.spatial.distance import cdist

    rows, real = len(numbers), len(real_numbers)
    count = min(count, real - among_themselves)
    distance, place = np.empty((rows, count)), np.empty((rows, count), np.intp)
    size = max(1, _PAIRS // real)
    for start in range(0, rows, size):
        chunk = slice(start, min(start + size, rows))
        total = cdist(numbers[chunk], real_numbers, "sqeuclidean") if numbers.shape[1] else 0.0
        total = total + _MISMATCH * sum(
            (mine[:, None] != theirs for mine, theirs in zip(levels[chunk].T, real_levels.T, strict=True)),
            start=np.zeros((chunk.stop - start, real)),
        )
        if among_themselves:
            total[np.arange(chunk.stop - start), np.arange(start, chunk.stop)] = np.inf
        found = np.argpartition(total, count - 1, axis=1)[:, :count] if count < real else np.argsort(total, axis=1)
        values = np.take_along_axis(total, found, axis=1)
        order = np.argsort(values, axis=1, kind="stable")
        place[chunk] = np.take_along_axis(found, order, axis=1)
        distance[chunk] = np.sqrt(np.take_along_axis(values, order, axis=1))
    return distance, place
