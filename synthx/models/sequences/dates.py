"""What speaks for a date: its weekday, its place in the month, and what happened a week or a month before.

The codes of a time are distances from the last one, and what a distance leads to depends on where it starts. A network
would have to learn by heart which distance leads from each day to the end of the month. Here a score is learned for the
end of the month itself, and each distance has the scores of the date that it leads to.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthx.codec.sequence.calendar import DATE_PARTS, DAY, date_parts
from synthx.codec.sequence.moves import known_range
from synthx.codec.sequence.steps import StepCodec
from synthx.models.layout import SPLIT_ABOVE
from synthx.schema import Kind

__all__ = ["MATCHED", "DateScores", "Landing", "reach"]

Floats = NDArray[np.float64]

BEYOND = 1_000
"""Days before the first and after the last date of the training table that are told apart."""
MATCHED = (1, 2, 3)
"""The parts of a date that may be those of the last step of a kind: day of the month, weekday, hour."""


def reach(codec: StepCodec) -> Floats:
    """Return how far each code of the time leads from the last one, in the middle; NaN for levels; shape (codes,)."""
    time = next(iter(codec.numbers.values()))
    distances = np.full(time.size, np.nan)
    if time.move is not None:
        distances[time.level.size + time.move.first_spike :] = time.move.centres[time.move.first_spike :]
    return distances


class Landing:
    """Where the codes of the time lead to.

    Parameters
    ----------
    codec : StepCodec
        Whose time is a date.
    """

    def __init__(self, codec: StepCodec) -> None:
        name, time = next(iter(codec.numbers.items()))
        low, high = known_range(codec.table.columns[name])
        self.distances = torch.from_numpy(reach(codec) / DAY)
        self.first = int(low // DAY) - BEYOND
        days = np.arange(self.first, int(high // DAY) + BEYOND + 1, dtype=np.float64) * DAY
        self.calendar = torch.from_numpy(date_parts(days)[:, :3])
        self.kinds = codec.told_apart
        step = time.level.grid.step
        self.parts = 3 if step and step % DAY == 0 else 4  # whole days have no hours

    @classmethod
    def of(cls, codec: StepCodec) -> Landing | None:
        """Return where codes lead to; None if the time is no date, or too long for one digit."""
        time = codec.table.schema.time
        if time is None or time.kind is not Kind.DATETIME or codec.sizes[0] > SPLIT_ABOVE:
            return None
        return cls(codec)


class DateScores(nn.Module):
    """Scores of the codes of a time by the dates that they lead to.

    **Shape**: context (steps, context), moments (steps, 2 + kinds) -> (steps, codes). The moments are the time of the
    step before, that of the last step of the sequence, and when a step of each kind last happened, in days since 1970;
    NaN where none has.
    """

    calendar: Tensor
    distances: Tensor

    def __init__(self, landing: Landing, *, context: int) -> None:
        super().__init__()
        self.first, self.parts, self.kinds = landing.first, landing.parts, landing.kinds
        self.sizes = [*DATE_PARTS[: self.parts], 1, *([self.kinds] * (self.parts - 1))]
        self.score = nn.Linear(context, sum(self.sizes))
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)
        self.register_buffer("calendar", landing.calendar, persistent=False)
        self.register_buffer("distances", landing.distances, persistent=False)

    def forward(self, context: Tensor, moments: Tensor) -> Tensor:
        """Return the scores; 0 for levels."""
        leads = ~self.distances.isnan()
        dates = self._dates(moments[:, :1] + self.distances[leads])
        scores = self.score(context).split(self.sizes, dim=1)
        another = dates[-1] != moments[:, :1].floor()  # to stay on a date is no matter of the calendar, but the hour is
        parts = [each.gather(1, dates[part]) for part, each in enumerate(scores[: self.parts])]
        total = torch.stack(parts[:3]).sum(dim=0) * another
        total = total + parts[3] if self.parts > 3 else total
        total = total + scores[self.parts] * (dates[-1] == moments[:, 1:2].floor())
        happened = moments[:, 2:]
        known = ~happened.isnan()
        earlier = (dates[-1].unsqueeze(2) != happened.floor().unsqueeze(1)) & known.unsqueeze(1)
        then = self._dates(torch.where(known, happened, moments[:, :1])) if self.kinds else []
        for part, each in zip(MATCHED, scores[self.parts + 1 :] if self.kinds else (), strict=False):
            same = (dates[part].unsqueeze(2) == then[part].unsqueeze(1)) & earlier
            total = total + torch.einsum("bck,bk->bc", same.to(each.dtype), each)
        whole: Tensor = total.new_zeros(len(context), len(leads))
        whole[:, leads] = total
        return whole

    def _dates(self, days: Tensor) -> list[Tensor]:
        """Return the parts of dates, counted in days since 1970, and the whole days; each of the shape of `days`."""
        day = (days + 1e-6).floor()
        place = (day.long() - self.first).clamp(0, len(self.calendar) - 1)
        parts = list(self.calendar[place].unbind(-1))
        hour = ((days + 1e-6 - day) * 24).long().clamp(0, 23)
        return [*parts, day] if self.parts == 3 else [*parts, hour, day]
