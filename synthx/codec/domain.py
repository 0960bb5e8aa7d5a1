"""The sizes of coded columns: the one thing about a table that every part of the house agrees on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np

__all__ = ["Domain"]


@dataclasses.dataclass(frozen=True)
class Domain:
    """Named columns and the number of codes of each.

    Examples
    --------
    >>> domain = Domain(("sex", "age"), (2, 74))
    >>> domain.total, domain.starts.tolist()
    (76, [0, 2])
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.sizes):
            raise ValueError(f"`names` and `sizes` must have one length, however: {self.names=}, {self.sizes=}")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def total(self) -> int:
        """The number of codes of all columns together."""
        return sum(self.sizes)

    @property
    def starts(self) -> np.ndarray:
        """The first position of each column when all codes stand in one row; shape (columns,)."""
        return np.concatenate([[0], np.cumsum(self.sizes)])[:-1].astype(np.int64)

    def index(self, name: str) -> int:
        return self.names.index(name)

    def project(self, names: Iterable[str]) -> Domain:
        """Return the domain of the named columns.

        Examples
        --------
        >>> Domain(("sex", "age"), (2, 74)).project(["age"])
        Domain(names=('age',), sizes=(74,))
        """
        chosen = tuple(names)
        return Domain(chosen, tuple(self.sizes[self.index(name)] for name in chosen))

    def size(self, names: Iterable[str] | None = None) -> int:
        """Return the number of cells of the contingency table of the named columns (of all, if None).

        Examples
        --------
        >>> Domain(("sex", "age"), (2, 74)).size()
        148
        """
        return math.prod(self.project(self.names if names is None else names).sizes)
