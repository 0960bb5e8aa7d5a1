"""What kind of event a step is, so that it can be compared with the last one of its kind.

A standing order is of the same amount to the same bank as a month ago, whatever was paid in between; a blood count
follows the last blood count. A kind is told by a few discrete columns together: those for which the other cells cost
the fewest nats by what stood there when the kind last happened, beside what they cost by what stood there in the step
before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

__all__ = ["Kinds", "choose_kinds", "last_of_kind"]

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_KINDS = 24
MOST_COLUMNS = 3
BEAM = 3
"""Choices that go on side by side, column by column."""
SAMPLE = 20_000
"""Steps that the choice is made by."""
LEAST_GAIN = 0.1
"""Nats a step that kinds, or one more column of them, must save."""
PRIOR = 0.5
"""What is added to every count (Krichevsky & Trofimov 1981): what is seen once or twice promises little."""
_BITS = 20


@dataclasses.dataclass(frozen=True)
class Kinds:
    """The kinds of steps.

    Parameters
    ----------
    columns : tuple of str
        The discrete columns that tell the kind, in the order in which they are drawn.
    codes : int64 array, shape (kinds - 1, columns)
        What these hold in steps of each kind, from kind 1 on. All that is not listed is of kind 0.
    """

    columns: tuple[str, ...]
    codes: Codes

    def __len__(self) -> int:
        return len(self.codes) + 1

    def of(self, codes: NDArray[np.integer[Any]]) -> Codes:
        """Return the kinds of steps by the codes of the columns; (steps, columns) -> (steps,)."""
        listed, asked = _joined(self.codes), _joined(codes)
        order = np.argsort(listed)
        place = np.minimum(np.searchsorted(listed[order], asked), len(listed) - 1)
        found = order[place]
        return np.where(listed[found] == asked, found + 1, 0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"columns": list(self.columns), "codes": self.codes.tolist()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Kinds:
        return cls(tuple(values["columns"]), np.asarray(values["codes"], np.int64))


def last_of_kind(kinds: Codes, holders: Codes) -> Codes:
    """Return for each step the last one before it of its sequence and kind, or -1; all of shape (steps,).

    Parameters
    ----------
    kinds : int array, shape (steps,)
    holders : int array, shape (steps,)
        The sequence of each step, ascending.
    """
    order = np.lexsort((kinds, holders))
    follows = (kinds[order][1:] == kinds[order][:-1]) & (holders[order][1:] == holders[order][:-1])
    last = np.full(len(kinds), -1)
    last[order[1:][follows]] = order[:-1][follows]
    return last


def choose_kinds(
    discrete: Mapping[str, Codes], numbers: Sequence[tuple[Floats, Codes]], holders: Codes, *, rare_threshold: int
) -> Kinds | None:
    """Choose the columns that tell a step's kind.

    Parameters
    ----------
    discrete : mapping of str to int array, shape (steps,)
        The codes of the discrete columns.
    numbers : sequence of (float array, int array), each of shape (steps,)
        The values of the columns of numbers, and their codes as levels.
    holders : int array, shape (steps,)
        The sequence of each step, ascending.
    rare_threshold : int
        Kinds that fewer sequences share are not told apart.

    Returns
    -------
    Kinds or None
        None where they would not save `LEAST_GAIN` nats a step.
    """
    first = slice(0, min(len(holders), SAMPLE))
    few = {name: codes[first] for name, codes in discrete.items()}
    some = [(values[first], codes[first]) for values, codes in numbers]
    best, chosen, beam = 0.0, tuple[str, ...](), [tuple[str, ...]()]
    for _ in range(min(MOST_COLUMNS, len(discrete))):
        wider = {tuple(each for each in discrete if each in {*columns, name}) for columns in beam for name in discrete}
        trials = []
        for columns in sorted(wider - set(beam)):
            listed = _listed(few, columns, holders[first], rare_threshold)
            if len(listed.codes):
                trials.append((_saved(few, some, holders[first], listed), columns))
        trials = sorted(trials, reverse=True)[:BEAM]
        if not trials or trials[0][0] < best + LEAST_GAIN:
            break
        (best, chosen), beam = trials[0], [columns for _, columns in trials]
    return _listed(discrete, chosen, holders, rare_threshold) if chosen else None


def _joined(codes: NDArray[np.integer[Any]]) -> Codes:
    """Return one number for the codes of a step's columns; (steps, columns) -> (steps,)."""
    joined = np.zeros(len(codes), np.int64)
    for column in codes.T:
        joined = (joined << _BITS) + column
    return joined


def _listed(discrete: Mapping[str, Codes], columns: tuple[str, ...], holders: Codes, rare_threshold: int) -> Kinds:
    """Return the kinds of some columns that enough sequences share; the most shared ones, if there are many."""
    if not columns:
        return Kinds((), np.empty((0, 0), np.int64))
    codes = np.stack([discrete[name] for name in columns], axis=1).astype(np.int64)
    joined, place = np.unique(_joined(codes), return_inverse=True)
    pairs = np.unique(place * (int(holders[-1]) + 1) + holders)
    shared = np.bincount(pairs // (int(holders[-1]) + 1))
    most = np.sort(np.argsort(-shared, kind="stable")[: MOST_KINDS - 1])
    joined = joined[most][shared[most] >= rare_threshold]
    parts = [joined >> (_BITS * place) & ((1 << _BITS) - 1) for place in reversed(range(len(columns)))]
    return Kinds(columns, np.stack(parts, axis=1))


def _saved(
    discrete: Mapping[str, Codes], numbers: Sequence[tuple[Floats, Codes]], holders: Codes, kinds: Kinds
) -> float:
    """Return the nats a step saves by what stood there when its kind last happened, and not in the step before."""
    kind = kinds.of(np.stack([discrete[name] for name in kinds.columns], axis=1))
    of_any, of_kind = (last_of_kind(each, holders) for each in (np.zeros_like(kind), kind))
    told = {name: codes for name, codes in discrete.items() if name not in kinds.columns}
    return (_cost(told, numbers, kind, of_any) - _cost(told, numbers, kind, of_kind)) / len(holders)


def _cost(discrete: Mapping[str, Codes], numbers: Sequence[tuple[Floats, Codes]], kind: Codes, last: Codes) -> float:
    """Return how many nats cells cost, given the kind of their step and what stood there in an earlier one."""
    known, total = last >= 0, 0.0
    for codes in discrete.values():
        total += _nats(codes, [kind, np.where(known, codes[last] + 1, 0)])
    for values, codes in numbers:
        same = known & (values == values[last])
        total += _nats(same.astype(np.int64), [kind, known]) + _nats(codes[~same], [kind[~same]])
    return total


def _nats(outcome: Codes, context: Sequence[NDArray[Any]]) -> float:
    """Return the nats that outcomes cost, told one by one by the counts so far in their context."""
    if not len(outcome):
        return 0.0
    levels = int(outcome.max()) + 1
    place = np.zeros(len(outcome), np.int64)
    for codes in context:
        place = np.unique(place * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
    counts = np.bincount(place * levels + outcome)
    counts = np.pad(counts, (0, -len(counts) % levels)).reshape(-1, levels)
    seen = (gammaln(counts + PRIOR) - gammaln(PRIOR)).sum()
    totals = gammaln(counts.sum(axis=1) + PRIOR * levels) - gammaln(PRIOR * levels)
    return float(totals.sum() - seen)
