"""What all parts of a report share: frozen records, cells, figures, and the words of its verdicts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "Cell",
    "Figure",
    "Part",
    "Plot",
    "Profile",
    "Text",
    "Verdict",
]

Cell = str | int | float | None
"""One cell of an exhibit; a count below the smallest cell is text, such as ``<10``."""

Figure = Annotated[float, Field(allow_inf_nan=False)]
"""A finite number, rounded for show."""

Text = Annotated[str, StringConstraints(strip_whitespace=True)]


class Part(BaseModel):
    """What all parts share: they are frozen, and a field that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Profile(StrEnum):
    """Who may read the report."""

    INTERNAL = "internal"
    SHAREABLE = "shareable"
    """Cells below k are suppressed, figures are rounded harder, and no level of a column is named."""


class Verdict(StrEnum):
    """What the evidence says of one criterion; a verdict is never the legal conclusion."""

    MET = "met"
    NOT_MET = "not met"
    NOT_SHOWN = "not shown"
    """The evidence is absent, or too weak to tell; `Finding.needed` says what would do."""
    FOR_A_PERSON = "for a person to judge"


class Plot(StrEnum):
    """How an exhibit is drawn."""

    BARS = "bars"
    """A figure a row: the first column names it, the second is its length, a third, if any, what real rows have."""
    INTERVALS = "intervals"
    """A row each: name, value, low, high, anchor."""
    CURVE = "curve"
    """x and y, joined in the order of the rows."""
    NONE = "none"
    """A table only."""
