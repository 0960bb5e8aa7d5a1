"""What a user asks for: the budget, whose privacy it is, and where its spending is booked."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from synthx.errors import ParameterError, PrivacyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synthx_privacy.ledger import Ledger

__all__ = ["Privacy", "check_delta", "delta_for"]

MOST_DELTA = 1e-2
USUAL_DELTA = 1e-6
MOST_DOMAIN_SHARE = 0.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Privacy:
    """A promise: what a fit publishes is (epsilon, delta)-differentially private.

    Neighbours are data sets of which one has one unit more than the other.

    Parameters
    ----------
    epsilon : float
        Budget of the fit; above 0.
    delta : float, optional
        Above 0, at most 0.01 and below one over the number of units. By default `delta_for` of the noisy number.
    unit : str or tuple of str
        Whose presence is hidden: ``"row"``, or the column or columns that name an entity with all its rows.
    domain_share : float
        Share of the budget, 0 to 0.5, in terms of rho (epsilon squared, about), for which bounds and levels may be
        bought that the schema does not declare; with 0 all of them must be declared.
    ledger : Ledger, optional
        Where the spending is booked; fits on the same data compose when they share one. By default a new one.
    new_budget : bool
        Whether a second fit on the same data may start without the ledger of the first. Then each keeps its own
        promise, and both together cost the sum: you answer for it.

    Raises
    ------
    ParameterError
        If a number is outside its range or the unit is empty.
    """

    epsilon: float
    delta: float | None = None
    unit: str | tuple[str, ...] = "row"
    domain_share: float = 0.0
    ledger: Ledger | None = dataclasses.field(default=None, compare=False, repr=False)
    new_budget: bool = False

    def __post_init__(self) -> None:
        check_epsilon(self.epsilon)
        if self.delta is not None and not 0 < _number(self.delta, "delta") <= MOST_DELTA:
            raise ParameterError(
                f"delta is {self.delta}", remedy=f"give a number above 0 and at most {MOST_DELTA:g}, such as 1e-6"
            )
        if not 0 <= _number(self.domain_share, "domain_share") <= MOST_DOMAIN_SHARE:
            raise ParameterError(
                f"domain_share is {self.domain_share}", remedy=f"give a number from 0 to {MOST_DOMAIN_SHARE:g}"
            )
        object.__setattr__(self, "unit", _checked_unit(self.unit))

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that name the unit; none where it is the row."""
        if self.unit == "row":
            return ()
        return (self.unit,) if isinstance(self.unit, str) else self.unit

    def delta_for(self, noisy_rows: float) -> float:
        """Return the delta of a fit on so many units, by a noisy count: the one asked for, or `delta_for` of them.

        Raises
        ------
        PrivacyError
            If the delta asked for is not below one over the count.
        """
        if self.delta is None:
            return delta_for(noisy_rows)
        check_delta(self.delta, noisy_rows)
        return self.delta

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold, without the ledger."""
        return {
            "epsilon": self.epsilon,
            "delta": self.delta,
            "unit": self.unit if isinstance(self.unit, str) else list(self.unit),
            "domain_share": self.domain_share,
            "new_budget": self.new_budget,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Privacy:
        """Return what `to_dict` gave, without a ledger.

        Raises
        ------
        ParameterError
            If a name is unknown, or a value outside its range.
        """
        known = {field.name for field in dataclasses.fields(cls)} - {"ledger"}
        unknown = sorted(set(values) - known)
        if unknown or "epsilon" not in values:
            raise ParameterError(
                f"privacy is described with {', '.join(map(repr, unknown)) or 'no epsilon'}",
                remedy=f"use {', '.join(sorted(known))}",
            )
        unit = values.get("unit", "row")
        return cls(**{**values, "unit": tuple(unit) if isinstance(unit, list) else unit})


def delta_for(noisy_rows: float) -> float:
    """Return the usual delta: 1e-6, or a tenth of one over the number of units where that is smaller."""
    return min(USUAL_DELTA, 1 / (10 * max(1.0, noisy_rows)))


def check_delta(delta: float, noisy_rows: float) -> None:
    """Refuse a delta that would allow one unit in the data to be published outright.

    Parameters
    ----------
    delta : float
        What was asked for.
    noisy_rows : float
        Number of units, by a noisy count.

    Raises
    ------
    PrivacyError
        If delta is not below one over the number.
    """
    if delta >= 1 / max(1.0, noisy_rows):
        raise PrivacyError(
            f"delta {delta:g} allows one of about {noisy_rows:.0f} units to be published outright",
            remedy=f"give at most {delta_for(noisy_rows):.1e}, or leave delta out",
        )


def check_epsilon(epsilon: float) -> None:
    """Refuse an epsilon that is no budget; raises `ParameterError`."""
    if not (_number(epsilon, "epsilon") > 0 and math.isfinite(epsilon)):
        raise ParameterError(f"epsilon is {epsilon}", remedy="give a finite number above 0, such as 1 or 3")


def _number(value: object, name: str) -> float:
    """Return a number; a bool or a text is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ParameterError(f"{name} is {value!r}", remedy="give a number")
    return float(value)


def _checked_unit(unit: object) -> str | tuple[str, ...]:
    """Return the unit as a text or a tuple of several column names."""
    names = (unit,) if isinstance(unit, str) else tuple(unit) if isinstance(unit, tuple | list) else ()
    good = [name for name in names if isinstance(name, str) and name.strip()]
    if not names or len(good) < len(names) or len(set(good)) < len(good):
        raise ParameterError(
            f"the unit of privacy is {unit!r}", remedy='give "row", or the column or columns that name an entity'
        )
    return good[0] if isinstance(unit, str) else tuple(good)
