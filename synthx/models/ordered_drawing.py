"""Drawing rows from an autoregressive network, digit by digit, and completing rows that are known in part.

Conditions are kept by construction: a code that is not allowed has probability zero. Columns that a condition fixes to
one code come first, then those that it restricts to several, then the others in the natural order. Where several are
restricted, rows are drawn in a few candidates each and resampled by how probable the next restriction makes them
(sequential importance resampling; Doucet, de Freitas & Gordon 2001, chapter 1), so that they follow the model's joint
distribution given all conditions.

Rows that look alike so far share one pass through the network: in the natural order, which begins with the columns of
least entropy, a large batch has few distinct beginnings for most columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from synthx.condition import Window
from synthx.models.allowed import Allowed
from synthx.models.causal import Autoregressor
from synthx.models.drawing import CANDIDATES
from synthx.models.layout import Digits
from synthx.models.picking import pick, resample

__all__ = ["OrderedSampler"]

ALIKE = 4
"""Rows are grouped while there are at most so many possible beginnings a row."""


class _Beginnings:
    """What rows hold so far; rows that hold the same share a sum of vectors.

    Parameters
    ----------
    network : Autoregressor
    rows : int
    device : torch.device
    """

    def __init__(self, network: Autoregressor, rows: int, device: torch.device) -> None:
        self.network = network
        self.values = torch.zeros(rows, len(network.heads.digits), dtype=torch.long, device=device)
        self.group: Tensor | None = torch.zeros(rows, dtype=torch.long, device=device)
        """The group of each row; None where each row is its own."""
        self.sums = torch.zeros(1, network.vectors.shape[1], device=device)
        self.example = torch.zeros(1, dtype=torch.long, device=device)
        """A row of each group."""
        self.known = 0

    def logits(self, digit: int) -> Tensor:
        """Return the logits of a digit; shape (groups, values)."""
        return self.network.logits(digit, self.sums, self.known)

    def of_group(self, digit: int) -> Tensor:
        """Return the value of a known digit in each group."""
        return self.values[self.example, digit]

    def of_row(self, of_group: Tensor) -> Tensor:
        """Return for each row what is known for each group."""
        return of_group if self.group is None else of_group[self.group]

    def fix(self, digit: int, value: int) -> None:
        """Give all rows one value."""
        self.values[:, digit] = value
        self.sums = self.sums + self.network.vector(digit, self.values[:1, digit])
        self.known += 1

    def add(self, digit: int, drawn: Tensor) -> None:
        """Give each row its value, shape (rows,), and group rows anew."""
        self.values[:, digit] = drawn
        self.known += 1
        if self.known == self.values.shape[1]:
            return  # nothing follows
        vectors, size = self.network.vector, self.network.size(digit)
        if self.group is not None and len(self.sums) * size <= ALIKE * len(drawn):
            beginning = self.group * size + drawn
            seen = torch.zeros(len(self.sums) * size, dtype=torch.bool, device=drawn.device)
            seen[beginning] = True
            kept = seen.nonzero().squeeze(1)
            self.sums = self.sums[kept // size] + vectors(digit, kept % size)
            self.group = (seen.cumsum(0) - 1)[beginning]
            self.example = torch.empty_like(kept)
            self.example[self.group] = torch.arange(len(drawn), device=drawn.device)
        elif self.group is not None:
            self.sums = self.sums[self.group].add_(vectors(digit, drawn))
            self.group, self.example = None, torch.arange(len(drawn), device=drawn.device)
        else:
            self.sums.add_(vectors(digit, drawn))

    def pick(self, rows: Tensor) -> None:
        """Keep rows by index, some of them several times; groups stay as they are."""
        self.values = self.values[rows]
        self.group = (torch.arange(len(self.sums), device=rows.device) if self.group is None else self.group)[rows]
        self.example = torch.zeros(len(self.sums), dtype=torch.long, device=rows.device)
        self.example[self.group] = torch.arange(len(rows), device=rows.device)


class OrderedSampler:
    """Draws coded rows.

    Parameters
    ----------
    network : Autoregressor
        On any device.
    digits : Digits
        How codes are written as digits.
    order : sequence of int
        The natural order of the columns.
    drawn : bool array, shape (sum of column sizes,)
        Codes that may be drawn when nothing is asked of their column.
    temperature : float
        Divides the logits: below 1, likely values become likelier.
    """

    def __init__(
        self,
        network: Autoregressor,
        digits: Digits,
        order: Sequence[int],
        drawn: np.ndarray,
        *,
        temperature: float = 1.0,
    ) -> None:
        self.network, self.digits, self.order = network, digits, tuple(order)
        self.drawn, self.temperature = drawn, temperature
        self.device = network.vectors.device

    @torch.no_grad()
    def draw(self, rows: int, windows: Mapping[int, Window], generator: torch.Generator) -> Tensor:
        """Draw rows.

        Parameters
        ----------
        rows : int
        windows : mapping of int to Window
            What is allowed of each conditioned column, by its index.
        generator : torch.Generator
            On the network's device.

        Returns
        -------
        Tensor, shape (rows, columns), int64
            Codes.
        """
        allowed = Allowed(self.digits, self.drawn, windows, self.device)
        asked = [column for column in self.order if column in windows and windows[column].only_code is None]
        particles = rows * CANDIDATES if len(asked) > 1 else rows
        so_far = _Beginnings(self.network, particles, self.device)
        for column, window in windows.items():
            if window.only_code is not None:
                values = self.digits.split_code(column, window.only_code)
                for digit, value in zip(self.digits.of_column(column), values, strict=True):
                    so_far.fix(digit, value)
        for digit in self._digits_of(asked):
            self._draw_agreeing(digit, so_far, allowed, generator)
        if particles > rows:
            so_far.pick(torch.randperm(particles, generator=generator, device=self.device)[:rows])
        for digit in self._digits_of(column for column in self.order if column not in windows):
            ruled = self._ruled(digit, so_far.logits(digit), so_far, allowed)
            so_far.add(digit, _pick(ruled, so_far.group, generator))
        return self.digits.join(so_far.values)

    @torch.no_grad()
    def complete(
        self, values: Tensor, known: Tensor, windows: Mapping[int, Window], generator: torch.Generator
    ) -> Tensor:
        """Draw the digits of rows that are not known, given those that are.

        Parameters
        ----------
        values : int64 Tensor, shape (rows, digits)
        known : bool Tensor, shape (rows, digits)
        windows : mapping of int to Window
            What is allowed of columns where they are not known.
        generator : torch.Generator

        Returns
        -------
        Tensor, shape (rows, digits), int64
        """
        allowed = Allowed(self.digits, self.drawn, windows, self.device)
        values, count = values.clone(), known.sum(dim=1, keepdim=True)
        sums = torch.zeros(len(values), self.network.vectors.shape[1], device=self.device)
        for digit in range(values.shape[1]):
            sums += self.network.vector(digit, values[:, digit]) * known[:, digit, None]
        for digit in self._digits_of(self.order):
            rows = (~known[:, digit]).nonzero().squeeze(1)
            if len(rows) == 0:
                continue
            logits = self.network.logits(digit, sums[rows], count[rows])
            first = values[rows, digit - 1] if digit in self.digits.second else None
            drawn = _pick(allowed.rule_out(digit, self._tempered(logits), first), None, generator)
            values[rows, digit] = drawn
            sums[rows] += self.network.vector(digit, drawn)
            count[rows] += 1
        return values

    @torch.no_grad()
    def log_prob(self, values: Tensor) -> Tensor:
        """Return the log-probability of drawing rows where nothing is given, in nats.

        Parameters
        ----------
        values : int64 Tensor, shape (rows, digits)

        Returns
        -------
        Tensor, shape (rows,)
        """
        allowed = Allowed(self.digits, self.drawn, {}, self.device)
        sums = torch.zeros(len(values), self.network.vectors.shape[1], device=self.device)
        total = torch.zeros(len(values), device=self.device)
        for known, digit in enumerate(self._digits_of(self.order)):
            first = values[:, digit - 1] if digit in self.digits.second else None
            logits = self._tempered(self.network.logits(digit, sums, known))
            chosen = values[:, digit, None]
            total += allowed.rule_out(digit, logits, first).log_softmax(dim=1).gather(1, chosen).squeeze(1)
            sums += self.network.vector(digit, values[:, digit])
        return total

    def _digits_of(self, columns: Iterable[int]) -> list[int]:
        return [digit for column in columns for digit in self.digits.of_column(column)]

    def _tempered(self, logits: Tensor) -> Tensor:
        return logits if self.temperature == 1 else logits / self.temperature

    def _ruled(self, digit: int, logits: Tensor, so_far: _Beginnings, allowed: Allowed) -> Tensor:
        first = so_far.of_group(digit - 1) if digit in self.digits.second else None
        return allowed.rule_out(digit, self._tempered(logits), first)

    def _draw_agreeing(self, digit: int, so_far: _Beginnings, allowed: Allowed, generator: torch.Generator) -> None:
        """Draw one digit among several allowed values, and keep rows whose earlier digits agree with that."""
        logits = so_far.logits(digit)
        ruled = self._ruled(digit, logits, so_far, allowed)
        # The log-probability that the digit is allowed, given what is known:
        agreement = ruled.logsumexp(dim=1) - self._tempered(logits).logsumexp(dim=1)
        weights = so_far.of_row(agreement - agreement.max()).double().exp()
        so_far.pick(resample(weights, len(weights), generator))
        so_far.add(digit, _pick(ruled, so_far.group, generator))


def _pick(logits: Tensor, group: Tensor | None, generator: torch.Generator) -> Tensor:
    """Draw one value a row from the softmax of its group's logits; (groups, values) -> (rows,)."""
    below = logits.softmax(dim=1).cumsum_(dim=1)
    if group is not None:
        below = below[group]
    return pick(below, torch.rand(len(below), 1, generator=generator, device=below.device)).squeeze(1)
