"""Whom the rows of a long table belong to: entities, the order of their rows, what is constant within them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.errors import DataError

__all__ = ["Entities"]

FEWEST_REPEATS = 10
"""Rows that must follow another row of their entity before a column is taken to be constant within entities."""


@dataclasses.dataclass(frozen=True)
class Entities:
    """The entities of a long table, in the order in which they first occur.

    Parameters
    ----------
    names : tuple of str
        The columns of the key.
    keys : DataFrame, shape (entities, key columns)
        The key of each entity.
    of_row : int array, shape (rows,)
        The entity of each row.
    """

    names: tuple[str, ...]
    keys: pd.DataFrame
    of_row: NDArray[np.int64]

    @classmethod
    def of(cls, frame: pd.DataFrame, names: Sequence[str]) -> Entities:
        """Find the entities of a table by the columns of their key.

        Raises
        ------
        DataError
            If a key is missing in a row.
        """
        for name in names:
            missing = frame[name].isna().to_numpy()
            if missing.any():
                raise DataError(
                    f"the entity's key {name!r} is missing in row {int(missing.argmax()) + 1}",
                    remedy="drop such rows, or give them a key",
                )
        parts = [pd.factorize(frame[name])[0] for name in names]
        combined = parts[0].astype(np.int64)
        for part in parts[1:]:
            combined = pd.factorize(combined * (int(part.max(initial=0)) + 1) + part)[0].astype(np.int64)
        firsts = np.unique(combined, return_index=True)[1]
        return cls(tuple(names), frame[list(names)].iloc[firsts].reset_index(drop=True), combined)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The number of rows of each entity."""
        return np.bincount(self.of_row, minlength=len(self))

    @property
    def firsts(self) -> NDArray[np.int64]:
        """The first row of each entity."""
        return np.unique(self.of_row, return_index=True)[1]

    def describe(self, entity: int) -> str:
        """Return an entity's key as people write it: ``patient=17``."""
        return ", ".join(f"{name}={self.keys[name].iloc[entity]}" for name in self.names)

    def sorted_rows(self, when: NDArray[np.float64] | None = None) -> NDArray[np.int64]:
        """Return the rows entity by entity, in order of time where it is given (rows of one time as they stand)."""
        return np.argsort(self.of_row, kind="stable") if when is None else np.lexsort((when, self.of_row))

    def constant(self, frame: pd.DataFrame) -> tuple[str, ...]:
        """Return the columns whose cells are the same in all rows of each entity; none if hardly one has two rows."""
        if len(self.of_row) - len(self) < FEWEST_REPEATS:
            return ()
        return tuple(name for name in frame.columns if not self._differs(frame[name]).any())

    def check_constant(self, frame: pd.DataFrame) -> None:
        """Raise unless every column is the same in all rows of each entity.

        Raises
        ------
        DataError
            Naming the entity and the values.
        """
        for name in frame.columns:
            differs = self._differs(frame[name])
            if differs.any():
                entity = int(self.of_row[int(differs.argmax())])
                cells = frame[name][self.of_row == entity].drop_duplicates().tolist()
                raise DataError(
                    f"the static column {name!r} varies within the entity {self.describe(entity)}: "
                    f"{', '.join(map(repr, cells[:3]))}",
                    remedy="correct it, or do not name it as static",
                )

    def _differs(self, series: pd.Series[Any]) -> NDArray[np.bool_]:
        """Return where a cell is not that of its entity's first row; missing equals missing."""
        codes = pd.factorize(series)[0]  # missing is -1
        return np.asarray(codes != codes[self.firsts][self.of_row])
