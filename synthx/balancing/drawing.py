"""Rows of one class, drawn from a model of the whole table and looked over on the way."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.balancing.entities import new_keys
from synthx.balancing.near_copies import NearCopies, Space
from synthx.balancing.strategy import check_learnable, plain
from synthx.codec.generated import in_dtype
from synthx.errors import ConditionError, DataError, listed
from synthx.models.tabular import TableSynthesizer
from synthx.schema import Kind

__all__ = ["ClassRows", "Drawn", "Rule", "draw_all"]

Rule = Callable[[pd.DataFrame], "pd.Series[bool] | NDArray[np.bool_]"]
"""Takes rows without the target, and says which of them can be."""

SPARE, FEWEST = 1.1, 64
"""Drawn at a time: so many times what is missing, and at least so many."""
PATIENCE = 20
"""Times the rows that were wanted: once so many are drawn, what is missing is filled with the least near of copies."""


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """What became of the rows drawn for one class.

    Parameters
    ----------
    real : int
        Rows of the class in the training table.
    rows : int
        Rows that were wanted, and are given.
    candidates : int
        Rows that the model gave.
    broke_rules : int
        Of these, removed since they broke a rule of the user's. Rules that the model itself found or was told are
        kept by every candidate.
    near_copies : int
        Of the others, removed since they were near-copies of a real row of the class.
    kept_copies : int
        Near-copies that had to be given, since hardly anything else came: rows of a few values only have few ways to
        differ.
    acceptance : float, optional
        The share of rows that the model itself accepted by the density ratio, where it was refined.
    """

    real: int
    rows: int
    candidates: int = 0
    broke_rules: int = 0
    near_copies: int = 0
    kept_copies: int = 0
    acceptance: float | None = None

    def describe(self) -> str:
        """Return one sentence for people."""
        removed = [f"{self.near_copies:,} near-copies of real rows"]
        if self.broke_rules:
            removed.append(f"{self.broke_rules:,} that broke a rule")
        kept = f"; {self.kept_copies:,} near-copies were kept for want of others" if self.kept_copies else ""
        refined = f"; refinement accepted {self.acceptance:.0%}" if self.acceptance is not None else ""
        return (
            f"{self.real:,} real rows, {self.rows:,} new ones of {self.candidates:,} drawn"
            f" ({' and '.join(removed)} removed{kept}{refined})"
        )


@dataclasses.dataclass(frozen=True)
class ClassRows:
    """A model of a whole table, asked for rows of one class at a time.

    Parameters
    ----------
    model : TableSynthesizer
        Fitted on the columns of `frame`.
    frame : DataFrame, shape (rows, columns)
        The real rows, the target among them.
    target : str
        The target's column; its cells are the numbers of the classes.
    classes : tuple
        The classes by their numbers.
    """

    model: TableSynthesizer
    frame: pd.DataFrame
    target: str
    classes: tuple[Hashable, ...]

    @cached_property
    def _space(self) -> Space:
        return Space(self.model.codec_, self.target)

    def near_copies(self, label: Hashable) -> NearCopies:
        """Return what tells near-copies of the real rows of a class."""
        return NearCopies.of(self._space, self.frame[self.frame[self.target] == self.number(label)])

    def number(self, label: Hashable) -> int:
        """Return the number of a class.

        Raises
        ------
        ConditionError
            If no row that was learned is of that class.
        """
        if label not in self.classes:
            raise ConditionError(
                f"the class {label!r} was asked for, and no row that was learned is of it",
                remedy=f"choose from {listed(self.classes, label)}",
            )
        return self.classes.index(label)

    def draw(
        self, label: Hashable, n: int, *, seed: int | None, rules: Sequence[Rule] = ()
    ) -> tuple[pd.DataFrame, Drawn]:
        """Return `n` new rows of a class, without the target, and what became of those that were drawn.

        Raises
        ------
        ConditionError
            If the class is unknown, or hardly a row keeps the rules.
        DataError
            If the class has one row only.
        """
        number = self.number(label)
        real = int((self.frame[self.target] == number).sum())
        columns = [name for name in self.frame.columns if name != self.target]
        if n == 0:
            return self.frame[columns].iloc[:0], Drawn(real, 0)
        check_learnable({label: n}, {label: real})
        is_copy = self.near_copies(label)
        seeds = np.random.SeedSequence(seed)
        kept: list[pd.DataFrame] = []
        spare: list[tuple[pd.DataFrame, NDArray[np.float64]]] = []
        drawn = done = broke = copies = 0
        while done < n and drawn < PATIENCE * n + FEWEST:
            rows = max(FEWEST, math.ceil(SPARE * (n - done)))
            candidates = self._candidates(number, rows, int(seeds.spawn(1)[0].generate_state(1)[0]))
            legal = candidates[_keep(rules, candidates[columns])]
            ratios = is_copy.ratios(legal)
            near = is_copy.is_near(ratios)
            drawn, broke, copies = drawn + rows, broke + rows - len(legal), copies + int(near.sum())
            kept.append(legal[~near])
            spare.append((legal[near], ratios[near]))
            done += int((~near).sum())
        table = pd.concat(kept, ignore_index=True).iloc[:n]
        missing = n - len(table)
        if missing:
            table = pd.concat([table, _least_near(spare, missing, label)], ignore_index=True)
        refined = self.model.training_.refined
        acceptance = None if refined is None else refined.acceptance
        return table[columns], Drawn(real, n, drawn, broke, copies - missing, missing, acceptance)

    def with_new_keys(self, rows: pd.DataFrame, *, seed: int) -> pd.DataFrame:
        """Return rows, drawn class by class, with keys that neither a real row nor another of them has."""
        rng = np.random.default_rng(seed)
        for column in self.model.schema_:
            if column.kind is Kind.IDENTIFIER and column.name in rows:
                keys = new_keys(self.frame[column.name], column, len(rows), rng).astype(object)
                keys[rows[column.name].isna().to_numpy(dtype=bool)] = None
                rows[column.name] = in_dtype(keys, column)
        return rows

    def _candidates(self, number: int, rows: int, seed: int) -> pd.DataFrame:
        return self.model.sample(rows, given={self.target: number}, seed=seed)


def draw_all(
    generator: ClassRows, wanted: Mapping[Any, int], *, seed: int, rules: Sequence[Rule] = ()
) -> tuple[pd.DataFrame, NDArray[Any], dict[Hashable, Drawn]]:
    """Draw new rows of several classes.

    Parameters
    ----------
    generator : ClassRows
    wanted : mapping of class to int
        How many new rows of each.
    seed : int
    rules : sequence of callables
        See `OverSampler`.

    Returns
    -------
    (DataFrame, array, dict)
        The rows, class after class, without the target; the class of each; and what became of what was drawn.

    Raises
    ------
    ConditionError, DataError
        See `ClassRows.draw`.
    """
    parts, labels, report = [], [], {}
    for place, (label, rows) in enumerate(wanted.items()):
        part, report[plain(label)] = generator.draw(plain(label), int(rows), seed=seed + place, rules=rules)
        parts.append(part)
        labels += [plain(label)] * len(part)
    table = generator.with_new_keys(pd.concat(parts, ignore_index=True), seed=seed)
    return table, np.array(labels, dtype=object), report


def _keep(rules: Sequence[Rule], rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows keep all rules; a rule that says neither (missing) does not hold."""
    kept = np.ones(len(rows), bool)
    for rule in rules:
        said = pd.Series(np.asarray(rule(rows), dtype=object)).astype("boolean").to_numpy(dtype=bool, na_value=False)
        if said.shape != kept.shape:
            raise DataError(
                f"a rule answered with shape {said.shape} for {len(rows)} rows",
                remedy="let it return one truth value a row, as in lambda rows: rows['end'] >= rows['begin']",
            )
        kept &= said
    return kept


def _least_near(
    spare: Sequence[tuple[pd.DataFrame, NDArray[np.float64]]], missing: int, label: Hashable
) -> pd.DataFrame:
    """Return the rows of largest ratio, as many as are missing."""
    frame = pd.concat([rows for rows, _ in spare], ignore_index=True)
    if len(frame) < missing:
        raise ConditionError(
            f"hardly a row drawn for the class {label!r} keeps the rules",
            remedy="loosen them, or see that the real rows of the class keep them",
        )
    ratios = np.concatenate([part for _, part in spare])
    return frame.iloc[np.sort(np.argsort(-ratios, kind="stable")[:missing])]
