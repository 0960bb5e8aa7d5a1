"""Budgets of differential privacy, as commands are given them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthx.errors import ParameterError, PrivacyError

if TYPE_CHECKING:
    from synthx_privacy.ledger import Ledger
    from synthx_privacy.privacy import Privacy

__all__ = ["DeltaOption", "DomainOption", "EpsilonOption", "LedgerOption", "UnitOption", "privacy_of", "spent"]

EpsilonOption = Annotated[
    float | None,
    typer.Option(metavar="E", help="Fit with differential privacy: what one unit's presence may change, at most."),
]
DeltaOption = Annotated[
    float | None, typer.Option(metavar="D", help="The chance that the bound fails; by default at most 1e-6.")
]
UnitOption = Annotated[
    list[str] | None,
    typer.Option(metavar="COL", help="Whose presence is hidden: an entity's key; by default a row is a unit."),
]
DomainOption = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Buy undeclared bounds and levels with this share of the budget, 0 to 0.5."),
]
LedgerOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where spending on DATA is booked; by default beside it, in DATA.ledger.json."),
]


def privacy_of(
    data: Path,
    *,
    epsilon: float | None,
    delta: float | None,
    unit: list[str] | None,
    domain_share: float | None,
    ledger: Path | None,
    schema: Path | None,
    horizon: int | None = None,
) -> Privacy | None:
    """Return the budget that options describe, booked in a file; None without epsilon.

    Raises
    ------
    ParameterError
        If an option stands without epsilon, or is outside its range.
    PrivacyError
        If there is no schema.
    DataError, ArtifactError
        If the ledger's file cannot be read.
    """
    given = {"--delta": delta, "--unit": unit, "--domain-share": domain_share, "--ledger": ledger, "--horizon": horizon}
    if epsilon is None:
        for option, value in given.items():
            if value is not None:
                raise ParameterError(
                    f"{option} is given without --epsilon", remedy="give --epsilon, such as 1 or 3, or leave it out"
                )
        return None
    from synthx_privacy.privacy import Privacy

    settings: dict[str, Any] = {"epsilon": epsilon, "delta": delta, "domain_share": domain_share or 0.0}
    if unit:
        settings["unit"] = unit[0] if len(unit) == 1 else tuple(unit)
    if schema is None:
        raise PrivacyError(
            "--epsilon is given without --schema, and to detect a schema would read the data without noise",
            remedy="write one, or let `synthx detect --assume-public` write it where levels and bounds are public",
        )
    Privacy(**settings)  # refuses a senseless budget before a file is made
    return Privacy(**settings, ledger=_book(ledger_path(data) if ledger is None else ledger))


def ledger_path(data: Path) -> Path:
    """Return where spending on a file of data is booked by default."""
    return data.with_name(data.name + ".ledger.json")


def _book(path: Path) -> Ledger:
    """Return the ledger of a file, which is made if it is not there."""
    from synthx_privacy.ledger import Ledger

    if path.exists():
        return Ledger.load(path)
    ledger = Ledger()
    ledger.save(path)
    return ledger


def spent(privacy: Privacy, ledger: Ledger) -> str:
    """Return what a fit and its ledger have spent, in a sentence or two."""
    fits = list(ledger.deltas)
    last = fits[-1]
    unit = "a row" if privacy.unit == "row" else "an entity (" + ", ".join(privacy.names) + ")"
    sentence = (
        f"Spent epsilon {ledger.epsilon(fit=last):.3f} at delta {ledger.deltas[last]:.1e}; the unit is {unit}, added or"
        " removed."
    )
    if len(fits) > 1:
        sentence += f" All {len(fits)} fits in the ledger together: epsilon {ledger.epsilon():.3f}."
    return sentence
