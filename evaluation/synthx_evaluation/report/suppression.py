"""Disclosure control of the report itself: what of a figure, a count, a group or a sentence may be shown."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence

from synthx.errors import ParameterError
from synthx_evaluation.report.parts import Cell, Profile
from synthx_evaluation.report.rounding import DIGITS, figure, rounded, shown

__all__ = ["SMALLEST_CELL", "Disclosure"]

SMALLEST_CELL = 10
"""k: the rows that a group must have before it is shown."""

_COUNT_DIGITS = 2
"""Of row counts where a guarantee covers them: the exact number tells whether one more row was there."""

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_COUNTS = re.compile(r"(?<=there is )\d[\d,]*|(?<=there are )[\d, and]*\d|(?<=\bhas )\d[\d,]*")
_NUMBER = re.compile(r"\d+(?:,\d{3})*")


@dataclasses.dataclass(frozen=True, slots=True)
class Disclosure:
    """The rules of one report.

    Parameters
    ----------
    profile : Profile
        Who may read it.
    smallest_cell : int
        k; counts below it are shown as ``<k``.
    columns : frozenset of str
        Names of columns; any other quoted word of a sentence might be a cell.
    public : frozenset of str
        Columns whose levels are declared public: their groups may be named.
    private : bool
        Whether a differential privacy guarantee covers the rows: a shareable report then rounds their numbers.
    """

    profile: Profile
    smallest_cell: int = SMALLEST_CELL
    columns: frozenset[str] = frozenset()
    public: frozenset[str] = frozenset()
    private: bool = False

    def __post_init__(self) -> None:
        if self.smallest_cell < 1:
            raise ParameterError(
                f"the smallest cell is {self.smallest_cell}", remedy=f"give 1 or more, {SMALLEST_CELL} as a rule"
            )

    @property
    def digits(self) -> int:
        """Significant digits of figures."""
        return DIGITS[self.profile]

    @property
    def is_shareable(self) -> bool:
        return self.profile is Profile.SHAREABLE

    def figure(self, value: float | None) -> float | None:
        """Return a figure rounded."""
        return figure(value, self.digits)

    def shown(self, value: float) -> str:
        """Return a figure as text for a sentence."""
        return shown(value, self.digits)

    def rows(self, count: int) -> int:
        """Return a number of rows behind a figure."""
        return int(rounded(count, _COUNT_DIGITS)) if self.private and self.is_shareable else count

    def count(self, count: int | None) -> Cell:
        """Return a count, or ``<k`` where it is small and not zero; None stays None."""
        if count is None:
            return None
        return f"<{self.smallest_cell}" if 0 < count < self.smallest_cell else self.rows(count)

    def withheld(self, counts: Sequence[float]) -> list[bool]:
        """Return which of the groups of one column must be left out.

        Those below k; and where that is one alone, the smallest of the others too, since the rest and the total would
        tell it.
        """
        hidden = [count < self.smallest_cell for count in counts]
        others = [place for place, small in enumerate(hidden) if not small]
        if sum(hidden) == 1 and others:
            hidden[min(others, key=lambda place: counts[place])] = True
        return hidden

    def labels(self, column: str, groups: Iterable[str]) -> list[str]:
        """Return the names of a column's groups; a shareable report numbers them unless the levels are public."""
        named = not self.is_shareable or column in self.public
        return [group if named else f"group {number}" for number, group in enumerate(groups, 1)]

    def sentence(self, text: str) -> str:
        """Return a measure's reason as it may be shown: no quoted cell, and no small count."""

        def quoted(match: re.Match[str]) -> str:
            return match.group() if match.group()[1:-1] in self.columns else "(a value, withheld)"

        def counted(match: re.Match[str]) -> str:
            count = self.count(int(match.group().replace(",", "")))
            return f"{count:,}" if isinstance(count, int) else str(count)

        safe = _QUOTED.sub(quoted, text)
        return _COUNTS.sub(lambda match: _NUMBER.sub(counted, match.group()), safe)
