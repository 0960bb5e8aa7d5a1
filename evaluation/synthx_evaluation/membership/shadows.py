"""Attack by shadow models: learn again and again with and without a row, and see what difference it makes.

The quick battery knows the generator's output only. Whoever can run the generator knows more: what a score of this very
row looks like where it was learned, and where it was not. Only the targets change from shadow to shadow; all other
training rows stay, as in the setup of N. Krčo, F. Guépin, Y.-A. de Montjoye, M. Meeus, "Lost in the averages",
arXiv:2405.15423: the risk of this table's rows is asked for, not that of rows among others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthx.errors import DataError, ParameterError, UnsupportedError
from synthx.schema import Schema
from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.membership.battery import Scores, attack
from synthx_evaluation.membership.evidence import PERMUTATIONS, Bools, draw_labels, gather
from synthx_evaluation.membership.likelihood import TOGETHER, log_likelihood_ratios, shadow_areas
from synthx_evaluation.membership.outcomes import area_measure, rate_measure
from synthx_evaluation.membership.roc import needed_rows
from synthx_evaluation.membership.shadow_folder import Shadow, ShadowFolder
from synthx_evaluation.membership.shadow_game import Game, fingerprint
from synthx_evaluation.overlap import check_disjoint
from synthx_evaluation.record import Better, Definition, Measure, plain
from synthx_evaluation.scorecard import Scorecard
from synthx_evaluation.statistics import epsilon_bound
from synthx_evaluation.versions import library_versions

__all__ = ["Learn", "shadow_attack"]

Learn = Callable[[pd.DataFrame, int], Callable[[int, int], pd.DataFrame]]
"""Takes rows and a seed, learns them, and returns what takes a number of rows and a seed and writes them."""

SHADOW = Definition("MIA-SHADOW", "1.0", "Membership by shadow models (AUC)", Better.HALF)
RATES = tuple(
    (
        alarms,
        Definition(f"MIA-SHADOW-TPR-{code}", "1.0", f"Members found at {alarms:.0%}, shadow models", Better.LOWER),
    )
    for alarms, code in ((0.1, "10"), (0.01, "1"))
)
EPSILON = Definition("MIA-SHADOW-EPSILON", "1.0", "Lower bound of epsilon by shadow models", Better.LOWER)

_FEWEST_SHADOWS = 6
_MOST_SHADOWS = 1_000
_FEWEST_TARGETS = 100


def shadow_attack(
    synthetic: pd.DataFrame,
    *,
    train: pd.DataFrame,
    holdout: pd.DataFrame | None,
    learn: Learn,
    schema: Schema | None = None,
    settings: Mapping[str, Any] | None = None,
    shadows: int = 16,
    targets: int = 200,
    work: str | Path | None = None,
    epsilon: float | None = None,
    delta: float = 0.0,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
    progress: Callable[[str, float, str], None] | None = None,
) -> Scorecard:
    """Attack a synthetic table by models that were learned like its own.

    One half of the holdout is what the attacker knows of the population. Of the other half, and of as many training
    rows, the `targets` that lie farthest from all others are asked about. Every shadow learns the training rows that
    are no target and one half of the targets, and writes as many rows as `synthetic` has, against which the quick
    battery scores all targets. The scores that `synthetic` gives are then weighed by `log_likelihood_ratios`. The
    p-value is that of the largest of all statistics under the permutation null: exact however few shadows there are.

    Parameters
    ----------
    synthetic : DataFrame
        The rows to judge.
    train : DataFrame
        The real rows that their generator learned from.
    holdout : DataFrame, optional
        Real rows that it never saw; without them nothing is said.
    learn : callable
        Learns as the generator of `synthetic` did, with the same settings; see `Learn`.
    schema : Schema, optional
        What the columns are; detected from `train` by default.
    settings : mapping, optional
        Settings of `learn`, plain JSON values: by them a work folder knows whose shadows it holds.
    shadows : int
        Models to learn; even, from 6 to 1,000.
    targets : int
        Rows to ask about, at least 100; fewer where the tables have fewer.
    work : str or Path, optional
        Folder that keeps every shadow's scores. A second call with the same tables, settings and seed goes on where the
        first was stopped, adds shadows, or judges another `synthetic` of as many rows without learning again.
    epsilon, delta : float
        What the generator promises, where it is differentially private; then a lower bound of epsilon is told as well.
    seed : int
        Seed of every random choice.
    permutations : int
        Draws of the null; the smallest p-value is one over one more.
    progress : callable, optional
        Takes what is done, the share that is done and a detail; after the first shadow, what the others will take.

    Returns
    -------
    Scorecard
        With MIA-SHADOW, MIA-SHADOW-TPR-10, MIA-SHADOW-TPR-1 and MIA-SHADOW-EPSILON.

    Raises
    ------
    DataError
        If the tables do not fit each other, training rows stand in the holdout, a shadow writes another number of rows
        than it was asked for, or the work folder is that of another attack or damaged.
    OutputError
        If the work folder cannot be used.
    ParameterError
        If a number is outside its range.
    UnsupportedError
        If the tables are sequences.
    """
    _check_numbers(shadows, targets, epsilon, delta)
    schema = Schema.detect(train) if schema is None else schema
    if schema.entity and train.duplicated(list(schema.entity)).any():
        raise UnsupportedError(
            "the tables are sequences, and shadow models learn or leave out single rows",
            remedy="use `evaluate`, which attacks sequences entity by entity",
        )
    comparison = compare(synthetic, train=train, holdout=holdout, schema=schema, target=None, protected=(), seed=seed)
    check_disjoint(comparison)
    game = _game(comparison, train, holdout, shadows, targets)
    if isinstance(game, str):
        return Scorecard(_absent(game, seed), _context(comparison, {"shadows": 0}))
    folder = None if work is None else ShadowFolder.open(work, _identity(game, settings or {}), len(game.places))
    cast = _cast(game, learn, folder, progress)
    measures = _measures(game, cast, permutations, epsilon, delta)
    facts = {"shadows": shadows, "seconds": {"shadows": round(sum(shadow.seconds for shadow in cast), 3)}}
    return Scorecard(measures, _context(comparison, facts))


def _check_numbers(shadows: int, targets: int, epsilon: float | None, delta: float) -> None:
    if shadows % 2 or not _FEWEST_SHADOWS <= shadows <= _MOST_SHADOWS:
        raise ParameterError(
            f"shadows is {shadows}", remedy=f"give an even number from {_FEWEST_SHADOWS} to {_MOST_SHADOWS:,}"
        )
    if targets < _FEWEST_TARGETS:
        raise ParameterError(f"targets is {targets}", remedy=f"give at least {_FEWEST_TARGETS}")
    if (epsilon is not None and epsilon <= 0) or not 0 <= delta < 1:
        raise ParameterError(f"epsilon is {epsilon} and delta {delta}", remedy="give what the generator promises")


def _game(
    comparison: Comparison, train: pd.DataFrame, holdout: pd.DataFrame | None, shadows: int, targets: int
) -> Game | str:
    if not comparison.tables.columns:
        return "the schema has no column to learn"
    return Game.draw(comparison, train, holdout, shadows=shadows, most=targets)


def _identity(game: Game, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a shadow's scores depend on; not the table that is attacked, but for its size."""
    tables = game.comparison.tables
    return {
        "version": library_versions()["synthx-data"],
        "rows written": len(tables.synthetic),
        "targets": len(game.places),
        "seed": game.comparison.seed,
        **{f"setting {name}": plain(value) for name, value in settings.items()},
        "real rows": fingerprint(tables),
    }


def _context(comparison: Comparison, facts: Mapping[str, Any]) -> dict[str, Any]:
    tables = comparison.tables
    return {
        "rows": {
            "synthetic": len(tables.synthetic),
            "train": len(tables.train),
            "holdout": None if tables.holdout is None else len(tables.holdout),
        },
        "columns": list(tables.names),
        "reference": comparison.reference_name,
        "seed": comparison.seed,
        "versions": library_versions(),
        **facts,
    }


# -- the shadows ------------------------------------------------------------------------------------------------


def _cast(
    game: Game, learn: Learn, folder: ShadowFolder | None, progress: Callable[[str, float, str], None] | None
) -> list[Shadow]:
    """Make the shadows that the folder does not hold; return all."""
    count = len(game.inside)
    kept = [None if folder is None else folder.read(number) for number in range(count)]
    missing = [number for number, shadow in enumerate(kept) if shadow is None]
    cast = {number: shadow for number, shadow in enumerate(kept) if shadow is not None}

    def report(stage: str, fraction: float, message: str) -> None:
        if progress is not None:
            progress(stage, fraction, message)

    if not cast:
        report("shadow models", 0.0, f"the first of {count} tells how long the others take")
    told = False
    for number in missing:
        if cast and not told:
            left, typical = count - len(cast), float(np.median([shadow.seconds for shadow in cast.values()]))
            there = f"{len(cast)} of {count} shadows are there"
            report("cost", 1.0, f"{there}, {left} more take about {_duration(left * typical)}")
            told = True
        cast[number] = _shadow(game, learn, number)
        if folder is not None:
            folder.write(number, cast[number])
        report("shadow models", len(cast) / count, f"{len(cast)} of {count}")
    return [cast[number] for number in range(count)]


def _shadow(game: Game, learn: Learn, number: int) -> Shadow:
    start, wanted = time.perf_counter(), len(game.comparison.tables.synthetic)
    learning, writing = game.seeds(number)
    written = learn(game.rows(number), learning)(wanted, writing)
    if len(written) != wanted:
        raise DataError(
            f"shadow {number} wrote {len(written):,} rows where {wanted:,} were asked for",
            remedy="give a `learn` whose result writes as many rows as it is asked for",
        )
    return Shadow(game.score(written), time.perf_counter() - start)


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3_600:.1f} h"


# -- the records ------------------------------------------------------------------------------------------------


def _measures(
    game: Game, cast: list[Shadow], permutations: int, epsilon: float | None, delta: float
) -> tuple[Measure, ...]:
    seed, member = game.comparison.seed, game.targets.member
    quick = attack(game.comparison, game.targets)
    values = np.stack([shadow.scores.values for shadow in cast])
    scores = Scores(
        (*quick.attacks, "all together"),
        (*quick.geometries, "all"),
        log_likelihood_ratios(quick.values, values, game.inside),
    )
    labels = draw_labels(member, permutations, game.comparison.generator("MIA-SHADOW"))
    evidence = gather(scores.values, member, labels)
    known = shadow_areas(values, game.inside)
    plainly = gather(quick.values, member, labels)
    area = area_measure(
        SHADOW, scores, member, evidence, seed,
        details={
            "n_is": "the most exposed members and non-members",
            "members": int(member.sum()),
            "shadows": len(cast),
            "all_together": float(evidence.area[TOGETHER, 0]),
            "on_the_shadows": {"mean": known.mean(), "lowest": known.min(), "highest": known.max()},
            "without_shadows": {"auc": float(plainly.area.max()), "p_value": plainly.p_value},
            "reference_rows": len(game.targets.reference),
        },
    )  # fmt: skip
    rates = [_rate(definition, alarms, scores, member, labels, seed) for alarms, definition in RATES]
    return area, *rates, _bound(scores, member, epsilon, delta, seed)


def _rate(definition: Definition, alarms: float, scores: Scores, member: Bools, labels: Bools, seed: int) -> Measure:
    others, needed = int((~member).sum()), needed_rows(alarms)
    if others < needed:
        return definition.skipped(f"needs {needed:,} non-members among the targets, there are {others:,}", seed=seed)
    return rate_measure(definition, alarms, scores, member, labels, seed)


def _bound(scores: Scores, member: Bools, epsilon: float | None, delta: float, seed: int) -> Measure:
    """Return a lower bound of epsilon: half of what the two error rates show.

    As many rows are members in every world, so that a target is one in the place of another: that is two rows changed,
    where neighbours have a row more or less. A target is called a member where the scores together favour it, which is
    fixed before looking.
    """
    if epsilon is None:
        return EPSILON.not_applicable("the generator promises no differential privacy", seed=seed)
    called = scores.values[:, TOGETHER] > 0
    members, others = int(member.sum()), int((~member).sum())
    found, alarms = int((called & member).sum()), int((called & ~member).sum())
    return EPSILON.computed(
        0.5 * epsilon_bound(found, members, alarms, others, 2 * delta),
        n=len(member),
        seed=seed,
        details={
            "n_is": "the most exposed members and non-members",
            "promised": {"epsilon": epsilon, "delta": delta},
            "called_members": {"members": found, "non_members": alarms},
            "members": members,
            "most_that_could_be_shown": 0.5 * epsilon_bound(members, members, 0, others, 2 * delta),
        },
    )


def _absent(reason: str, seed: int) -> tuple[Measure, ...]:
    definitions = (SHADOW, *(definition for _, definition in RATES), EPSILON)
    return tuple(definition.skipped(reason, seed=seed) for definition in definitions)
