"""Drawing sequences step by step, all of them together, each with the state of its recurrence."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthx.codec.sequence.history import History
from synthx.codec.sequence.steps import StepCodec
from synthx.models.allowed import Allowed
from synthx.models.layout import Digits
from synthx.models.networks import NEVER
from synthx.models.picking import pick
from synthx.models.sequences.features import StepFeatures
from synthx.models.sequences.network import RecurrentNetwork

__all__ = ["Progressing", "SequenceSampler"]

Floats = NDArray[np.float64]


@dataclasses.dataclass
class Progressing:
    """Sequences under way.

    Parameters
    ----------
    condition : Tensor, shape (n, condition)
        The static columns and the latent vector.
    lengths, spans : arrays, shape (n,)
        How many steps each is to have, and how long it is to last.
    state : Tensor, shape (1, n, hidden), optional
        Of the recurrence.
    last : Tensor, shape (n, digits * width)
        The vectors of the last step.
    history : History
        What is known of numbers.
    clock : float array, shape (n,)
        The time of the last step.
    place : int
        How many steps each has.
    """

    condition: Tensor
    lengths: NDArray[np.int64]
    spans: Floats
    state: Tensor | None
    last: Tensor
    history: History
    clock: Floats
    began: Floats
    place: NDArray[np.int64]

    def keep(self, count: int) -> None:
        """Keep the first so many sequences."""
        self.condition, self.last = self.condition[:count], self.last[:count]
        self.state = None if self.state is None else self.state[:, :count].contiguous()
        self.lengths, self.spans = self.lengths[:count], self.spans[:count]
        self.history = History(self.history.values[:count], self.history.times[:count])
        self.clock, self.began, self.place = self.clock[:count], self.began[:count], self.place[:count]

    def pick(self, chosen: NDArray[np.int64]) -> None:
        """Keep sequences by index, some of them several times."""
        at = torch.from_numpy(chosen).to(self.last.device)
        self.condition, self.last = self.condition[at], self.last[at]
        self.state = None if self.state is None else self.state[:, at].contiguous()
        self.lengths, self.spans = self.lengths[chosen], self.spans[chosen]
        self.history = History(self.history.values[chosen], self.history.times[chosen])
        self.clock, self.began, self.place = self.clock[chosen], self.began[chosen], self.place[chosen]


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
        self.number_of = {codec.names.index(name): number for name, number in codec.numbers.items()}
        self.place_of = {codec.names.index(name): place for place, name in enumerate(codec.numbers)}

    def begin(self, static: Tensor, latent: Tensor, lengths: NDArray[np.int64], spans: Floats) -> Progressing:
        """Return sequences before their first step; static digits (n, static digits), latent (n, latent)."""
        count, columns = len(latent), len(self.codec.numbers)
        condition = torch.cat([self.network.condition(static), latent], dim=1)
        last = torch.zeros(count, len(self.digits.sizes) * self.network.steps.width, device=self.device)
        nothing = np.zeros(count)
        return Progressing(
            condition,
            lengths,
            spans,
            None,
            last,
            History.empty(count, columns),
            nothing,
            nothing,
            np.zeros(count, np.int64),
        )

    @torch.no_grad()
    def draw(
        self,
        static: Tensor,
        latent: Tensor,
        lengths: NDArray[np.int64],
        spans: Floats,
        generator: torch.Generator,
        rng: np.random.Generator,
        *,
        alike: bool = False,
    ) -> tuple[NDArray[np.int64], Floats]:
        """Draw whole sequences; return codes (steps, columns) and numbers (steps, numbers), one after the other."""
        order = np.argsort(-lengths, kind="stable")  # the longest first: those that go on stand in front
        at = torch.from_numpy(order).to(self.device)
        under_way = self.begin(static[at], latent[at], lengths[order], spans[order])
        starts = (np.cumsum(lengths) - lengths)[order]
        codes = np.zeros((int(lengths.sum()), len(self.codec.names)), np.int64)
        values = np.zeros((len(codes), len(self.codec.numbers)))
        for place in range(int(lengths.max())):
            going = int((lengths[order] > place).sum())
            if going < len(under_way.lengths):
                under_way.keep(going)
            rows = starts[:going] + place
            codes[rows], values[rows] = self.step(under_way, generator, rng, alike=alike)
        return codes, values

    @torch.no_grad()
    def step(
        self,
        under_way: Progressing,
        generator: torch.Generator,
        rng: np.random.Generator,
        *,
        alike: bool = False,
        temperature: float = 1.0,
    ) -> tuple[NDArray[np.int64], Floats]:
        """Draw the next step of each sequence and move on; with `alike`, all by the same random numbers."""
        sums = self._look(under_way)
        count = len(under_way.lengths)
        digits = torch.zeros(count, len(self.digits.sizes), dtype=torch.long, device=self.device)
        codes = np.zeros((count, len(self.codec.names)), np.int64)
        values = np.full((count, len(self.codec.numbers)), np.nan)
        for column in range(len(self.codec.names)):
            for digit in self.digits.of_column(column):
                first = digits[:, digit - 1] if digit in self.digits.second else None
                logits = self.allowed.rule_out(digit, self.network.steps.logits(digit, sums), first)
                logits = self._rule_out_sort(column, logits, values, under_way.history)
                if temperature != 1:
                    logits = logits / temperature
                uniform = torch.rand(1 if alike else count, 1, generator=generator, device=self.device)
                weights = (logits - logits.amax(dim=1, keepdim=True)).exp().cumsum(dim=1)
                digits[:, digit] = pick(weights, uniform.expand(count, 1)).squeeze(1)
                self.network.steps.see(sums, digit, digits[:, digit])
            self._settle(column, digits, codes, values, under_way, sums, rng.random(1 if alike else count))
        self._advance(under_way, digits, values)
        return codes, values

    @torch.no_grad()
    def follow(self, under_way: Progressing, codes: NDArray[np.int64], values: Floats) -> Tensor:
        """Move on by given steps, (n, columns) and (n, numbers); return their log-probability, (n,)."""
        sums = self._look(under_way)
        digits = self.digits.split(torch.from_numpy(codes).to(self.device))
        total = torch.zeros(len(codes), device=self.device)
        clock = self._time(under_way, values)
        for digit, column in enumerate(self.digits.column):
            logits = self.network.steps.logits(digit, sums)
            total += logits.log_softmax(dim=1).gather(1, digits[:, digit : digit + 1]).squeeze(1)
            self.network.steps.see(sums, digit, digits[:, digit])
            if column == 0 and digit + 1 == self.network.steps.timed:
                self._tell_time(under_way, sums, clock)
        self._advance(under_way, digits, values)
        return total

    # -- one step -----------------------------------------------------------------------------------------------

    def _look(self, under_way: Progressing) -> Tensor:
        """Return what the hidden units of its digits begin with."""
        features = torch.from_numpy(
            self.features.before(
                under_way.history,
                under_way.clock,
                under_way.began,
                under_way.place,
                under_way.lengths,
                under_way.spans,
            )
        ).to(self.device)
        inputs = torch.cat([under_way.last, features], dim=1).unsqueeze(1)
        hidden, under_way.state = self.network.decoder(inputs, under_way.condition, under_way.state)
        context = self.network.context(hidden.squeeze(1), features, under_way.condition)
        return self.network.steps.begin(context)

    def _rule_out_sort(self, column: int, logits: Tensor, values: Floats, history: History) -> Tensor:
        """Leave levels where the reference of a number is not known, distances where it is; missing always."""
        number = self.number_of.get(column)
        if number is None or number.move is None:
            return logits
        known = torch.from_numpy(~np.isnan(number.source(values, history))).to(self.device)
        level = torch.arange(logits.shape[1], device=self.device) < number.level.size
        missing = torch.zeros_like(level)
        missing[: number.level.first_spike] = True
        fitting = (level != known[:, None]) | missing
        return logits.masked_fill(~fitting, NEVER)

    def _settle(
        self,
        column: int,
        digits: Tensor,
        codes: NDArray[np.int64],
        values: Floats,
        under_way: Progressing,
        sums: Tensor,
        offsets: Floats,
    ) -> None:
        """Turn a column's drawn digits into its codes and, for a number, into its values."""
        of_column = self.digits.of_column(column)
        code = digits[:, of_column[0]]
        if len(of_column) > 1:
            code = code * self.digits.base(column) + digits[:, of_column[1]]
        codes[:, column] = code.cpu().numpy()
        number = self.number_of.get(column)
        if number is not None:
            source = number.source(values, under_way.history)
            offsets = np.broadcast_to(offsets, (len(codes),))
            values[:, self.place_of[column]] = number.decode(codes[:, column], offsets, source)
        if column == 0 and self.features.timed:
            self._tell_time(under_way, sums, values[:, 0])

    def _tell_time(self, under_way: Progressing, sums: Tensor, clock: Floats) -> None:
        before = np.where(under_way.place == 0, clock, under_way.clock)
        self.network.steps.see_time(sums, torch.from_numpy(self.features.timely(clock, before)).to(self.device))

    def _time(self, under_way: Progressing, values: Floats) -> Floats:
        return values[:, 0] if self.features.timed else under_way.place.astype(np.float64)

    def _advance(self, under_way: Progressing, digits: Tensor, values: Floats) -> None:
        clock = self._time(under_way, values)
        under_way.last = self.network.steps.embed(digits)
        under_way.history = under_way.history.after(values, clock)
        under_way.began = np.where(under_way.place == 0, clock, under_way.began)
        under_way.clock, under_way.place = clock, under_way.place + 1
