"""The experiment: does any way to balance a table help, and by how much?"""

from __future__ import annotations

import dataclasses
import time as clock
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from synthx.schema import Schema
from synthx_evaluation.augmentation.arms import NOTHING, RATIOS, Learn, check_generators, check_ratios
from synthx_evaluation.augmentation.cases import Cases, read_cases
from synthx_evaluation.augmentation.curve import CURVE
from synthx_evaluation.augmentation.evidence import Evidence
from synthx_evaluation.augmentation.folds import Fold, make_folds
from synthx_evaluation.augmentation.learners import LEARNERS, Learner
from synthx_evaluation.augmentation.scores import Budget
from synthx_evaluation.augmentation.trial import Trial
from synthx_evaluation.encoding import Floats
from synthx_evaluation.versions import library_versions

__all__ = ["augment"]


def augment(
    frame: pd.DataFrame,
    *,
    target: str,
    generators: Mapping[str, Learn],
    positive: Hashable | None = None,
    schema: Schema | None = None,
    entity: str | None = None,
    time: str | None = None,
    weights: str | Sequence[float] | Floats | None = None,
    amount: str | None = None,
    folds: int = 5,
    repeats: int = 1,
    rare_rows: int | None = None,
    seed: int = 0,
    ratios: Sequence[float | str] = RATIOS,
    learners: Mapping[str, Learner] | None = None,
    curve: Sequence[int] = CURVE,
    budget: Budget | None = None,
    progress: Callable[[str], None] | None = None,
) -> Evidence:
    """Try every way to balance a table on the same splits, and say whether one helps.

    In every fold, everything is fitted on the training part alone: the encoding, the generators, SMOTE, thresholds and
    learners. The test part keeps the population's own prevalence.

    Parameters
    ----------
    frame : DataFrame
        The real rows.
    target : str
        The column with the class.
    generators : mapping
        By name, functions that fit a generator on features, target and a seed, and return a function that draws rows
        of a class.
    positive : hashable, optional
        The class in question; by default the one with the fewest rows. All others together are the rest.
    schema : Schema, optional
        What the columns are; detected by default.
    entity : str, optional
        Column that names whom a row is about; all rows of one entity are on one side of a split. Not learned from.
    time : str, optional
        Column that says when a row is from; models are then tested on rows after those that they learned from. Not
        learned from.
    weights : str or sequence, optional
        How many rows of the population each row stands for, or the column that says so. They count in all scores and
        in the correction of chances; learners see the rows as they are.
    amount : str, optional
        Column with what is lost if a rare row is missed.
    folds, repeats : int
        Each repeat splits anew. With a time there is one repeat.
    rare_rows : int, optional
        Learn from so many rare rows only. The others are set aside, and show what more real rows would bring.
    seed : int
        Seed of every random choice.
    ratios : sequence
        Rows of the rare class for every other row, afterwards: numbers, or multiples of what there is such as ``"x2"``.
        Ratios that add no row are left out.
    learners : mapping, optional
        By name; linear, boosted and nearest neighbours by default.
    curve : sequence of int
        Numbers of real rare rows for the learning curve; those that a fold cannot offer are left out.
    budget : Budget, optional
        What alerts cost and how many can be looked into.
    progress : callable, optional
        Called with what is done next.

    Returns
    -------
    Evidence

    Raises
    ------
    DataError
        If the target has missing values or one class, the class too few rows for the folds, or a weight is no number.
    ParameterError
        If a column, a class, a ratio or another argument is not as described.
    """
    start = clock.perf_counter()
    check_generators(generators)
    named = check_ratios(ratios)
    cases = read_cases(
        frame, target=target, positive=positive, schema=schema, entity=entity, time=time, weights=weights, amount=amount
    )
    splits = make_folds(cases, folds=folds, repeats=repeats, rare_rows=rare_rows, seed=seed)
    found = _Found({}, [], [], [])
    for place, fold in enumerate(splits):
        report = _reporter(progress, f"fold {place + 1} of {len(splits)}")
        report("encoding")
        trial = Trial.prepare(cases, fold, budget or Budget(), seed + place)
        _try_fold(trial, generators, named, learners or LEARNERS, _sizes(curve, splits), found, report)
    context = {
        **_described(cases, splits, target),
        "ratios": list(named),
        "folds": len(splits),
        "seed": seed,
        "budget": dataclasses.asdict(budget or Budget()),
        "generators": list(generators),
        "versions": library_versions("imbalanced-learn"),
        "seconds": round(clock.perf_counter() - start, 1),
    }
    return found.evidence(context)


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """What the folds brought so far."""

    absent: dict[str, str]
    scores: list[dict[str, Any]]
    curve: list[dict[str, Any]]
    attacks: list[dict[str, Any]]

    def evidence(self, context: Mapping[str, Any]) -> Evidence:
        """Return the evidence; an arm that some fold could not try is left out of all."""
        scores, attacks = pd.DataFrame(self.scores), pd.DataFrame(self.attacks)
        arms = scores.groupby(["learner", "family", "ratio", "score"])["value"].transform("size")
        complete = arms == scores.groupby(["repeat", "fold"]).ngroups
        return Evidence(
            scores=scores[complete & ~scores["family"].isin(self.absent)].reset_index(drop=True),
            curve=pd.DataFrame(self.curve, columns=["repeat", "fold", "learner", "rare_rows", "value"]),
            attacks=attacks.reindex(columns=["repeat", "fold", "family", "attack", "value"]),
            absent=dict(self.absent),
            context=context,
        )


def _try_fold(
    trial: Trial,
    generators: Mapping[str, Learn],
    ratios: Mapping[str, float | str],
    learners: Mapping[str, Learner],
    sizes: Sequence[int],
    found: _Found,
    report: Callable[[str], None],
) -> None:
    """Make the rows of every source, then fit and score every model."""
    place = {"repeat": trial.fold.repeat, "fold": trial.fold.number}
    counts = {name: count for name, count in trial.counts(ratios).items() if count}
    made: dict[str, Floats] = {}
    for family, rows in trial.sources(generators, max(counts.values(), default=0), report) if counts else ():
        if isinstance(rows, str):
            found.absent[family] = rows
            continue
        made[family] = rows
        found.attacks.extend(
            {**place, "family": family, "attack": attack, "value": value}
            for attack, value in trial.attack(rows).items()
        )
    for name, learner in learners.items():
        report(f"{name} models")
        plain = np.nan
        for family, ratio, scores in trial.arms(learner, made, counts):
            plain = scores["average_precision"] if family == NOTHING else plain
            about = {**place, "learner": name, "family": family, "ratio": ratio}
            found.scores.extend({**about, "score": score, "value": value} for score, value in scores.items())
        for size in sizes:
            value = plain if size == trial.rare.sum() else trial.with_rare_rows(learner, size)
            found.curve.append({**place, "learner": name, "rare_rows": size, "value": value})


def _sizes(curve: Sequence[int], splits: Sequence[Fold]) -> list[int]:
    """Return the points of the curve that every fold can offer: those asked for, what is learned from, and all."""
    learned = min(len(fold.rare_order) - len(fold.spare) for fold in splits)
    most = min(len(fold.rare_order) for fold in splits)
    return sorted({size for size in (*curve, learned, most) if 1 < size <= most})


def _reporter(progress: Callable[[str], None] | None, title: str) -> Callable[[str], None]:
    return (lambda doing: None) if progress is None else (lambda doing: progress(f"{title}: {doing}"))


def _described(cases: Cases, splits: Sequence[Fold], target: str) -> dict[str, Any]:
    """Return what the evidence is about; counts only."""
    weights = cases.weights
    by = "time" if cases.time is not None else "entity" if cases.entity is not None else "lot"
    return {
        "target": target,
        "positive": str(cases.positive),
        "rows": len(cases),
        "rare": int(cases.rare.sum()),
        "prevalence": float(weights[cases.rare].sum() / weights.sum()),
        "weighted": bool((weights != weights[0]).any()),
        "split": by,
        "rare_learned": min(int(cases.rare[fold.train].sum()) for fold in splits),
        "test_share": float(np.mean([len(fold.test) / len(fold.train) for fold in splits])),
    }
