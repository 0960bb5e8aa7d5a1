"""Long tables from what people have: windows of numbers, one long series, a table of entities beside one of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from synthx.errors import DataError, ParameterError, SchemaError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from synthx.schema import Schema

__all__ = ["cut_windows", "from_windows", "join_static", "split_static", "to_windows"]

WINDOW = "window"
"""The key of windows."""


def from_windows(windows: np.ndarray, names: Sequence[str] | None = None) -> tuple[pd.DataFrame, Schema]:
    """Return windows of numbers, as tslearn and most papers keep them, as a long table and its schema.

    Parameters
    ----------
    windows : float array, shape (windows, steps, features)
        Steps at the end of a window that are NaN in all features are padding and left out; other NaN cells are
        missing.
    names : sequence of str, optional
        Of the features; ``x0``, ``x1`` … by default.

    Returns
    -------
    (DataFrame, Schema)
        With the columns ``window`` (the key) and the features; the order of rows is the order of steps.

    Raises
    ------
    DataError
        If the array has not three dimensions, holds no number, or a window is all padding.
    ParameterError
        If there are not as many names as features, or one is ``window``.

    Examples
    --------
    >>> frame, schema = from_windows([[[1.5], [2.5]], [[0.5], [float("nan")]]])
    >>> frame
       window   x0
    0       0  1.5
    1       0  2.5
    2       1  0.5
    """
    import numpy as np
    import pandas as pd

    from synthx.schema import Schema

    try:
        array = np.asarray(windows)
    except ValueError:  # nested lists of unequal lengths
        raise DataError(
            "windows differ in how many steps or features they have",
            remedy="pad them with NaN at the end to an array of shape (windows, steps, features)",
        ) from None
    if array.ndim != 3 or 0 in array.shape or array.dtype.kind not in "fiub":
        raise DataError(
            f"windows have shape {array.shape} and dtype {array.dtype}",
            remedy="give an array of numbers of shape (windows, steps, features)",
        )
    names = [f"x{feature}" for feature in range(array.shape[2])] if names is None else list(names)
    if len(names) != array.shape[2] or len(set(names)) < len(names) or WINDOW in names:
        raise ParameterError(
            f"{len(names)} names {names[:3]!r} … for {array.shape[2]} features",
            remedy=f"give each feature a name of its own, other than {WINDOW!r}",
        )
    filled = ~np.isnan(array).all(axis=2)
    lengths = np.where(filled.any(axis=1), array.shape[1] - filled[:, ::-1].argmax(axis=1), 0)
    if (lengths == 0).any():
        raise DataError(f"window {int((lengths == 0).argmax())} holds no number", remedy="leave it out")
    real = np.arange(array.shape[1]) < lengths[:, None]
    frame = pd.DataFrame(array[real], columns=names)
    frame.insert(0, WINDOW, np.repeat(np.arange(len(array)), lengths))
    return frame, Schema.detect(frame, entity=WINDOW, static=())


def to_windows(frame: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return the sequences of a long table as windows, padded with NaN at the end.

    Returns
    -------
    float array, shape (entities, longest, features)
        Entities in the order in which they first occur, steps in order of time; the features are the columns stored
        as numbers, flags among them, that are neither key, time nor static.

    Raises
    ------
    SchemaError
        If the schema names no entity, or there is no such column.
    DataError
        If the table is empty or contradicts the schema.
    """
    import numpy as np
    import pandas as pd

    from synthx.codec import cells
    from synthx.codec.sequence.long import LongTable, step_schema
    from synthx.schema import Role

    long = LongTable.of(frame, schema)
    if not len(frame):
        raise DataError("the table has no rows", remedy="give a table with at least one row")
    columns = [
        # However few values a feature of windows shows, so that detection calls it a flag: it is a feature.
        cells.read_strictly(series, column)
        if column.kind.is_number
        else series.to_numpy(dtype=np.float64, na_value=np.nan)
        for column, series in ((column, long.steps[column.name]) for column in step_schema(schema))
        if column.role is not Role.TIME and (column.kind.is_number or pd.api.types.is_numeric_dtype(series.dtype))
    ]
    if not columns:
        raise SchemaError("no column of numbers changes from step to step", remedy="windows hold numbers only")
    values = np.stack(columns, axis=1)
    windows = np.full((len(long.entities), int(long.lengths.max()), len(columns)), np.nan)
    place = np.arange(len(values)) - np.repeat(long.starts, long.lengths)
    windows[np.repeat(np.arange(len(long.entities)), long.lengths), place] = values
    return windows


def cut_windows(
    series: pd.DataFrame, length: int, *, stride: int = 1, time: str | None = None
) -> tuple[pd.DataFrame, Schema]:
    """Cut one long series into overlapping windows: a long table and its schema.

    Neighbouring windows share rows, so each row of the series counts `length` / `stride` times: that no value is kept
    which fewer than `rare_threshold` rows share says less about windows, and no privacy guarantee for a person or a
    day can be read off them.

    Parameters
    ----------
    series : DataFrame, shape (rows, columns)
        In order of time, where no column tells it.
    length : int
        Steps of a window.
    stride : int
        Steps from the beginning of a window to that of the next.
    time : str, optional
        A column that tells the time; rows are put in its order, those of one time stay as they stand.

    Returns
    -------
    (DataFrame, Schema)
        With the column ``window`` (the key) before the others.

    Raises
    ------
    ParameterError
        If `length` or `stride` is not a positive whole number.
    DataError
        If the series is shorter than a window, has a column ``window``, or its time is missing in a row.
    """
    import numpy as np

    from synthx.schema import Schema

    for name, value in (("length", length), ("stride", stride)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ParameterError(f"{name} is {value!r}", remedy="give a whole number of steps from 1 on")
    if WINDOW in series.columns:
        raise DataError(f"the series has a column {WINDOW!r} already", remedy="rename it")
    if len(series) < length:
        raise DataError(
            f"the series has {len(series)} rows, fewer than a window of {length}", remedy="ask for shorter windows"
        )
    if time is not None and time in series.columns:
        series = series.iloc[_in_time(series[[time]], time)]
    starts = np.arange(0, len(series) - length + 1, stride)
    rows = (starts[:, None] + np.arange(length)).ravel()
    frame = series.iloc[rows].reset_index(drop=True)
    frame.insert(0, WINDOW, np.repeat(np.arange(len(starts)), length))
    return frame, Schema.detect(frame, entity=WINDOW, time=time, static=())


def _in_time(frame: pd.DataFrame, time: str) -> np.ndarray:
    """Return the rows in order of time."""
    import numpy as np

    from synthx.codec.sequence.long import read_times
    from synthx.schema import Schema

    when = read_times(frame, Schema.detect(frame, time=time))
    assert when is not None
    order: np.ndarray = np.argsort(when, kind="stable")
    return order


def join_static(steps: pd.DataFrame, static: pd.DataFrame, entity: str | Sequence[str]) -> pd.DataFrame:
    """Join a table of entities, a row each, to a table of their steps.

    Parameters
    ----------
    steps : DataFrame, shape (steps, columns)
    static : DataFrame, shape (entities, columns)
    entity : str or sequence of str
        The columns of the key, which both tables have.

    Returns
    -------
    DataFrame, shape (steps, columns of both)
        The long table: the columns of `steps`, then those of `static`.

    Raises
    ------
    DataError
        If a key column is lacking, an entity is in one table only or twice in `static`, or the tables share another
        column.
    """
    from synthx.entities import Entities

    keys = [entity] if isinstance(entity, str) else list(entity)
    for table, what in ((steps, "steps"), (static, "entities")):
        lacking = [key for key in keys if key not in table.columns]
        if lacking:
            raise DataError(
                f"the table of {what} has no column {lacking[0]!r}", remedy="name a key that both tables have"
            )
    shared = [name for name in static.columns if name in steps.columns and name not in keys]
    if shared:
        raise DataError(f"both tables have a column {shared[0]!r}", remedy="rename or drop one of the two")
    if not len(steps) or not len(static):
        raise DataError(f"the table of {'entities' if len(steps) else 'steps'} is empty", remedy="give one with rows")
    of_static, of_steps = Entities.of(static, keys), Entities.of(steps, keys)
    twice = of_static.sizes > 1
    if twice.any():
        raise DataError(
            f"the entity {of_static.describe(int(twice.argmax()))} has more than one row in the table of entities",
            remedy="keep one row each",
        )
    try:
        joined = of_steps.keys.merge(of_static.keys, on=keys, how="outer", indicator=True)
    except ValueError:  # what pandas says of numbers against text
        key = next(key for key in keys if steps[key].dtype != static[key].dtype)
        raise DataError(
            f"the key {key!r} is {steps[key].dtype} in the table of steps, but {static[key].dtype} in that of entities",
            remedy="write it alike in both tables",
        ) from None
    for side, have, lack in (("left_only", "steps", "entities"), ("right_only", "entities", "steps")):
        alone = joined[joined["_merge"] == side]
        if len(alone):
            key = ", ".join(f"{name}={alone[name].iloc[0]}" for name in keys)
            others = f" (and {len(alone) - 1:,} more)" if len(alone) > 1 else ""
            raise DataError(
                f"the entity {key}{others} is in the table of {have}, but has no row in that of {lack}",
                remedy="drop it there, or add what is lacking",
            )
    return steps.merge(static, on=keys, how="left", validate="many_to_one")


def split_static(frame: pd.DataFrame, schema: Schema) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part a long table into one of steps and one of entities; both have the key.

    Returns
    -------
    (DataFrame, DataFrame)
        The steps, without the static columns; and a row for each entity, in the order in which they first occur.

    Raises
    ------
    SchemaError
        If the schema names no entity.
    DataError
        If the columns are not those of the schema, a key is missing, or a static column varies.
    """
    from synthx.entities import Entities

    if not schema.entity:
        raise SchemaError("the schema names no entity", remedy="name the column that says whom a row belongs to")
    schema.check_names(frame.columns)
    entities = Entities.of(frame, schema.entity)
    entities.check_constant(frame[list(schema.static)])
    names = [*schema.entity, *schema.static]
    static = frame[names].iloc[entities.firsts].reset_index(drop=True)
    return frame.drop(columns=list(schema.static)), static
