"""Drawing sequences step by step, all of them together, each with the state of its recurrence."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthx.codec.sequence.extent import Extent
from synthx.codec.sequence.history import History
from synthx.codec.sequence.limits import Limits
from synthx.codec.sequence.references import Source
from synthx.codec.sequence.steps import StepCodec
from synthx.models.allowed import Allowed
from synthx.models.layout import Digits
from synthx.models.networks import NEVER
from synthx.models.picking import pick
from synthx.models.sequences.dates import reach
from synthx.models.sequences.features import StepFeatures
from synthx.models.sequences.network import RecurrentNetwork
from synthx.models.sequences.under_way import Chance, Given, UnderWay

__all__ = ["SequenceSampler"]

UNLIKELIHOOD = 20.0
"""Nats that a number loses for each reach of its column by which it lies beyond."""

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


class SequenceSampler:
    """Draws the steps of sequences.

    Parameters
    ----------
    network : RecurrentNetwork
    codec : StepCodec
    features : StepFeatures
    """

    def __init__(self, network: RecurrentNetwork, codec: StepCodec, features: StepFeatures) -> None:
        self.network, self.codec, self.features = network, codec, features
        self.digits = Digits(codec.sizes)
        self.device = network.steps.vectors.device
        self.allowed = Allowed(self.digits, codec.drawn, {}, self.device)
        self.reach = reach(codec) if features.timed and self.digits.base(0) == 1 else None
        self.limits = Limits(codec)
        self.numbers = {codec.names.index(name): (place, name) for place, name in enumerate(codec.numbers)}

    def begin(
        self, static: Tensor, latent: Tensor, extent: Extent, chance: Chance, turns: Codes | None = None
    ) -> UnderWay:
        """Return sequences before their first step.

        Parameters
        ----------
        static : integer Tensor, shape (n, static digits)
        latent : Tensor, shape (n, latent)
        extent : Extent
        chance : Chance
        turns : int array, shape (n, beats), optional
            How many steps ago the numbers of each beat turned; drawn where 0.
        """
        count, kinds, beats = len(latent), self.codec.told_apart, self.codec.rhythm.beats
        chances = np.reshape([chance.of_offsets(count) for _ in beats], (len(beats), count)).T
        drawn = self.codec.rhythm.begin(chances)
        return UnderWay(
            torch.cat([self.network.condition(static), latent], dim=1),
            extent.lengths,
            extent.spans,
            None,
            torch.zeros(count, len(self.digits.sizes) * self.network.steps.width, device=self.device),
            History.empty(count, len(self.codec.numbers), kinds),
            extent.starts,
            extent.starts,
            np.zeros(count, np.int64),
            torch.zeros(count, kinds, len(self.digits.sizes), dtype=torch.int16, device=self.device),
            np.full((count, kinds, len(self.codec.numbers)), np.nan),
            drawn if turns is None else np.where(turns > 0, turns, drawn),
        )

    @torch.no_grad()
    def draw(
        self, static: Tensor, latent: Tensor, extent: Extent, chance: Chance, *, most: int | None = None
    ) -> tuple[Codes, Floats]:
        """Draw sequences; return codes (steps, columns) and numbers (steps, numbers), one after the other.

        They are drawn whole, or their first `most` steps.
        """
        lengths = extent.lengths if most is None else np.minimum(extent.lengths, most)
        order = np.argsort(-lengths, kind="stable")  # the longest first: those that go on stand in front
        under_way = self.begin(static, latent, extent, chance).pick(order)
        starts = (np.cumsum(lengths) - lengths)[order]
        codes = np.zeros((int(lengths.sum()), len(self.codec.names)), np.int64)
        values = np.zeros((len(codes), len(self.codec.numbers)))
        for place in range(int(lengths.max())):
            going = int((lengths > place).sum())
            if going < len(under_way.lengths):
                under_way = under_way.pick(np.arange(going))
            rows = starts[:going] + place
            codes[rows], values[rows], _ = self.step(under_way, chance)
        return codes, values

    @torch.no_grad()
    def step(self, under_way: UnderWay, chance: Chance, given: Given | None = None) -> tuple[Codes, Floats, Tensor]:
        """Draw the next step of each sequence, as far as it is not given, and move on.

        Returns
        -------
        (codes, numbers, log-probabilities)
            Shapes (n, columns), (n, numbers) and (n,): how likely the given cells were, in nats; a number's by the
            density of its bin.
        """
        (sums, scores), history = self._look(under_way), under_way.history
        count, later = len(under_way.lengths), torch.from_numpy(under_way.place > 0).to(self.device)
        digits = torch.zeros(count, len(self.digits.sizes), dtype=torch.long, device=self.device)
        codes = np.zeros((count, len(self.codec.names)), np.int64)
        values = np.full((count, len(self.codec.numbers)), np.nan)
        likelihood = torch.zeros(count, device=self.device)
        for column in range(len(self.codec.names)):
            timed = column == 0 and self.features.timed
            said = self._arrive(under_way, given) if timed else given
            source = self._source(column, values, history)
            stated = None if said is None else self._state(column, said, source)
            for digit in self.digits.of_column(column):
                logits = self.network.steps.logits(digit, sums, later)
                logits = self._sorted(column, logits + scores if digit == 0 else logits, source)
                fitting = self._fitting(column, digit, logits, digits, said)
                fitting = self._on_beat(under_way, column, fitting, source, history)
                drawn = self._pick(digit, self._in_time(under_way, fitting) if timed else fitting, chance)
                if stated is not None:
                    drawn, known = self._follow(digit, drawn, logits, stated)
                    likelihood += known
                digits[:, digit] = drawn
                self.network.steps.see(sums, digit, drawn)
            codes[:, column] = self._join(column, digits)
            self._settle(under_way, column, codes, values, source, chance, said)
            if stated is not None:
                likelihood -= self._width(column, codes, values, source, stated[1])
            if timed:
                self._stop_in_time(under_way, values, said)
                self._tell_time(under_way, sums, values[:, 0])
            if column == self.codec.telling - 1:
                history = self._recall(under_way, sums, codes, values)
        self._advance(under_way, digits, values, history)
        return codes, values, likelihood

    # -- one step -----------------------------------------------------------------------------------------------

    def _look(self, under_way: UnderWay) -> tuple[Tensor, Tensor | float]:
        """Return what the hidden units of the step's digits begin with, and what is added to the time's logits."""
        features = torch.from_numpy(
            self.features.before(
                under_way.history,
                under_way.clock,
                under_way.began,
                under_way.place,
                under_way.lengths,
                under_way.spans,
                under_way.turns,
            )
        ).to(self.device)
        inputs = torch.cat([under_way.last, features], dim=1).unsqueeze(1)
        hidden, under_way.state = self.network.decoder(inputs, under_way.condition, under_way.state)
        context = self.network.context(hidden.squeeze(1), features, under_way.condition)
        moments = self.features.moments(under_way.clock, under_way.end, under_way.history.happened)
        scores = self.network.steps.date_scores(context, torch.from_numpy(moments).to(self.device))
        return self.network.steps.begin(context), scores

    def _arrive(self, under_way: UnderWay, given: Given | None) -> Given | None:
        """Let sequences begin and end when they are to: the times of first and last steps are known beforehand."""
        time = next(iter(self.codec.numbers.values()))
        end = time.level.grid.snap(under_way.began + np.where(under_way.place == 0, 0.0, under_way.spans))
        last = (under_way.place == 0) | ((under_way.lengths - under_way.place == 1) & (end >= under_way.clock))
        if not last.any():
            return given
        count, columns = len(last), len(self.codec.names)
        if given is None:
            known = np.zeros((count, columns), bool)
            given = Given(
                np.zeros((count, columns), np.int64), np.full((count, len(self.codec.numbers)), np.nan), known
            )
        last &= ~given.known[:, 0]
        values, known = given.values.copy(), given.known.copy()
        values[last, 0], known[last, 0] = end[last], True
        return Given(given.codes, values, known)

    def _source(self, column: int, values: Floats, history: History) -> Source | None:
        """Return what a number is measured from; None for a column that is not measured from anything."""
        if column not in self.numbers:
            return None
        number = self.codec.numbers[self.numbers[column][1]]
        return None if number.move is None else number.source(values, history)

    def _sorted(self, column: int, logits: Tensor, source: Source | None) -> Tensor:
        """Rule out levels where the reference is known, and distances where it is not."""
        sorts = self.codec.sorts[column]
        if source is None or sorts is None:
            return logits
        known = torch.from_numpy(source.known).to(self.device)
        code = torch.arange(logits.shape[1], device=self.device)
        fitting = ((code < sorts[1]) != known[:, None]) | (code < sorts[0])
        return logits.masked_fill(~fitting, NEVER)

    def _on_beat(
        self, under_way: UnderWay, column: int, logits: Tensor, source: Source | None, history: History
    ) -> Tensor:
        """Rule out turns off a beat that was always kept."""
        if source is None or self.digits.base(column) != 1:
            return logits
        unturned = self.codec.unturned(self.numbers[column][0], source, history, under_way.turns)
        if unturned is None:
            return logits
        code, here = unturned
        turning = torch.ones(logits.shape[1], dtype=torch.bool, device=self.device)
        turning[: self.codec.missing[column]] = turning[code] = False
        return logits.masked_fill(torch.from_numpy(here).to(self.device)[:, None] & turning, NEVER)

    def _in_time(self, under_way: UnderWay, logits: Tensor) -> Tensor:
        """Rule out distances that lead beyond the end of a sequence, if any does not."""
        if self.reach is None:
            return logits
        left = under_way.end - under_way.clock
        over = self.reach > np.where(under_way.place > 0, left, np.inf)[:, None]
        over &= ~(over | np.isnan(self.reach)).all(axis=1, keepdims=True)
        return logits.masked_fill(torch.from_numpy(over).to(self.device), NEVER)

    def _stop_in_time(self, under_way: UnderWay, values: Floats, given: Given | None) -> None:
        """Move drawn times that are beyond the end of a sequence, by less than a bin, to that end; in place."""
        over = (under_way.place > 0) & (under_way.clock <= under_way.end) & (values[:, 0] > under_way.end)
        if given is not None:
            over &= ~given.known[:, 0]
        values[over, 0] = under_way.end[over]

    def _fitting(self, column: int, digit: int, logits: Tensor, digits: Tensor, given: Given | None) -> Tensor:
        """Rule out what shall not be: rare codes, and missing cells where they are to be filled."""
        first = digits[:, digit - 1] if digit in self.digits.second else None
        logits = self.allowed.rule_out(digit, logits, first)
        missing = self.codec.missing[column]
        if given is not None and missing and first is None and self.digits.base(column) == 1:
            logits = logits.clone()
            logits[:, :missing] += NEVER / 2  # a cell to be filled is not left missing, if it can be helped
        return logits

    def _pick(self, digit: int, logits: Tensor, chance: Chance) -> Tensor:
        weights = (logits - logits.amax(dim=1, keepdim=True)).exp_().cumsum_(dim=1)
        return pick(weights, chance.of_codes(len(logits))).squeeze(1)

    def _state(self, column: int, given: Given, source: Source | None) -> tuple[Tensor, NDArray[np.bool_]]:
        """Return the digits of a column's given cells, (n, digits of the column), and where it is given."""
        codes = given.codes[:, column]
        if column in self.numbers:
            place, name = self.numbers[column]
            values = given.values[:, place]
            source = Source.unknown(len(values)) if source is None else source
            codes = self.codec.numbers[name].encode(values, source)[0].astype(np.int64)
        base = self.digits.base(column)
        parts = [codes] if base == 1 else [codes // base, codes % base]
        return torch.from_numpy(np.stack(parts, axis=1).astype(np.int64)).to(self.device), given.known[:, column]

    def _follow(
        self, digit: int, drawn: Tensor, logits: Tensor, stated: tuple[Tensor, NDArray[np.bool_]]
    ) -> tuple[Tensor, Tensor]:
        """Return a digit as given where it is, and how likely it was there."""
        forced = stated[0][:, 1 if digit in self.digits.second else 0]
        known = torch.from_numpy(stated[1]).to(self.device)
        chances = logits.log_softmax(dim=1).gather(1, forced[:, None]).squeeze(1)
        return torch.where(known, forced, drawn), torch.where(known, chances, 0.0)

    def _join(self, column: int, digits: Tensor) -> Codes:
        """Return the codes of a column, shape (n,)."""
        of_column = self.digits.of_column(column)
        code = digits[:, of_column[0]]
        if len(of_column) > 1:
            code = code * self.digits.base(column) + digits[:, of_column[1]]
        codes: Codes = code.cpu().numpy()
        return codes

    def _settle(
        self,
        under_way: UnderWay,
        column: int,
        codes: Codes,
        values: Floats,
        source: Source | None,
        chance: Chance,
        given: Given | None,
    ) -> None:
        """Set what a number's codes stand for, or what was given."""
        if column not in self.numbers:
            return
        place, name = self.numbers[column]
        source = Source.unknown(len(codes)) if source is None else source
        drawn = self.codec.numbers[name].decode(codes[:, column], chance.of_offsets(len(codes)), source)
        drawn = self.limits.keep(place, drawn, values, under_way.history, under_way.turns)
        values[:, place] = drawn if given is None else np.where(given.known[:, column], given.values[:, place], drawn)

    def _width(
        self, column: int, codes: Codes, values: Floats, source: Source | None, known: NDArray[np.bool_]
    ) -> Tensor:
        """Return the logarithm of how wide the bins of given numbers are, 0 elsewhere; shape (n,).

        A number beyond all bins is in the outermost; it is taken to be less likely the farther it is.
        """
        if column not in self.numbers:
            return torch.zeros(len(codes), device=self.device)
        place, name = self.numbers[column]
        number = self.codec.numbers[name]
        far = number.beyond(values[:, place], Source.unknown(len(codes)) if source is None else source)
        widths = np.log(number.widths[codes[:, column]]) + UNLIKELIHOOD * far
        return torch.from_numpy(np.where(known, widths, 0.0).astype(np.float32)).to(self.device)

    def _tell_time(self, under_way: UnderWay, sums: Tensor, clock: Floats) -> None:
        before = np.where(under_way.place == 0, clock, under_way.clock)
        timely = self.features.timely(clock, before, under_way.end, under_way.history.happened)
        self.network.steps.see_time(sums, torch.from_numpy(timely).to(self.device))

    def _recall(self, under_way: UnderWay, sums: Tensor, codes: Codes, values: Floats) -> History:
        """Let the digits that follow see the last step of the same kind; return what is known now."""
        kind, each = self.codec.kind(codes), np.arange(len(codes))
        happened = under_way.history.happened[each, kind]
        steps, at = self.network.steps, torch.from_numpy(kind).to(self.device)
        last = under_way.digits[torch.arange(len(codes), device=self.device), at].long()
        ages = torch.from_numpy(self.features.recalled(self._clock(under_way, values), happened)).to(self.device)
        steps.see_recalled(sums, steps.remember(last, ages[:, 0] > 0, ages))
        return under_way.history.at(kind, under_way.numbers[each, kind])

    def _clock(self, under_way: UnderWay, values: Floats) -> Floats:
        """Return the time of the step: that of the time column, or else the number of the step."""
        clock: Floats = values[:, 0] if self.features.timed else under_way.place.astype(np.float64)
        return clock

    def _advance(self, under_way: UnderWay, digits: Tensor, values: Floats, history: History) -> None:
        clock = self._clock(under_way, values)
        if self.codec.told_apart:
            each = np.arange(len(values))
            under_way.digits[
                torch.arange(len(values), device=self.device), torch.from_numpy(history.kind).to(self.device)
            ] = digits.to(torch.int16)
            under_way.numbers[each, history.kind] = values
        under_way.last = self.network.steps.embed(digits)
        under_way.turns = self.codec.rhythm.after(under_way.turns, self.codec.turned(values, history))
        under_way.history = history.after(values, clock)
        under_way.began = np.where(under_way.place == 0, clock, under_way.began)
        under_way.clock, under_way.place = clock, under_way.place + 1
