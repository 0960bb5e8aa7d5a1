"""Boosted oblivious trees that tell two sets of rows apart.

An oblivious tree asks the same question of all its nodes of one level, so the leaf of a row is a number whose bits are
the answers: a million rows pass a tree in a few vectorised comparisons of bytes, and a tree is a handful of numbers in
a file. Trees are grown by Newton boosting of the logistic loss (Friedman 2001, doi:10.1214/aos/1013203451; oblivious
trees as in Prokhorenkova et al. 2018, arXiv:1706.09516), each on half of the rows.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

__all__ = ["Trees", "grow"]

BLOCK = 65_536
"""Rows that pass the trees at once: their bytes stay in the cache."""
LEVELS, SHIFT = 2**10, 2**26
MOST_ROWS = 2**16
"""Rows a tree is grown on: so many, at `LEVELS` each, sum to less than `SHIFT`."""


@dataclasses.dataclass(frozen=True)
class Trees:
    """A sum of oblivious trees over binned rows.

    Parameters
    ----------
    columns : int array, shape (trees, depth)
        The column that each level asks about.
    bins : uint8 array, shape (trees, depth)
        The bin that it compares with.
    equal : bool array, shape (trees, depth)
        Whether it asks "is it this bin?" rather than "is it a higher bin?".
    leaves : float32 array, shape (trees, 2 ** depth)
        What each leaf adds; the answer to the first question is the highest bit of a leaf's number.
    """

    columns: np.ndarray
    bins: np.ndarray
    equal: np.ndarray
    leaves: np.ndarray

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return the sum over trees, float32 of shape (rows,), for bins of shape (columns, rows)."""
        total = np.zeros(rows.shape[1], np.float32)
        for start in range(0, rows.shape[1], BLOCK):
            block = np.ascontiguousarray(rows[:, start : start + BLOCK])
            part = total[start : start + BLOCK]
            for questions, leaves in zip(self._questions(), self.leaves, strict=True):
                part += _answer(block, questions, leaves)
        return total

    def _questions(self) -> Iterator[list[Question]]:
        for columns, bins, equal in zip(self.columns.tolist(), self.bins, self.equal.tolist(), strict=True):
            yield [Question(*parts) for parts in zip(columns, bins, equal, strict=True)]

    @classmethod
    def joined(cls, parts: list[Trees], scale: float) -> Trees:
        """Return the sum of several sums, times a scale."""
        return cls(
            np.concatenate([part.columns for part in parts]),
            np.concatenate([part.bins for part in parts]),
            np.concatenate([part.equal for part in parts]),
            np.concatenate([part.leaves for part in parts]) * np.float32(scale),
        )


class Question(NamedTuple):
    """What a level of a tree asks of a row."""

    column: int
    bin: int
    equal: bool


def _answer(rows: np.ndarray, questions: list[Question], leaves: np.ndarray) -> np.ndarray:
    """Return what a tree says of each row; bins (columns, rows) -> (rows,)."""
    leaf = np.zeros(rows.shape[1], np.uint8)
    for column, bin_, equal in questions:
        answer = rows[column] == bin_ if equal else rows[column] > bin_
        leaf += leaf  # several times as fast as a shift
        leaf |= answer.view(np.uint8)
    answers: np.ndarray = leaves.take(leaf.astype(np.intp), mode="clip")
    return answers


@dataclasses.dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown.

    Parameters
    ----------
    trees : int
        At most so many.
    depth : int
        Questions a tree, at most 8.
    rate : float
        The share of the Newton step that is taken.
    shrinkage : float
        A quarter of it is added to the curvature of a leaf, and so it weighs like so many rows that say nothing.
    least_rows : float
        Leaves of less weight say nothing.
    sample, column_sample : float
        The shares of rows and of columns that a tree is grown on.
    most_columns : int
        A tree is grown on no more columns: bounds the work on wide tables.
    patience : int
        Trees without a gain on held-out rows before growing stops.
    judge_every : int
        After how many trees these rows are looked at.
    """

    trees: int = 100
    depth: int = 6
    rate: float = 0.25
    shrinkage: float = 20.0
    least_rows: float = 20.0
    sample: float = 1.0
    column_sample: float = 0.5
    most_columns: int = 24
    patience: int = 40
    judge_every: int = 10

    def columns(self, of: int) -> int:
        """Return how many columns a tree chooses from."""
        return min(of, self.most_columns, max(2, math.ceil(of * self.column_sample)))


def grow(
    rows: np.ndarray,
    real: np.ndarray,
    weights: np.ndarray,
    held_out: np.ndarray,
    *,
    sizes: tuple[int, ...],
    growth: Growth,
    rng: np.random.Generator,
    stop: Callable[[int], bool] = lambda grown: False,
) -> tuple[Trees, np.ndarray]:
    """Grow trees whose sum is the log of how much more likely a row is real than synthetic.

    Parameters
    ----------
    rows : uint8 array, shape (columns, rows)
        Bins.
    real : bool array, shape (rows,)
    weights : float array, shape (rows,)
        From 0 to 1.
    held_out : bool array, shape (rows,)
        Rows that trees are not grown on; how many trees are kept is what serves these best.
    sizes : tuple of int
        The number of bins of each column.
    growth : Growth
    rng : numpy Generator
        Draws the rows and columns of each tree.
    stop : callable
        Whether time is up; is asked, and told how many trees are grown, before each tree.

    Returns
    -------
    (Trees, float array of shape (rows held out,))
        The trees and what they say of the held-out rows.
    """
    target = real.astype(np.float32)
    score = np.zeros(len(real), np.float32)
    learning = np.flatnonzero(~held_out)
    share = min(growth.sample, 0.95 * MOST_ROWS / len(learning))
    grown: list[tuple[list[Question], np.ndarray]] = []
    best, best_score = 0, score[held_out]
    best_loss = _loss(best_score, target[held_out], weights[held_out])
    while len(grown) < growth.trees and len(grown) - best < growth.patience and not stop(len(grown)):
        chosen = learning[rng.random(len(learning)) < share]
        chance = 0.5 + 0.5 * np.tanh(0.5 * score[chosen])
        pull = weights[chosen] * (target[chosen] - chance)
        curvature = weights[chosen] * chance * (1 - chance)
        questions, leaves = _grow_one(rows, chosen, pull, curvature, weights[chosen], sizes, growth, rng)
        score += _answer(rows, questions, leaves)
        grown.append((questions, leaves))
        if len(grown) % growth.judge_every and len(grown) < growth.trees:
            continue
        current = _loss(score[held_out], target[held_out], weights[held_out])
        if current < best_loss:
            best_loss, best, best_score = current, len(grown), score[held_out]
    return _packed(grown[:best], growth.depth), best_score


def _loss(score: np.ndarray, target: np.ndarray, weights: np.ndarray) -> float:
    return float(np.average(np.logaddexp(0, score) - target * score, weights=weights))


def _packed(grown: list[tuple[list[Question], np.ndarray]], depth: int) -> Trees:
    questions = [question for asked, _ in grown for question in asked]
    columns, bins, equal = zip(*questions, strict=True) if questions else ((), (), ())
    shape = (len(grown), depth)
    return Trees(
        np.array(columns, np.int32).reshape(shape),
        np.array(bins, np.uint8).reshape(shape),
        np.array(equal, bool).reshape(shape),
        np.array([leaves for _, leaves in grown], np.float32).reshape(len(grown), 2**depth),
    )


def _grow_one(
    rows: np.ndarray,
    chosen: np.ndarray,
    pull: np.ndarray,
    curvature: np.ndarray,
    weights: np.ndarray,
    sizes: tuple[int, ...],
    growth: Growth,
    rng: np.random.Generator,
) -> tuple[list[Question], np.ndarray]:
    """Return the questions of one tree, and its leaves."""
    some_columns = rng.permutation(len(sizes))[: growth.columns(len(sizes))].tolist()
    columns = {column: rows[column].take(chosen) for column in some_columns}
    packed = _pack(pull, curvature)
    leaf = np.zeros(len(chosen), np.intp)
    sums = {column: np.bincount(bins, packed, sizes[column])[None] for column, bins in columns.items()}
    asked: list[Question] = []
    for level in range(growth.depth):
        gain, question = -np.inf, Question(0, 0, True)
        for column in columns:
            gain, question = max((gain, question), _best_question(column, *_unpack(sums[column]), growth.shrinkage / 4))
        asked.append(question)
        bins = columns[question.column]
        answer = bins == question.bin if question.equal else bins > question.bin
        if level + 1 < growth.depth:
            rarer = bool(2 * np.count_nonzero(answer) < len(answer))
            some = np.flatnonzero(answer == rarer)
            part = leaf[some], packed[some]
            sums = {column: _parted(sums[column], columns[column].take(some), *part, rarer=rarer) for column in columns}
        leaf = leaf * 2 + answer
    count = 2**growth.depth
    step = np.bincount(leaf, pull, count) / (np.bincount(leaf, curvature, count) + growth.shrinkage / 4)
    step[np.bincount(leaf, weights, count) < growth.least_rows] = 0.0
    return asked, (growth.rate * step).astype(np.float32)


def _pack(pull: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Write two numbers a row (pull in -1 to 1, curvature in 0 to 1/4) as one whole float, so that one pass sums both.

    Ten bits each are more than boosting needs (Shi et al. 2022, arXiv:2207.09682).
    """
    packed: np.ndarray = np.rint(pull * LEVELS) * SHIFT + np.rint(curvature * (4 * LEVELS))
    return packed


def _unpack(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pulls = np.floor(sums / SHIFT)
    return pulls / LEVELS, (sums - pulls * SHIFT) / (4 * LEVELS)


def _parted(sums: np.ndarray, bins: np.ndarray, leaf: np.ndarray, packed: np.ndarray, *, rarer: bool) -> np.ndarray:
    """Part the sums of each leaf and bin by an answer; rows of the rarer answer are given, the others are what remains.

    Sums (leaves, bins) -> (2 * leaves, bins).
    """
    leaves, size = sums.shape
    part = np.bincount(leaf * size + bins, packed, leaves * size).reshape(leaves, size)
    both = (sums - part, part) if rarer else (part, sums - part)
    parted: np.ndarray = np.stack(both, axis=1).reshape(2 * leaves, size)
    return parted


def _best_question(column: int, pulls: np.ndarray, curves: np.ndarray, shrinkage: float) -> tuple[float, Question]:
    """Return the gain of the best question about a column, and the question, from sums by leaf and bin."""
    whole_pull, whole_curve = pulls.sum(axis=1, keepdims=True), curves.sum(axis=1, keepdims=True)
    best = (-np.inf, Question(column, 0, True))
    for equal, inside, bent in ((True, pulls, curves), (False, pulls.cumsum(axis=1), curves.cumsum(axis=1))):
        yes, no = inside**2 / (bent + shrinkage), (whole_pull - inside) ** 2 / (whole_curve - bent + shrinkage)
        gains = (yes + no).sum(axis=0)
        best = max(best, (float(gains.max()), Question(column, int(gains.argmax()), equal)))
    return best
