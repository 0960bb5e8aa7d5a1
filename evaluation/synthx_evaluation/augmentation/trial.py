"""One fold: every arm with every learner, on the same rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from synthx_evaluation.augmentation.arms import (
    COPIES,
    NOTHING,
    REAL,
    SMOTE,
    THRESHOLD,
    WEIGHTS,
    Learn,
    random_copies,
    smote,
    synthetic,
    wanted_rows,
)
from synthx_evaluation.augmentation.cases import Bools, Cases
from synthx_evaluation.augmentation.folds import Fold, inner_split
from synthx_evaluation.augmentation.learners import Chance, Learner
from synthx_evaluation.augmentation.preparation import Preparation
from synthx_evaluation.augmentation.rare_rows import attack_rare_rows
from synthx_evaluation.augmentation.scores import Budget, Outcome, best_threshold, corrected_chance, score
from synthx_evaluation.encoding import Floats

__all__ = ["Trial"]

_HALF = (0.5, 0.5)


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """What all arms of one fold share.

    Parameters
    ----------
    cases : Cases
    fold : Fold
    preparation : Preparation
        Fitted on the real rows of the training part.
    rows : array (n, d)
        The training rows, encoded.
    rare : array (n,)
        Which of them are rare.
    test : array (m, d)
        The test rows, encoded.
    budget : Budget
    seed : int
    """

    cases: Cases
    fold: Fold
    preparation: Preparation
    rows: Floats
    rare: Bools
    test: Floats
    budget: Budget
    seed: int

    @classmethod
    def prepare(cls, cases: Cases, fold: Fold, budget: Budget, seed: int) -> Trial:
        """Fit the preparation on the training rows and encode."""
        frame = cases.features.iloc[fold.train]
        preparation = Preparation.fit(frame, cases.schema)
        return cls(
            cases=cases,
            fold=fold,
            preparation=preparation,
            rows=preparation.tables.train,
            rare=cases.rare[fold.train],
            test=preparation.encode(cases.features.iloc[fold.test]),
            budget=budget,
            seed=seed,
        )

    # -- more rows of the rare class ------------------------------------------------------------------------------

    def counts(self, ratios: Mapping[str, float | str]) -> dict[str, int]:
        """Return how many rows each ratio adds."""
        rare = int(self.rare.sum())
        return {name: wanted_rows(ratio, rare, len(self.rare) - rare) for name, ratio in ratios.items()}

    def sources(
        self, generators: Mapping[str, Learn], count: int, progress: Callable[[str], None]
    ) -> Iterator[tuple[str, Floats | str]]:
        """Yield of every source `count` encoded rows, or why there are none."""
        yield COPIES, random_copies(self.rows[self.rare], count, self.seed)
        progress(SMOTE)
        yield SMOTE, smote(self.preparation, self.rows, self.rare, count, self.seed)
        for name, learn in generators.items():
            progress(name)
            drawn = synthetic(self.cases, self.fold.train, learn, name, count, self.seed)
            yield name, drawn if isinstance(drawn, str) else self.preparation.encode(drawn)

    def attack(self, made: Floats) -> dict[str, float]:
        """Return how well rare rows of the training part are told from the others, given what a source made."""
        unseen = np.concatenate([self.fold.spare, self.fold.test[self.cases.rare[self.fold.test]]])
        others = self.preparation.encode(self.cases.features.iloc[unseen])
        return attack_rare_rows(self.preparation.tables, self.rows[self.rare], others, made)

    # -- models ---------------------------------------------------------------------------------------------------

    def arms(
        self, learner: Learner, made: Mapping[str, Floats], counts: Mapping[str, int]
    ) -> Iterator[tuple[str, str, dict[str, float]]]:
        """Yield the family, the ratio and the scores of every arm."""
        plain = self._fit(learner, self.rows, self.rare)
        yield NOTHING, "", self._scores(plain, self.rare)
        yield THRESHOLD, "", self._scores(plain, self.rare, self._thresholds(learner))
        weights = np.where(self.rare, (~self.rare).sum() / self.rare.sum(), 1.0)
        yield WEIGHTS, "", self._scores(self._fit(learner, self.rows, self.rare, weights), self.rare, weights=weights)
        for family, new in made.items():
            for ratio, count in counts.items():
                yield family, ratio, self._augmented(learner, new[:count])
        if len(self.fold.spare):
            yield REAL, "", self._augmented(learner, self._encoded(self.fold.spare))

    def with_rare_rows(self, learner: Learner, count: int) -> float:
        """Return the average precision of a model of `count` real rare rows and all others."""
        new = self._encoded(self.fold.rare_order[:count])
        rows = np.concatenate([self.rows[~self.rare], new])
        rare = np.arange(len(rows)) >= len(rows) - count
        return self._scores(self._fit(learner, rows, rare), rare)["average_precision"]

    def _encoded(self, places: np.ndarray) -> Floats:
        return self.preparation.encode(self.cases.features.iloc[places])

    def _augmented(self, learner: Learner, new: Floats) -> dict[str, float]:
        rows, rare = np.concatenate([self.rows, new]), np.concatenate([self.rare, np.ones(len(new), dtype=bool)])
        return self._scores(self._fit(learner, rows, rare), rare)

    def _fit(self, learner: Learner, rows: Floats, rare: Bools, weights: Floats | None = None) -> Chance:
        return learner(self.preparation, rows, rare, weights, self.seed)

    # -- scores ---------------------------------------------------------------------------------------------------

    @property
    def _prevalence(self) -> float:
        """The share of the rare class in the population, by the training part with the rows set aside."""
        weights, train = self.cases.weights, np.concatenate([self.fold.train, self.fold.spare])
        return float(weights[train][self.cases.rare[train]].sum() / weights[train].sum())

    def _scores(
        self,
        model: Chance,
        rare: Bools,
        thresholds: tuple[float, float] = _HALF,
        weights: Floats | None = None,
    ) -> dict[str, float]:
        """Score a model that learned from rows of which `rare` are rare."""
        learned = float(np.average(rare, weights=weights))
        chance = model(self.test)
        corrected = corrected_chance(chance, learned, self._prevalence)
        return score(self._outcome(self.fold.test), chance, corrected, thresholds, self.budget)

    def _outcome(self, places: np.ndarray, rare_weight: float = 1.0) -> Outcome:
        rare, amounts = self.cases.rare[places], self.cases.amounts
        weights = self.cases.weights[places] * np.where(rare, rare_weight, 1.0)
        return Outcome(rare, weights, None if amounts is None else amounts[places])

    def _thresholds(self, learner: Learner) -> tuple[float, float]:
        """Choose thresholds for F1 and for the cost on a part of the training rows that the model did not see."""
        fit, choose = (
            np.searchsorted(self.fold.train, part) for part in inner_split(self.cases, self.fold.train, self.seed)
        )
        chance = self._fit(learner, self.rows[fit], self.rare[fit])(self.rows[choose])
        # Rare rows that are set aside are still part of the population.
        outcome = self._outcome(self.fold.train[choose], len(self.fold.rare_order) / self.rare.sum())
        of_cost = 0.5 if outcome.amounts is None else best_threshold(outcome, chance, self.budget.alert_cost)
        return best_threshold(outcome, chance), of_cost
