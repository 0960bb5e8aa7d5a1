"""Rows as imbalanced-learn hands them over (frames, arrays, sparse matrices), as frames and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

__all__ = ["as_frame", "join_index", "with_rows"]


def as_frame(X: Any) -> pd.DataFrame:
    """Return the rows as a frame of dense columns that are named by text, each name once."""
    if isinstance(X, pd.DataFrame):
        names = [str(name) for name in X.columns]
        if len(set(names)) < len(names):
            names = _numbered(len(names))
        columns = {name: _dense(X.iloc[:, place]) for place, name in enumerate(names)}
        return pd.DataFrame(columns, copy=False).reset_index(drop=True)
    cells = X.toarray() if sparse.issparse(X) else np.asarray(X)
    frame = pd.DataFrame(cells, columns=_numbered(cells.shape[1]))
    return frame.infer_objects() if cells.dtype == object else frame


def with_rows(X: Any, more: pd.DataFrame) -> Any:
    """Return the rows of `X`, unchanged and first, and then `more`, in the container and with the types of `X`."""
    if isinstance(X, pd.DataFrame):
        joined = {
            place: pd.concat([X.iloc[:, place], more.iloc[:, place].astype(X.dtypes.iloc[place])], ignore_index=True)
            for place in range(X.shape[1])
        }
        frame = pd.DataFrame(joined, copy=False)
        frame.columns = X.columns
        frame.index = join_index(X.index, len(more))
        return frame
    if sparse.issparse(X):
        below = sparse.csr_matrix(more.to_numpy(dtype=X.dtype))
        return sparse.vstack([X, below], format=X.format, dtype=X.dtype)
    return np.concatenate([X, more.to_numpy(dtype=X.dtype)])


def join_index(index: pd.Index[Any], rows: int) -> pd.Index[Any]:
    """Return the index with more labels: numbers are counted on, others cannot be made up and are missing.

    Examples
    --------
    >>> join_index(pd.Index([3, 8]), 2).tolist()
    [3, 8, 9, 10]
    >>> join_index(pd.Index(["a"]), 1).tolist()
    ['a', None]
    """
    if isinstance(index, pd.RangeIndex) and (index.start, index.step) == (0, 1):
        return pd.RangeIndex(len(index) + rows, name=index.name)
    if isinstance(index, pd.MultiIndex):
        return index.append(pd.MultiIndex.from_arrays([[None] * rows] * index.nlevels, names=index.names))
    if pd.api.types.is_integer_dtype(index.dtype):
        first = int(index.max()) + 1 if len(index) else 0
        return index.append(pd.Index(np.arange(first, first + rows), dtype=index.dtype, name=index.name))
    return index.append(pd.Index([None] * rows, dtype=index.dtype, name=index.name))


def _dense(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype(column.dtype.subtype) if isinstance(column.dtype, pd.SparseDtype) else column


def _numbered(count: int) -> list[str]:
    return [f"x{place}" for place in range(count)]
