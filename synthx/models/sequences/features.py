"""What the network is told of a step beside codes: what is known of each number, where the step stands, its time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx.codec.sequence.calendar import CALENDAR, DATE_PARTS, DAY, calendar, date_parts
from synthx.codec.sequence.history import History
from synthx.codec.sequence.steps import CodedSteps, StepCodec
from synthx.models.sequences.dates import MATCHED
from synthx.models.sequences.number_features import NumberFeatures
from synthx.schema import Kind

__all__ = ["StepFeatures"]

Floats = NDArray[np.float64]
PLACES = 7
LAST_STEPS = (1, 2, 3)
"""How many steps are left where that is told by a flag: what comes last comes in an order."""
RECALLED = 2
"""Numbers that describe how long ago the last step of a kind was."""


@dataclasses.dataclass(frozen=True)
class StepFeatures:
    """Numbers that describe a step before it is drawn, and its time once that is drawn.

    Parameters
    ----------
    numbers : NumberFeatures
        What is told of each number.
    unit : float
        What elapsed time is counted in: the median time between two steps.
    dated : bool
        Whether the time is a date.
    timed : bool
        Whether there is a time column.
    kinds : int
        How many kinds of steps are told apart; 0 if none are.
    """

    numbers: NumberFeatures
    unit: float
    dated: bool
    timed: bool
    kinds: int

    @classmethod
    def fit(cls, codec: StepCodec, values: Floats, clock: Floats, starts: NDArray[np.int64]) -> StepFeatures:
        """Learn how numbers are scaled from the steps of the training sequences."""
        within = ~np.isin(np.arange(1, len(values)), starts)
        gaps = np.diff(clock)[within]
        gaps = gaps[gaps > 0]
        time = codec.table.schema.time
        return cls(
            NumberFeatures.fit(codec, values, starts),
            float(np.median(gaps)) if len(gaps) else 1.0,
            time is not None and time.kind is Kind.DATETIME,
            time is not None,
            codec.told_apart,
        )

    @property
    def size(self) -> int:
        """How many numbers describe a step before it is drawn."""
        places = PLACES + (4 if self.timed else 0) + (CALENDAR if self.dated else 0)
        return self.numbers.size + 3 * self.kinds + places

    @property
    def timely_size(self) -> int:
        """How many numbers describe the time of a step."""
        return (3 + (CALENDAR + (1 + len(MATCHED)) * self.kinds if self.dated else 0)) if self.timed else 0

    def of_entities(
        self, steps: CodedSteps, lengths: NDArray[np.int64], spans: Floats, totals: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], Floats]:
        """Describe all steps of entities that stand one after the other.

        Before they are drawn, their time, how long ago the last step of their kind was, and their `moments`. `totals`
        says how many steps each will have, where `lengths` are those of beginnings.
        """
        starts = np.cumsum(lengths) - lengths
        first = np.repeat(starts, lengths)
        place = np.arange(len(first)) - first
        clock = np.where(place == 0, steps.clock, np.roll(steps.clock, 1))
        length = np.repeat(lengths if totals is None else totals, lengths)
        began, span = steps.clock[first], np.repeat(spans, lengths)
        features = self.before(steps.history, clock, began, place, length, span, steps.turns)
        timely = (
            self.timely(steps.clock, clock, began + span, steps.history.happened)
            if self.timed
            else np.empty((len(first), 0), np.float32)
        )
        happened = np.where(steps.recalled >= 0, steps.clock[steps.recalled], np.nan)
        ages = self.recalled(steps.clock, happened) if self.kinds else np.empty((len(first), 0), np.float32)
        return features, timely, ages, self.moments(clock, began + span, steps.history.happened)

    def before(
        self,
        history: History,
        clock: Floats,
        began: Floats,
        place: NDArray[np.int64],
        length: NDArray[np.int64],
        span: Floats,
        turns: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Describe steps by what is known before them.

        Parameters
        ----------
        history : History
            Of (steps, numbers).
        clock, began : float arrays, shape (steps,)
            The time of the step before, and of the first step; the same, whatever it is, at the first step.
        place : int array, shape (steps,)
            How many steps came before.
        length, span : arrays, shape (steps,)
            How many steps the sequence has, and the time from its first to its last.
        turns : int array, shape (steps, beats)
            How many steps ago the numbers of each beat last turned; 0 where they never do.
        """
        rest = length - place
        places = [
            place == 0,
            *(rest == last for last in LAST_STEPS),
            np.log1p(place) / 4,
            np.log1p(rest) / 4,
            place / np.maximum(length, 1),
        ]
        if self.timed:
            left = np.maximum(span - (clock - began), 0.0)
            spare = left / self.unit - rest  # time that is left over if all that is to come comes at the usual pace
            places += [np.log1p(left / self.unit) / 4, left / np.maximum(span, self.unit)]
            places += [np.clip(spare, -2, 2), np.sign(spare) * np.log1p(np.abs(spare)) / 4]
        parts = [
            *self.numbers.describe(history, self._ages(clock[:, None], history.times), turns),
            *(self._kinds(clock, history.happened) if self.kinds else ()),
            np.stack(places, axis=1),
        ]
        if self.dated:
            parts.append(calendar(clock) * (place > 0)[:, None])
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def timely(self, clock: Floats, before: Floats, end: Floats, happened: Floats) -> NDArray[np.float32]:
        """Describe the time of steps: what elapsed, what is left, and the date.

        Of the date also whether each kind last happened on it, or on an earlier one of the same day of the month,
        weekday or hour.

        Parameters
        ----------
        clock, before, end : float arrays, shape (steps,)
            The time of the step, of the one before, and of the last of the sequence.
        happened : float array, shape (steps, kinds)
            When a step of each kind last happened, NaN where none has.
        """
        passed, left = (np.maximum(span, 0.0) / self.unit for span in (clock - before, end - clock))
        parts = [np.stack([np.log1p(passed), left == 0, np.log1p(left) / 4], axis=1)]
        if self.dated:
            parts.append(calendar(clock))
            now, known = date_parts(clock), ~np.isnan(happened)
            then = date_parts(np.where(known, happened, 0.0).ravel()).reshape(*happened.shape, len(DATE_PARTS))
            if self.kinds:
                today = self._today(clock, happened)
                parts += [today, *((now[:, [part]] == then[:, :, part]) & known & ~today for part in MATCHED)]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def recalled(self, clock: Floats, happened: Floats) -> NDArray[np.float32]:
        """Describe when the last step of a step's kind was, NaN if never; (steps,) each -> (steps, RECALLED)."""
        return np.stack([~np.isnan(happened), self._ages(clock, happened)], axis=1, dtype=np.float32)

    def _kinds(self, clock: Floats, happened: Floats) -> list[NDArray[Any]]:
        """Describe when each kind last happened: whether ever, how long ago, whether at the time of the last step."""
        return [~np.isnan(happened), self._ages(clock[:, None], happened), self._today(clock, happened)]

    def _today(self, clock: Floats, happened: Floats) -> NDArray[np.bool_]:
        """Return which kinds happened on the date of `clock`, or at that time where it is no date; (steps, kinds)."""
        unit = DAY if self.dated else 1.0
        return np.asarray(clock[:, None] // unit == happened // unit)

    def _ages(self, clock: Floats, times: Floats) -> Floats:
        """Return how long ago times were, in logarithms; 0 where they are not known."""
        ages: Floats = np.log1p(np.maximum(np.nan_to_num(clock - times), 0.0) / self.unit)
        return ages

    def moments(self, clock: Floats, end: Floats, happened: Floats) -> Floats:
        """Return the times of the steps before and of last steps, and when each kind last happened, in days.

        (steps, 2 + kinds), or (steps, 0) where times are no dates.
        """
        if not self.dated:
            return np.empty((len(clock), 0))
        return np.concatenate([clock[:, None], end[:, None], happened], axis=1) / DAY

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        rest = {"unit": self.unit, "dated": self.dated, "timed": self.timed, "kinds": self.kinds}
        return {"numbers": self.numbers.to_dict(), **rest}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StepFeatures:
        rest = {name: values[name] for name in ("unit", "dated", "timed", "kinds")}
        return cls(NumberFeatures.from_dict(values["numbers"]), **rest)
