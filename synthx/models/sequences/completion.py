"""Going on from given steps: continuing histories, and filling unknown cells within them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from synthx.codec.categorical import CategoricalCodec
from synthx.codec.sequence.steps import CodedSteps
from synthx.codec.table import TableCodec
from synthx.models.picking import pick
from synthx.models.sequences.drawing import SequenceSampler
from synthx.models.sequences.under_way import Chance, Given, UnderWay

__all__ = ["CANDIDATES", "continue_steps", "fill_steps", "without_missing"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
CANDIDATES = 8
"""Ways in which a sequence is filled side by side; those that lead to what comes next go on."""


def continue_steps(
    sampler: SequenceSampler, under_way: UnderWay, given: CodedSteps, lengths: Codes, more: int, chance: Chance
) -> tuple[Codes, Floats]:
    """Follow given steps, then draw `more` of them for each sequence.

    Parameters
    ----------
    sampler : SequenceSampler
    under_way : UnderWay
        Before the first step.
    given : CodedSteps
        The given steps, one sequence after the other.
    lengths : int array, shape (n,)
        How many are given.
    more : int
    chance : Chance

    Returns
    -------
    (codes, numbers)
        Shapes (n * more, columns) and (n * more, numbers), sequence after sequence.
    """
    starts, count = np.cumsum(lengths) - lengths, len(lengths)
    codes = np.zeros((count, more, len(sampler.codec.names)), np.int64)
    values = np.zeros((count, more, len(sampler.codec.numbers)))
    going = np.arange(count)
    for place in range(int(lengths.max()) + 1):
        ended = lengths[going] == place
        if ended.any():
            which, front = going[ended], under_way.pick(np.flatnonzero(ended))
            for step in range(more):
                codes[which, step], values[which, step], _ = sampler.step(front, chance)
            under_way, going = under_way.pick(np.flatnonzero(~ended)), going[~ended]
        if len(going):
            rows = starts[going] + place
            known = np.ones((len(going), codes.shape[2]), bool)
            sampler.step(under_way, chance, Given(given.codes[rows].astype(np.int64), given.values[rows], known))
    return codes.reshape(count * more, -1), values.reshape(count * more, -1)


def fill_steps(
    sampler: SequenceSampler,
    under_way: UnderWay,
    given: CodedSteps,
    known: NDArray[np.bool_],
    lengths: Codes,
    chance: Chance,
) -> tuple[Codes, Floats]:
    """Fill the unknown cells of sequences, each in a few candidates side by side.

    At each step the unknown cells are drawn one by one and the known ones taken as they are; candidates are drawn again
    in proportion to how likely they make the known ones (sequential importance resampling; Doucet, de Freitas & Gordon
    2001, chapter 1), so that what is filled fits what comes later, too.

    Parameters
    ----------
    sampler : SequenceSampler
    under_way : UnderWay
        Before the first step.
    given : CodedSteps
        The steps, one sequence after the other.
    known : bool array, shape (steps, columns)
        Which cells stay.
    lengths : int array, shape (n,)
    chance : Chance

    Returns
    -------
    (codes, numbers)
        Shapes (steps, columns) and (steps, numbers).
    """
    order = np.argsort(-lengths, kind="stable")
    starts = (np.cumsum(lengths) - lengths)[order]
    steps = int(lengths.max())
    codes = np.zeros((len(order), CANDIDATES, steps, known.shape[1]), np.int64)
    values = np.zeros((len(order), CANDIDATES, steps, given.values.shape[1]))
    under_way = under_way.pick(np.repeat(order, CANDIDATES))
    for place in range(steps):
        going = int((lengths[order] > place).sum())
        if going * CANDIDATES < len(under_way.lengths):
            under_way = under_way.pick(np.arange(going * CANDIDATES))
        rows = np.repeat(starts[:going] + place, CANDIDATES)
        stated = Given(given.codes[rows].astype(np.int64), given.values[rows], known[rows])
        drawn, numbers, likelihood = sampler.step(under_way, chance, stated)
        codes[:going, :, place] = drawn.reshape(going, CANDIDATES, -1)
        values[:going, :, place] = numbers.reshape(going, CANDIDATES, -1)
        better = likelihood.view(going, CANDIDATES).double()
        if float((better.amax(dim=1) - better.amin(dim=1)).max()) > 1e-6:
            weights = (better - better.amax(dim=1, keepdim=True)).exp().cumsum(dim=1)
            spread = torch.rand(going, 1, generator=chance.generator, device=better.device).double()
            spread = (spread + torch.arange(CANDIDATES, device=better.device)) / CANDIDATES
            picked = pick(weights, spread).cpu().numpy()  # (going, candidates)
            under_way = under_way.pick((np.arange(going)[:, None] * CANDIDATES + picked).ravel())
            at = np.arange(going)[:, None]
            codes[:going], values[:going] = codes[at, picked], values[at, picked]
    back = np.argsort(order)
    real = np.arange(steps) < lengths[:, None]
    return codes[back, 0][real], values[back, 0][real]


def without_missing(frame: pd.DataFrame, codec: TableCodec) -> pd.DataFrame:
    """Return cells that can be coded: a level in the place of missing ones, in columns that never were missing.

    Which cells are missing has to be known beforehand; what stands there afterwards means nothing.
    """
    frame = frame.copy()
    for name, column in codec.columns.items():
        if isinstance(column, CategoricalCodec) and not column.first_level and column.levels:
            missing = frame[name].isna().to_numpy(dtype=bool)
            if missing.any():
                cells = frame[name].copy()
                cells[missing] = column.levels[0]
                frame[name] = cells
    return frame
