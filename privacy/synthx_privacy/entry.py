"""One line of a ledger."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from synthx_privacy.encoding import event_from_dict, event_to_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synthx_privacy.events import Event

__all__ = ["Entry"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One event that touched the data, or is about to.

    Parameters
    ----------
    fit : str
        Which fit it belongs to.
    phase : str
        What it was for.
    event : Event
        What it costs.
    unit : str or tuple of str
        Whose privacy it keeps.
    spent : bool
        False while it is reserved, and for good if it ended by a crash; it counts either way.
    """

    fit: str
    phase: str
    event: Event
    unit: str | tuple[str, ...]
    spent: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "fit": self.fit,
            "phase": self.phase,
            "unit": self.unit if isinstance(self.unit, str) else list(self.unit),
            "spent": self.spent,
            "event": event_to_dict(self.event),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Entry:
        """Return what `to_dict` gave."""
        unit = values["unit"]
        return cls(
            fit=str(values["fit"]),
            phase=str(values["phase"]),
            event=event_from_dict(values["event"]),
            unit=tuple(unit) if isinstance(unit, list) else str(unit),
            spent=bool(values["spent"]),
        )
