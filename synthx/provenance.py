"""Where the rows of a fit came from, as far as a model file may tell."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from synthx.errors import DataError

__all__ = ["SplitRecord"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SplitRecord:
    """How training rows and holdout were split, so that an evaluation can say whom it judged with.

    Parameters
    ----------
    share : float
        Of rows that were held back.
    entity : tuple of str
        Columns whose equal values stayed on one side; empty where every row stood for itself.
    stratify, time : str, optional
        The column whose shares both sides kept, or by which the latest rows were held back.
    seed : int
    train_rows, holdout_rows : int, optional
        None in files of private models, where counts are secret.
    """

    share: float
    entity: tuple[str, ...] = ()
    stratify: str | None = None
    time: str | None = None
    seed: int = 0
    train_rows: int | None = None
    holdout_rows: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**dataclasses.asdict(self), "entity": list(self.entity)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Rebuild what `to_dict` gave.

        Raises
        ------
        TypeError
            If a field is missing or unknown.
        """
        return cls(**{**values, "entity": tuple(values.get("entity", ()))})

    def to_json(self, path: str | Path) -> None:
        """Write the record to a file, which may exist."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def from_json(cls, path: str | Path) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        DataError
            If the file is missing or holds no such record.
        """
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DataError(
                f"the file {str(path)!r} holds no record of a split ({error})",
                remedy="give a file that `synthx split --record` wrote",
            ) from error

    def check_rows(self, rows: int) -> None:
        """Refuse a training table that is not the one that was split off.

        Raises
        ------
        DataError
        """
        if self.train_rows is not None and rows != self.train_rows:
            raise DataError(
                f"the table has {rows:,} rows, and the split that --split names left {self.train_rows:,} to learn from",
                remedy="give the table that `synthx split` wrote as --train",
            )

    def without_counts(self) -> Self:
        """Return the record as a private model may keep it."""
        return dataclasses.replace(self, train_rows=None, holdout_rows=None)
