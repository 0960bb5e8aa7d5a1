"""Singling out: whether a description found in the synthetic rows fits exactly one training row.

A predicate singles out if exactly one row fulfils it (A. Cohen, K. Nissim, "Towards formalizing the GDPR's notion of
singling out", PNAS 117 (2020), 8344-8352). Chance does that too: one that a share w of the population fulfils singles
out a row of n with probability n w (1 - w)^(n - 1), which is 0.37 at w = 1 / n. So the same predicates are counted
among as many holdout rows, and random predicates beside them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure.attack import ONE_SIDED, Rate, absent, residual_risk
from synthx_evaluation.disclosure.predicates import Matches, combinations, single_values
from synthx_evaluation.encoding import Floats
from synthx_evaluation.record import Better, Definition, Measure
from synthx_evaluation.statistics import Z95, jackknife_variance, wilson_interval

__all__ = ["SINGLING", "singling_out"]

SINGLING = {
    "one": Definition(
        "DISC-SINGLE-1", "1.0", "Singled out by one column: training rows, beyond holdout rows", Better.LOWER
    ),
    "many": Definition(
        "DISC-SINGLE-M", "1.0", "Singled out by several columns: training rows, beyond holdout rows", Better.LOWER
    ),
}

_DRAWS = 999
_CELLS = 40_000_000
"""Cells that the permutations may look at."""

_BLOCK = 1_000_000
"""Cells that are looked at in one go."""

_GROUPS = 20
_MOST_EXPECTED = 60
"""Expected rows that fit, above which a predicate practically never fits just one."""


def singling_out(comparison: Comparison) -> list[Measure]:
    """Find predicates that fit one synthetic row, and count those that fit exactly one training row.

    DISC-SINGLE-1 takes predicates of one column: a value, a missing cell, the largest or smallest number that a single
    synthetic row holds. DISC-SINGLE-M takes a synthetic row's cells in two to six columns, numbers within a
    twentieth of the real rows to either side. The value is the share of predicates that single out a training row
    minus the share that single out a holdout row, of as many rows each: of the larger table, the mean over all
    samples of as many rows as the smaller has.
    """
    found: list[Measure] = []
    for name, make, columns in (("one", single_values, 1), ("many", combinations, 2)):
        definition = SINGLING[name]
        gone = absent(definition, comparison, columns=columns)
        if gone is not None:
            found.append(gone)
            continue
        matches, blind = make(comparison.tables, comparison.generator(definition.id))
        if matches.predicates == 0:
            reason = "no such predicate fits exactly one synthetic row"
            found.append(definition.not_applicable(reason, seed=comparison.seed))
            continue
        found.append(_measure(definition, comparison, matches, blind))
    return found


def _measure(definition: Definition, comparison: Comparison, matches: Matches, blind: Matches) -> Measure:
    assert comparison.tables.holdout is not None
    sizes = len(comparison.tables.train), len(comparison.tables.holdout)
    game = Game(sizes[0], sizes[1], min(sizes))
    trained, held = game.shares(*matches.counts(game.members))
    attack, control = _rate(trained), _rate(held)
    value, n = attack.value - control.value, matches.predicates
    least = wilson_interval(0, n)[1]  # as wide as where nothing is singled out
    radius = max(least, Z95 * np.sqrt(_variance(game, matches, comparison.generator(f"{definition.id} groups"))))
    null = _null(game, matches, comparison.generator(f"{definition.id} permutations"))
    slack = 1e-12
    above, tied = int((null > value + slack).sum()), int((np.abs(null - value) <= slack).sum())
    return definition.computed(
        value,
        interval=(max(-1.0, value - radius), min(1.0, value + radius)),
        anchor=0.0,
        p_value=(above + 0.5 * (tied + 1)) / (len(null) + 1),
        detectable=max(least, ONE_SIDED * float(null.std())),
        n=n,
        seed=comparison.seed,
        details={
            "n_is": "predicates",
            "rows_of_each_kind": game.rows,
            "attack": attack.to_dict(),
            "control": control.to_dict(),
            "random_predicates": _rate(game.shares(*blind.counts(game.members))[0]).to_dict(),
            "residual_risk": residual_risk(attack, control),
            "among_all_training_rows": _rate((matches.counts(game.members)[0] == 1).astype(np.float64)).to_dict(),
            **_weights(matches, sum(sizes)),
        },
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Game:
    """Training and holdout rows of which as many are looked at.

    Parameters
    ----------
    train, holdout : int
        Rows of either table.
    rows : int
        Rows that are looked at in each.
    """

    train: int
    holdout: int
    rows: int

    @property
    def members(self) -> NDArray[np.bool_]:
        """Which of all real rows, training rows first, are training rows."""
        return np.arange(self.train + self.holdout) < self.train

    def shares(self, trained: NDArray[np.intp], held: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Return with which probability a sample of either table has exactly one of the rows that fit."""
        return _exactly_one(trained, self.train, self.rows), _exactly_one(held, self.holdout, self.rows)


def _exactly_one(fitting: NDArray[np.intp], total: int, rows: int) -> Floats:
    """Return the probability that of `rows` drawn from `total`, of which `fitting` fit, exactly one fits.

    fitting (rows / total) times the probability that the others that fit are not among the other rows drawn.
    """
    if rows == total:
        return np.asarray(fitting == 1, dtype=np.float64)
    most = min(int(fitting.max(initial=0)), total - rows + 1)
    others = np.arange(max(0, most - 1))
    missed = np.concatenate([[1.0], np.cumprod((total - rows - others) / (total - 1 - others))])
    held = np.arange(most + 1)
    chance = held * (rows / total) * missed[np.maximum(held - 1, 0)]
    return np.asarray(np.where(fitting <= most, chance[np.minimum(fitting, most)], 0.0))


def _rate(successes: Floats) -> Rate:
    return Rate.of(successes) if len(successes) else Rate(0.0, 0.0, 1.0, 0)


def _null(game: Game, matches: Matches, generator: np.random.Generator) -> Floats:
    """Return the difference for many ways to call as many of the real rows training rows.

    Predicates that fit the same rows succeed together; changing the rows' places, not the predicates', allows for it.
    """
    few, real = _few(game, matches), game.train + game.holdout
    draws = max(199, min(_DRAWS, _CELLS // max(len(few.rows), real)))
    block = max(1, _BLOCK // max(len(few.rows), real))
    null = np.empty(draws)
    for start in range(0, draws, block):
        part = null[start : start + block]
        members = np.stack([game.members[generator.permutation(real)] for _ in part])
        trained, held = game.shares(*few.counts(members))
        part[:] = trained.sum(axis=1) - held.sum(axis=1)
    return null / matches.predicates


def _few(game: Game, matches: Matches) -> Matches:
    """Return the predicates that may single out a row at all: with many rows that fit, they practically never do."""
    total = matches.sizes * (game.rows / (game.train + game.holdout))
    return matches.keep((total > 0) & (total <= _MOST_EXPECTED))


def _variance(game: Game, matches: Matches, generator: np.random.Generator) -> float:
    """Return the variance of the difference: each twentieth of the real rows left out in turn."""
    few = _few(game, matches)
    group = np.empty(game.train + game.holdout, dtype=np.intp)
    for places in (np.flatnonzero(game.members), np.flatnonzero(~game.members)):
        group[places] = generator.permutation(len(places)) % _GROUPS
    without = np.empty(_GROUPS)
    for g in range(_GROUPS):
        kept = group != g
        train, holdout = int((game.members & kept).sum()), int((~game.members & kept).sum())
        trained, held = few.counts(game.members & kept)[0], few.counts(~game.members & kept)[0]
        part = Game(train, holdout, min(train, holdout)).shares(trained, held)
        without[g] = float(part[0].sum() - part[1].sum()) / matches.predicates
    return float(jackknife_variance(without))


def _weights(matches: Matches, rows: int) -> dict[str, Any]:
    return {
        "columns_of_a_predicate": matches.width,
        "mean_weight": float(matches.sizes.mean()) / rows,
        "fits_no_real_row": float((matches.sizes == 0).mean()),
    }
