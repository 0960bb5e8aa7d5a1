"""Frames of whole numbers, decimals and text as CSV, as pandas writes them byte for byte, but faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["csv_lines"]


def csv_lines(frame: pd.DataFrame) -> str | None:
    """Return the lines of a frame, without a header; None where a column is of another kind or there is one only."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if frame.shape[1] < 2 or frame.empty:
        return None
    columns = [_texts(frame.iloc[:, index]) for index in range(frame.shape[1])]
    if any(column is None for column in columns):
        return None
    lines = pc.binary_join_element_wise(*columns, pa.scalar(",", pa.large_string()))
    return "\n".join(lines.to_pylist()) + "\n"


def _texts(column: pd.Series[Any]) -> pa.Array | None:
    """Return the cells as pandas would write them, quoted where needed, empty where missing."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    from pandas.api.types import infer_dtype

    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu":
        return pa.array(column.to_numpy()).cast(pa.large_string())
    if column.dtype == np.float64:
        cells = [None if cell != cell else repr(cell) for cell in column.tolist()]
        return pc.fill_null(pa.array(cells, pa.large_string()), "")
    if column.dtype != object or infer_dtype(column, skipna=True) != "string":
        return None
    cells = pa.array(column, pa.large_string(), from_pandas=True)
    if pc.any(pc.match_substring(cells, "\r")).as_py():
        return None  # whether it is quoted depends on Python's version
    needs = pc.match_substring_regex(cells, r'[",\n]')
    if pc.any(needs).as_py():
        doubled = pc.replace_substring(cells, '"', '""')
        quote = pa.scalar('"', pa.large_string())
        quoted = pc.binary_join_element_wise(quote, doubled, quote, pa.scalar("", pa.large_string()))
        cells = pc.if_else(needs, quoted, cells)
    return pc.fill_null(cells, "")
