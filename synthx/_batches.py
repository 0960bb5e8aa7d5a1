"""Frames that come in pieces of any size, handed on in pieces of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Pieces", "joined", "regrouped"]


class Pieces:
    """Rows in waiting: frames of the same columns go in, rows come out in the same order."""

    def __init__(self) -> None:
        self._frames: list[pd.DataFrame] = []
        self.rows = 0
        """Rows in waiting."""

    def put(self, frame: pd.DataFrame) -> None:
        self._frames.append(frame)
        self.rows += len(frame)

    def take(self, rows: int) -> pd.DataFrame:
        """Return the first `rows` rows in waiting (all, where there are fewer) with a fresh index."""
        parts: list[pd.DataFrame] = []
        missing = rows
        while self._frames and (missing > 0 or not parts):
            frame = self._frames.pop(0)
            if len(frame) > missing:
                self._frames.insert(0, frame.iloc[missing:])
                frame = frame.iloc[:missing]
            parts.append(frame)
            missing -= len(frame)
        taken = joined(parts)
        self.rows -= len(taken)
        return taken


def regrouped(frames: Iterable[pd.DataFrame], rows: int) -> Iterator[pd.DataFrame]:
    """Yield the rows of `frames` in frames of `rows` rows each; the last one may have fewer."""
    pieces = Pieces()
    for frame in frames:
        pieces.put(frame)
        while pieces.rows >= rows:
            yield pieces.take(rows)
    if pieces.rows:
        yield pieces.take(pieces.rows)


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return frames of the same columns below each other, with a fresh index.

    What is missing throughout a piece does not decide the dtype of a column.
    """
    import pandas as pd

    if len(frames) == 1:
        return frames[0].reset_index(drop=True)
    if all(frame.dtypes.equals(frames[0].dtypes) for frame in frames[1:]):
        return pd.concat(frames, ignore_index=True)
    columns = [_joined_column([frame.iloc[:, place] for frame in frames]) for place in range(frames[0].shape[1])]
    table = pd.concat(columns, axis=1)
    table.columns = frames[0].columns
    return table


def _joined_column(parts: list[pd.Series[Any]]) -> pd.Series[Any]:
    import pandas as pd

    told = [part for part in parts if part.notna().any()]
    if not told or len({str(part.dtype) for part in parts}) == 1:
        return pd.concat(parts, ignore_index=True)
    dtype = pd.concat(told, ignore_index=True).dtype
    if dtype.kind in "iub" and len(told) < len(parts):  # NumPy's cannot hold a missing cell
        dtype = told[0].convert_dtypes().dtype
    blank = [part if part.notna().any() else pd.Series(None, index=part.index, dtype=dtype) for part in parts]
    return pd.concat(blank, ignore_index=True)
