"""One column: which rules apply to how its cells are stored."""

from __future__ import annotations

import dataclasses

from synthx.detection.cells import Cells, Finding, Storage
from synthx.detection.dates import find_date_number, find_date_text
from synthx.detection.keys import find_text_key, key_format
from synthx.detection.numbers import find_number, find_quantity
from synthx.detection.personal import find_personal_text
from synthx.detection.text import as_numbers, boolean_labels, find_text
from synthx.errors import DataError
from synthx.schema import Kind, Scalar

__all__ = ["find_entity", "find_kind", "find_learned", "find_time", "plain_scalar"]


def find_kind(cells: Cells) -> Finding:
    """Decide what a column is from its cells and its name."""
    return _find_fixed(cells) or _find_varying(cells)


def find_learned(cells: Cells, role: str) -> Finding:
    """Decide as `find_kind`, but never for a kind that no model learns: a target or a protected column is learned."""
    found = find_kind(cells)
    if found.kind.is_modelled or found.kind is Kind.CONSTANT:
        return found
    numbers = cells if cells.is_number else as_numbers(cells)
    found = find_quantity(numbers) if numbers is not None else Finding(Kind.CATEGORICAL, "text")
    return dataclasses.replace(found, reason=f"{found.reason}, learned since it is the {role} column")


def find_time(cells: Cells) -> Finding:
    """Decide what the time column is: dates, or numbers that count.

    Raises
    ------
    DataError
        If the column holds neither.
    """
    stored = _find_stored_date(cells)
    if stored is not None:
        return stored
    numbers = cells if cells.is_number else as_numbers(cells)
    if numbers is not None:
        found = find_date_number(numbers) or find_quantity(numbers)
        return dataclasses.replace(found, reason=f"{found.reason}, the time column")
    dates = find_date_text(cells) if cells.storage is Storage.TEXT else None
    if dates is None:
        raise DataError(
            f"the time column {cells.name!r} holds neither dates in one format nor numbers",
            remedy="bring it to one format with pd.to_datetime, or number the steps",
        )
    return dates


def find_entity(cells: Cells) -> Finding:
    """The entity's key is an identifier, whatever it looks like and however often it occurs."""
    form = key_format(cells.distinct) if cells.storage is Storage.TEXT else "sequence"
    return Finding(Kind.IDENTIFIER, f"the entity's key, {len(cells.distinct):,} distinct values", format=form)


def plain_scalar(cell: object) -> Scalar:
    """Return a cell as a plain Python value that JSON can hold; dates and other objects become text."""
    item = cell.item() if hasattr(cell, "item") else cell
    if isinstance(item, str | bool | int | float):
        return item
    return item.isoformat() if hasattr(item, "isoformat") else str(item)


def _find_fixed(cells: Cells) -> Finding | None:
    """Settle columns without any or with one value."""
    if cells.storage is Storage.EMPTY:
        return Finding(Kind.CONSTANT, "no value at all: every cell is missing")
    if len(cells.distinct) > 1 or cells.ordered:
        return None
    personal = find_personal_text(cells) if cells.storage is Storage.TEXT else None
    if personal is not None:
        return personal
    if cells.present < cells.rows:
        return Finding(Kind.CATEGORICAL, "one value, or missing")
    return Finding(Kind.CONSTANT, "the same value in every row", levels=(plain_scalar(cells.values.iloc[0]),))


def _find_varying(cells: Cells) -> Finding:
    if cells.storage is Storage.CATEGORY:
        return _find_category(cells)
    if cells.storage is Storage.BOOLEAN:
        return Finding(Kind.BOOLEAN, "stored as true or false", levels=(False, True))
    stored = _find_stored_date(cells)
    if stored is not None:
        return stored
    return find_number(cells) if cells.is_number else find_text(cells)


def _find_stored_date(cells: Cells) -> Finding | None:
    """Datetimes as such, dates and times of day; Python times of day are written back as ISO text."""
    if cells.storage in (Storage.DATETIME, Storage.DATE):
        return Finding(Kind.DATETIME, f"stored as {'dates' if cells.storage is Storage.DATE else 'datetimes'}")
    if cells.storage is Storage.TIME:
        form = "%H:%M:%S.%f" if all(cell.microsecond for cell in cells.distinct) else "%H:%M:%S"
        return Finding(Kind.DATETIME, "times of day, to be written as text", format=form)
    return None


def _find_category(cells: Cells) -> Finding:
    """A pandas category is what its user says, unless its levels are personal data or keys."""
    count = len(cells.categories)
    if cells.ordered:
        return Finding(Kind.ORDINAL, f"ordered pandas category with {count} levels", levels=cells.categories)
    labels = boolean_labels(cells.distinct) or _true_or_false(cells)
    if labels:
        return Finding(Kind.BOOLEAN, "pandas category with the labels of a flag", levels=labels)
    if all(isinstance(level, str) for level in cells.categories):
        found = find_personal_text(cells) or find_text_key(cells)
        if found is not None:
            return dataclasses.replace(found, reason=f"pandas category: {found.reason}")
    return Finding(Kind.CATEGORICAL, f"pandas category with {count} levels")


def _true_or_false(cells: Cells) -> tuple[Scalar, Scalar] | None:
    return (False, True) if {*map(repr, cells.distinct.tolist())} == {"False", "True"} else None
