"""Comma-separated text to columns, by rules that do not change what a cell says.

Every cell is first read as text (by Arrow, in parallel); a column then becomes numbers only if *all* of its cells are
written as numbers are. See `synthx.io.read_table` for the rules as users read them.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from synthx.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["read_csv"]

MISSING = ("", "NaN", "nan", "-NaN", "-nan", "<NA>", "#N/A")
"""Cells that are missing in any column: what programs write, and no person means as a category."""

MISSING_AMONG_NUMBERS = ("NA", "N/A", "n/a", "None", "NULL", "null", "NaT", ".", "-")
"""Cells that are missing in a column of numbers, but stay text elsewhere: `NA` is Namibia, `None` may be an answer."""

# At most 18 digits fit into 64 bits whatever they are; longer ones are account numbers, and stay text. So does what
# starts with a superfluous zero or a plus sign: ZIP codes and telephone numbers.
INTEGER = r"^-?(0|[1-9][0-9]{0,17})$"
DECIMAL = r"^(-?((0|[1-9][0-9]{0,17})(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?(inf|Inf|INF)(inity)?)$"
TRUTH = r"^(True|False)$"

PROBE = 1_000
"""Cells that are looked at first, so that a long column of text is not matched to its end three times."""


def read_csv(path: Path, *, text: frozenset[str] = frozenset()) -> pd.DataFrame:
    """Read a CSV file, plain or gzipped.

    Parameters
    ----------
    path : Path
        The file; its name ends in ``.gz`` if it is compressed.
    text : frozenset of str
        Names of the columns that stay text whatever they hold.

    Raises
    ------
    DataError
        If the file is empty, holds only a header, names a column twice, has a row of another length than its header,
        is not UTF-8, or is a damaged gzip file.
    """
    import pandas as pd

    with _readable(path):
        header = _header(path)
        table = _cells(path, header)
    if table.num_rows == 0:
        raise _without_rows(path)
    names = [name or f"Unnamed: {position}" for position, name in enumerate(header)]
    columns = {
        name: _text(cells) if name in text else _typed(cells) for name, cells in zip(names, table.columns, strict=True)
    }
    return pd.DataFrame(columns, copy=False)


# -- the file -------------------------------------------------------------------------------------------------------


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(
            f"the file {str(path)!r} is not UTF-8 text (byte {error.object[error.start]:#04x} at {error.start})",
            remedy="save it again as UTF-8",
        ) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"the file {str(path)!r} is not a whole gzip file ({error})", remedy="copy or compress it again"
        ) from error


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 2] + " …"


def _header(path: Path) -> list[str]:
    with _open(path) as lines:
        header = next((row for row in csv.reader(lines) if row), None)
    if header is None:
        raise DataError(f"the file {str(path)!r} is empty", remedy="give a table with a header and rows")
    for separator, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
        if len(header) == 1 and separator in header[0]:
            only = _short(header[0])
            raise DataError(
                f"the header of {str(path)!r} is the single column {only!r}, as if {word} separated the cells",
                remedy="save the table with commas between the cells and points in the numbers",
            )
    named = [name for name in header if name]
    twice = next((name for position, name in enumerate(named) if name in named[:position]), None)
    if twice is not None:
        raise DataError(f"the file {str(path)!r} has two columns named {twice!r}", remedy="rename or drop one")
    return header


def _cells(path: Path, header: list[str]) -> pa.Table:
    """Read every cell as text; `MISSING` becomes null."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    try:
        table = arrow.read_csv(
            path,
            parse_options=arrow.ParseOptions(newlines_in_values=True),
            convert_options=arrow.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                null_values=list(MISSING),
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        _explain(path, len(header))
        raise DataError(f"the file {str(path)!r} is not a CSV table ({error})", remedy="save it again") from error
    except OSError as error:  # Arrow says so of a gzip file that ends too soon
        raise DataError(f"the file {str(path)!r} cannot be read ({error})", remedy="copy it again") from error
    _check_last_quote(path, table)
    return table


def _without_rows(path: Path) -> DataError:
    return DataError(f"the file {str(path)!r} has a header but no rows", remedy="give a table with rows")


def _explain(path: Path, width: int) -> None:
    """Find the line that Arrow stumbled over; Python's reader is slower, but knows its number."""
    rows = 0
    with _open(path) as lines:
        reader = csv.reader(lines)
        try:
            for row in reader:
                rows += bool(row)
                if row and len(row) != width:
                    raise DataError(
                        f"line {reader.line_num} of {str(path)!r} has {len(row)} cells, but the header has {width}",
                        remedy="correct that line; a cell that holds a comma needs quotation marks around it",
                    )
        except csv.Error as error:
            raise DataError(
                f"line {reader.line_num} of {str(path)!r} is not CSV ({error})", remedy="correct that line"
            ) from error
    if rows == 1:
        raise _without_rows(path)


def _check_last_quote(path: Path, table: pa.Table) -> None:
    """Raise where a quotation mark that is never closed has swallowed the rest of the file into its last cell."""
    last = [cell for cell in (column[-1].as_py() for column in table.columns if table.num_rows) if cell]
    if not last or "\n" not in last[-1]:
        return
    with _open(path) as lines:
        reader = csv.reader(lines, strict=True)
        line = 1
        try:
            for _ in reader:
                line = reader.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"a quotation mark in line {line} of {str(path)!r} is never closed", remedy="correct that line"
            ) from error


# -- the columns ----------------------------------------------------------------------------------------------------


def _typed(cells: pa.ChunkedArray) -> pd.Series[Any]:
    """Return the cells as numbers or truth values if all of them are written so, else as text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if cells.null_count == len(cells):
        return _to_pandas(cells.cast(pa.float64()))  # nothing says what it would hold
    if pc.all(pc.match_substring_regex(cells.slice(0, PROBE), TRUTH)).as_py() and _all_match(cells, TRUTH):
        truth = pc.equal(cells, "True")
        return _to_pandas(truth, "boolean" if truth.null_count else None)
    for pattern, dtype in ((INTEGER, pa.int64()), (DECIMAL, pa.float64())):
        numbers = _numbers(cells, pattern)
        if numbers is not None:
            numbers = numbers.cast(dtype)
            return _to_pandas(numbers, "Int64" if numbers.null_count and dtype == pa.int64() else None)
    return _text(cells)


def _numbers(cells: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray | None:
    """Return the cells trimmed, with `MISSING_AMONG_NUMBERS` made null, if the rest match; else None."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for part in (cells.slice(0, PROBE), cells):
        trimmed = pc.utf8_trim_whitespace(part)
        absent = pc.is_in(trimmed, value_set=pa.array([*MISSING_AMONG_NUMBERS, *MISSING]))
        trimmed = pc.if_else(absent, pa.scalar(None, pa.string()), trimmed)
        if not _all_match(trimmed, pattern):
            return None
    return trimmed if trimmed.null_count < len(trimmed) else None


def _all_match(cells: pa.ChunkedArray, pattern: str) -> bool:
    """Whether every cell that is there matches."""
    import pyarrow.compute as pc

    return pc.all(pc.match_substring_regex(cells, pattern)).as_py() is not False


def _to_pandas(cells: pa.ChunkedArray, dtype: str | None = None) -> pd.Series[Any]:
    """Return a pandas column, of an extension `dtype` where one is named."""
    import pandas as pd

    mapper = None if dtype is None else {cells.type: pd.api.types.pandas_dtype(dtype)}.get
    series: pd.Series[Any] = cells.to_pandas(types_mapper=mapper)
    return series


def _text(cells: pa.ChunkedArray) -> pd.Series[Any]:
    """Return the cells as pandas reads text: Python strings in an object column, NaN where missing."""
    import numpy as np

    series = _to_pandas(cells)
    return series.where(series.notna(), np.nan) if cells.null_count else series
