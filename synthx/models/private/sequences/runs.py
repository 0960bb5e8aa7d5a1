"""The steps of entities, in order and no more than a horizon, found without an error that would tell about a row.

A row without a key belongs to nobody and is left out; a time that is missing or beyond its bounds is taken to the
nearest bound; times of one entity are sorted. All of it depends on the entity alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.private.reading import spelled
from synthx.entities import Entities
from synthx.models.private.sequences.layout import Layout
from synthx.models.private.sequences.lots import Lots

__all__ = ["Runs", "keys_of", "pick"]

Places = NDArray[np.int64]
Floats = NDArray[np.float64]


def keys_of(frame: pd.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, Places]:
    """Return the keys of the rows that have one, as text, and where they stand.

    How a key is written must not depend on how others are stored: 7 and 7.0 are one.
    """
    known = np.flatnonzero(frame[list(names)].notna().all(axis=1).to_numpy())
    text = {name: spelled(frame[name].iloc[known]).map(ascii) for name in names}  # ASCII: any text can be hashed
    return pd.DataFrame(text), known


@dataclasses.dataclass(frozen=True)
class Runs:
    """Steps of entities, one entity after the other.

    Parameters
    ----------
    rows : int array, shape (steps,)
        Where each step stands in the table.
    lengths : int array, shape (entities,)
        How many steps each has, at most the horizon.
    clock : float array, shape (steps,)
        The time of each step; its number, where there is no time.
    cut : int
        How many entities had more steps than the horizon.
    lots : Lots
    """

    rows: Places
    lengths: Places
    clock: Floats
    cut: int
    lots: Lots

    @classmethod
    def of(cls, frame: pd.DataFrame, layout: Layout) -> Runs:
        """Find the steps of a long table; of more than the horizon, the first count."""
        keys, known = keys_of(frame, layout.schema.entity)
        entities = Entities.of(keys, layout.schema.entity)
        when = None
        if layout.time is not None:
            when = layout.time.read(frame[layout.time.column.name].iloc[known])
            when = layout.time.clip(np.where(np.isnan(when), layout.time.ends[0], when))
        order = entities.sorted_rows(when)
        sizes = entities.sizes
        place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        kept = place < layout.horizon
        order, place = order[kept], place[kept]
        clock = place.astype(np.float64) if when is None else when[order]
        cut = int((sizes > layout.horizon).sum())
        return cls(known[order], np.minimum(sizes, layout.horizon), clock, cut, Lots(entities.keys))

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def starts(self) -> Places:
        """The first step of each entity."""
        starts: Places = np.cumsum(self.lengths) - self.lengths
        return starts

    @property
    def first_of(self) -> Places:
        """For each step the first step of its entity."""
        return np.repeat(self.starts, self.lengths)


def pick(runs: Runs, candidates: NDArray[np.bool_], chance: Floats, *, follow: bool = False) -> Places:
    """Pick one of each entity's candidates.

    Parameters
    ----------
    runs : Runs
    candidates : bool array, shape (steps,)
    chance : float array, shape (entities,)
        In [0, 1): decides which.
    follow : bool
        Pick two candidates, one of which follows the other.

    Returns
    -------
    int array, shape (entities,) or (entities, 2)
        Steps; -1 where there are none.
    """
    places = np.append(np.flatnonzero(candidates), -1)
    first, end = (np.searchsorted(places[:-1], edge) for edge in (runs.starts, runs.starts + runs.lengths))
    many = np.maximum(end - first - int(follow), 0)
    chosen = np.where(many > 0, first + (chance * many).astype(np.int64), len(places) - 1)
    if follow:
        chosen = np.stack([chosen, np.where(many > 0, chosen + 1, len(places) - 1)], axis=1)
    picked: Places = places[chosen]
    return picked
