"""One measure as one record: its value, what real rows would score, and why it is absent where it is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np

__all__ = ["Better", "Definition", "Measure", "Status", "plain"]


class Status(StrEnum):
    """How a measure ended."""

    COMPUTED = "computed"
    NOT_APPLICABLE = "not applicable"
    """The question does not arise for these tables, e.g. the accuracy on a target where no target is named."""
    SKIPPED = "skipped"
    """The question arises, but these tables cannot answer it, e.g. too few rows."""


class Better(StrEnum):
    """Which way a good generator moves the value."""

    HIGHER = "higher"
    LOWER = "lower"
    HALF = "nearer 0.5"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure of one synthetic table.

    Parameters
    ----------
    id : str
        Stable code, e.g. ``FID-SHAPE``.
    version : str
        Version of the definition: figures of two versions must not be compared.
    title : str
        What it measures, in a few words.
    better : Better
        Which way a good generator moves the value.
    status : Status
        Whether there is a value.
    value : float, optional
        The figure; present exactly where `status` is computed, and then finite.
    interval : (float, float), optional
        95% confidence interval of `value`.
    anchor : float, optional
        The same measure with real training rows in the place of the synthetic ones: what a perfect generator would
        score on these holdout rows.
    p_value : float, optional
        Where a test was made: how likely real rows would look this different by chance; in [0, 1].
    detectable : float, optional
        Where a test was made: the smallest effect, in units of `value`, that it would have noticed; what the details
        call it where they say more.
    n : int
        Synthetic rows (or, where `details` says so, other rows) behind the value.
    seed : int
        Seed of the random choices.
    reason : str
        Why there is no value; empty where there is one.
    details : mapping
        Per column, per pair …; plain JSON values without NaN.

    Raises
    ------
    ValueError
        If the fields contradict each other or hold NaN or infinity: a silent NaN is a fault of the measure.
    """

    id: str
    version: str
    title: str
    better: Better
    status: Status
    value: float | None = None
    interval: tuple[float, float] | None = None
    anchor: float | None = None
    p_value: float | None = None
    detectable: float | None = None
    n: int = 0
    seed: int = 0
    reason: str = ""
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.status is Status.COMPUTED) != (self.value is not None):
            raise ValueError(f"measure {self.id} is {self.status} but its value is {self.value!r}")
        if (self.status is Status.COMPUTED) != (not self.reason):
            raise ValueError(f"measure {self.id} is {self.status} but its reason is {self.reason!r}")
        if self.p_value is not None and not 0.0 <= self.p_value <= 1.0:
            raise ValueError(f"measure {self.id} has the p-value {self.p_value!r}, which is no probability")
        plain((self.value, self.interval, self.anchor, self.p_value, self.detectable, self.details))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, every field present (None where there is none)."""
        return {field.name: plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measure:
        """Build a record from `to_dict`'s values; fields that an older file lacks take their defaults.

        Raises
        ------
        TypeError, ValueError
            If a field is unknown, missing or contradicts another.
        """
        interval = values.get("interval")
        typed = {
            **values,
            "better": Better(values.get("better", "")),
            "status": Status(values.get("status", "")),
            "interval": None if interval is None else (float(interval[0]), float(interval[1])),
        }
        return cls(**typed)


@dataclasses.dataclass(frozen=True, slots=True)
class Definition:
    """What a measure is, apart from what it came to; makes the records."""

    id: str
    version: str
    title: str
    better: Better

    def computed(
        self,
        value: float,
        *,
        n: int,
        seed: int,
        interval: tuple[float, float] | None = None,
        anchor: float | None = None,
        p_value: float | None = None,
        detectable: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> Measure:
        """Return the record of a value."""
        return Measure(
            id=self.id,
            version=self.version,
            title=self.title,
            better=self.better,
            status=Status.COMPUTED,
            value=float(value),
            interval=None if interval is None else (float(interval[0]), float(interval[1])),
            anchor=None if anchor is None else float(anchor),
            p_value=None if p_value is None else float(p_value),
            detectable=None if detectable is None else float(detectable),
            n=n,
            seed=seed,
            details=plain(details or {}),
        )

    def not_applicable(self, reason: str, *, seed: int = 0) -> Measure:
        """Return the record of a measure whose question does not arise."""
        return self._absent(Status.NOT_APPLICABLE, reason, seed)

    def skipped(self, reason: str, *, seed: int = 0) -> Measure:
        """Return the record of a measure that these tables cannot answer."""
        return self._absent(Status.SKIPPED, reason, seed)

    def _absent(self, status: Status, reason: str, seed: int) -> Measure:
        return Measure(
            id=self.id,
            version=self.version,
            title=self.title,
            better=self.better,
            status=status,
            reason=reason,
            seed=seed,
        )


def plain(value: Any) -> Any:
    """Return `value` as plain JSON values (numpy scalars and tuples converted).

    Raises
    ------
    ValueError
        If a number in it is NaN or infinite, or a value has no JSON form.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, StrEnum):
        return str(value)
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} is not a figure: give a reason in its place")
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise ValueError(f"a {type(value).__name__} has no JSON form")
