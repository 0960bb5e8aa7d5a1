"""What a schema has to declare before a private fit, and the phases of the ledger that follow from it."""

from __future__ import annotations

from synthx.codec.private.places import Places
from synthx.errors import PrivacyError
from synthx.schema import Column, Kind, Schema

__all__ = ["CLAMPED", "check_declared", "histogram_phases", "missing_phases", "what_is_open"]

CLAMPED = "rows with cells outside the declared domain"
"""The phase of the ledger that counts them."""


def check_declared(schema: Schema, *, buys: bool) -> None:
    """Refuse a schema that leaves open what would have to be read off the data.

    Parameters
    ----------
    schema : Schema
    buys : bool
        Whether a share of the budget may buy bounds and levels.

    Raises
    ------
    PrivacyError
        Naming the column and the cures.
    """
    for column in schema:
        lacking = what_is_open(column)
        if lacking is None or (buys and column.kind.is_modelled):
            continue
        fields = {"bounds": '"lower" and "upper"', "levels": '"levels"', "value": 'its value as "levels"'}[lacking]
        cure = f"declare {fields} for it in the schema (`synthx detect --assume-public` does where they are public)"
        if column.kind.is_modelled:
            cure += (
                ", or let a share of the budget buy them with --domain-share 0.1 (in Python, Privacy(domain_share=0.1))"
            )
        raise PrivacyError(
            f"column {column.name!r} declares no {lacking}, and with differential privacy they are not read off the"
            " data",
            remedy=cure,
        )


def what_is_open(column: Column) -> str | None:
    """Return what a column fails to declare: "bounds", "levels", "value" or nothing."""
    if column.kind.is_number or column.kind is Kind.DATETIME:
        return "bounds" if column.lower is None or column.upper is None else None
    if column.kind is Kind.CONSTANT:
        return "value" if not column.levels else None
    if column.kind.is_discrete and not column.levels:
        return None if column.dtype in ("bool", "boolean") else "levels"
    return None


def histogram_phases(schema: Schema) -> dict[str, int]:
    """Return the phases of the ledger that count cells of learned columns, and how many each column has; declared."""
    from synthx_privacy.intervals import cuts_of

    phases = {}
    for column in schema:
        if column.kind.is_discrete:
            phases[f"levels of {column.name!r}"] = 1
        elif column.kind.is_modelled:
            levels = len(cuts_of(Places.of(column).size))
            phases.update({f"values of {column.name!r}, cut {index + 1}": levels for index in range(levels)})
    return phases


def missing_phases(schema: Schema) -> list[str]:
    """Return the phases that count missing cells of columns that are made and not learned."""
    return [f"missing cells of {column.name!r}" for column in schema if not column.kind.is_modelled and column.nullable]
