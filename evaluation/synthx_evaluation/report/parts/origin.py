"""What was made, from what: tables and columns, the generator, its ledger, and how it was chosen."""

from __future__ import annotations

from pydantic import Field

from synthx_evaluation.report.parts.base import Cell, Figure, Part, Text

__all__ = [
    "ColumnEntry",
    "Generator",
    "LedgerEvent",
    "LedgerSummary",
    "Selection",
    "Source",
]


class ColumnEntry(Part):
    """One line of the column inventory: never a value of the column.

    Parameters
    ----------
    kind : str
        ``categorical``, ``integer`` … as in the schema.
    role : str
        ``target``, ``protected``, ``entity``, ``time``, or empty.
    disclosure : str
        ``direct identifier``, ``quasi-identifier``, ``sensitive``, ``other`` or ``not classified``.
    treatment : str
        What became of it: learned, replaced by fakes, left out.
    """

    name: str
    kind: str
    role: str = ""
    disclosure: str = "not classified"
    treatment: Text = ""
    nullable: bool | None = None
    declared_domain: bool | None = None


class Source(Part):
    """The real and synthetic tables.

    Parameters
    ----------
    rows : mapping of str to int, text or None
        Of ``synthetic``, ``train`` and ``holdout``; None where there is no such table.
    reference : str
        What likeness was measured against: ``holdout`` or ``train``.
    """

    rows: dict[str, Cell]
    reference: str
    target: str | None = None
    protected: tuple[str, ...] = ()
    entity: tuple[str, ...] = ()
    time: str | None = None
    columns: tuple[ColumnEntry, ...]


class Generator(Part):
    """The model, as its file tells; `known` is False where no model file was given.

    Parameters
    ----------
    settings, training : mapping
        Plain values by name.
    versions : mapping of str to str
        Of what wrote the model file.
    sha256 : str
        Of the model file; empty where there is none.
    """

    known: bool
    name: str = ""
    settings: dict[str, Cell | list[Cell]] = Field(default_factory=dict)
    training: dict[str, Cell | list[Cell]] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    sha256: str = ""


class LedgerEvent(Part):
    """One line of the ledger: what touched the data, for which phase of which fit."""

    fit: str
    phase: str
    event: Text
    spent: bool


class LedgerSummary(Part):
    """The differential privacy statement.

    Parameters
    ----------
    private : bool or None
        None where no model file tells.
    epsilon, delta : float, optional
        What all entries cost together, rounded up.
    unit : str
        Whose presence is hidden: ``row`` or the columns that name an entity.
    neighbours, accountant : str
        The neighbouring relation and how the events were composed.
    assumptions : tuple of str
        What the guarantee takes for granted.
    outside : tuple of str
        What lies outside it, this report among them.
    """

    private: bool | None
    epsilon: Figure | None = None
    delta: Figure | None = None
    unit: str = ""
    neighbours: Text = ""
    accountant: Text = ""
    events: tuple[LedgerEvent, ...] = ()
    assumptions: tuple[Text, ...] = ()
    outside: tuple[Text, ...] = ()


class Selection(Part):
    """How many candidates were made and scored before this one was chosen; None where it was not recorded."""

    made: int | None = None
    scored: int | None = None
    source: Text = "not recorded"
    reading: Text = ""
