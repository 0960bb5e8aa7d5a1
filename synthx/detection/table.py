"""A table: roles are checked, every column is read and judged, and the schema is put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from synthx.detection.cells import Cells, Finding, read_cells
from synthx.detection.column import find_entity, find_kind, find_learned, find_time, plain_scalar
from synthx.detection.public import declare, declare_levels
from synthx.entities import Entities
from synthx.errors import DataError, SchemaError, listed
from synthx.schema import Column, Kind, Role, Schema

__all__ = ["detect"]

MOST_LABELS, ROWS_A_LABEL = 20, 10
"""A target's levels are declared if there are at most 20, or if there are 10 rows for each on average."""


def detect(
    frame: pd.DataFrame,
    *,
    target: str | None = None,
    protected: Iterable[str] = (),
    entity: str | Iterable[str] | None = None,
    time: str | None = None,
    static: Iterable[str] | None = None,
    assume_public: bool = False,
) -> Schema:
    """Detect what each column of a table is.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (rows, columns)
        The table; column names are text.
    target : str, optional
        The column to predict. If it is discrete and has few levels, they are declared: the list of labels is taken as
        public.
    protected : iterable of str
        Columns whose groups must be treated alike.
    entity : str or iterable of str, optional
        The key of whom a row belongs to, one column or several; an identifier even though it repeats.
    time : str, optional
        What orders the rows of an entity: dates or numbers.
    static : iterable of str, optional
        The columns that are constant within an entity; by default those that are found to be.
    assume_public : bool
        Declare the levels of all discrete columns, and the bounds and decimals of numbers and dates, as they occur in
        the data. The user vouches that these are public; under differential privacy they cost nothing.

    Returns
    -------
    Schema
        One column each, in the table's order, with the reason for its kind. Without `assume_public` only these are
        declared: the labels of flags, the levels of ordered categories, the value of a constant, the target's labels.

    Raises
    ------
    DataError
        If the table is empty, a name is not text or occurs twice, cells are infinite or of an unreadable type, the
        target has one class only, the time column holds neither dates nor numbers, an entity's key is missing, or a
        column that is said to be static varies within an entity.
    SchemaError
        If a role names a column that the table lacks, one column is given two roles, or static columns are named
        without an entity.
    """
    _check_table(frame)
    keys = (entity,) if isinstance(entity, str) else tuple(dict.fromkeys(entity or ()))
    roles = _assign_roles(list(frame.columns), target=target, protected=protected, entity=keys, time=time)
    constant = _find_static(frame, keys, time, static)
    columns = []
    for name in frame.columns:
        cells = read_cells(frame[name])
        role = roles.get(name)
        column = _make_column(cells, role, _finder(role)(cells), static=name in constant)
        if role is Role.TARGET:
            _check_target(column, cells)
            column = declare_levels(column, cells) if _is_list_of_labels(column, cells) else column
        columns.append(declare(column, cells) if assume_public else column)
    return Schema(tuple(columns))


def _check_table(frame: pd.DataFrame) -> None:
    if frame.shape[1] == 0 or frame.shape[0] == 0:
        what = "columns" if frame.shape[1] == 0 else "rows"
        raise DataError(f"the table has no {what}", remedy="give a table with at least one row and one column")
    for name in frame.columns:
        if not isinstance(name, str):
            raise DataError(
                f"the column name {name!r} is {type(name).__name__}, not text",
                remedy="rename the columns, e.g. frame.columns = frame.columns.map(str)",
            )
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise DataError(f"the table has column {doubled[0]!r} more than once", remedy="rename or drop one of them")


def _assign_roles(
    names: list[str], *, target: str | None, protected: Iterable[str], entity: tuple[str, ...], time: str | None
) -> dict[str, Role]:
    if isinstance(protected, str):
        protected = (protected,)
    wanted = [(target, Role.TARGET), *((name, Role.PROTECTED) for name in protected)]
    wanted += [*((name, Role.ENTITY) for name in entity), (time, Role.TIME)]
    roles: dict[str, Role] = {}
    for name, role in wanted:
        if name is None:
            continue
        _check_known(name, str(role), names)
        if roles.get(name, role) is not role:
            raise SchemaError(
                f"column {name!r} is given two roles, {roles[name]} and {role}",
                remedy="give each column one role, or copy the column under another name",
            )
        roles[name] = role
    return roles


def _check_known(name: str, role: str, names: list[str]) -> None:
    if name not in names:
        raise SchemaError(
            f"the {role} column {name!r} is not in the table",
            remedy=f"choose a column of the table, such as {listed(names, name)}",
        )


def _find_static(
    frame: pd.DataFrame, entity: tuple[str, ...], time: str | None, static: Iterable[str] | None
) -> frozenset[str]:
    """Return the columns that are constant within an entity: those named, once they are checked, or those found."""
    named = (static,) if isinstance(static, str) else tuple(static or ())
    if not entity:
        if named:
            raise SchemaError("static columns are named, but no entity", remedy="name the entity's key as well")
        return frozenset()
    entities = Entities.of(frame, entity)
    if static is None:
        others = [name for name in frame.columns if name not in entity and name != time]
        return frozenset(entities.constant(frame[others]))
    for name in named:
        _check_known(name, "static", list(frame.columns))
    entities.check_constant(frame[list(named)])
    return frozenset(named)


def _finder(role: Role | None) -> Callable[[Cells], Finding]:
    if role is Role.ENTITY:
        return find_entity
    if role is Role.TIME:
        return find_time
    if role is None:
        return find_kind
    return lambda cells: find_learned(cells, role.value)


def _make_column(cells: Cells, role: Role | None, found: Finding, *, static: bool) -> Column:
    return Column(
        name=cells.name,
        kind=found.kind,
        dtype=cells.dtype,
        role=role,
        nullable=cells.present < cells.rows,
        static=static and found.kind is not Kind.CONSTANT,
        levels=found.levels,
        decimals=found.decimals,
        format=found.format,
        reason=f"{found.reason}: {found.kind}",
    )


def _is_list_of_labels(column: Column, cells: Cells) -> bool:
    """Whether a target's levels are a short list that may be taken as public, and not, say, people's names."""
    count = len(cells.distinct)
    return column.kind.is_discrete and (count <= MOST_LABELS or count * ROWS_A_LABEL <= cells.present)


def _check_target(column: Column, cells: Cells) -> None:
    if (column.kind is Kind.CONSTANT or column.kind.is_discrete) and len(cells.distinct) < 2:
        classes = "no class" if len(cells.distinct) == 0 else f"one class only, {plain_scalar(cells.distinct[0])!r}"
        raise DataError(f"the target column {column.name!r} has {classes}", remedy="give rows of at least two classes")
