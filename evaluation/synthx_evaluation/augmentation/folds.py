"""Which rows are learned from and which are tested on: by time, by entity, or by lot."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthx.errors import DataError, ParameterError
from synthx_evaluation.augmentation.cases import Bools, Cases

__all__ = ["Fold", "Places", "inner_split", "make_folds"]

Places = NDArray[np.intp]

_INNER_FOLDS = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Fold:
    """One split.

    Parameters
    ----------
    repeat, number : int
        Which of the repeats, and which fold of it, from 0.
    train : array
        Places of the rows that every arm learns from, in their order.
    spare : array
        Places of rare rows of the training part that are set aside, in the order in which they would be added: what
        "more real cases" are. Empty where no number of rare rows was asked for.
    test : array
        Places of the rows that nothing is fitted on.
    rare_order : array
        Places of all rare rows of the training part; those that every arm learns from come first.
    """

    repeat: int
    number: int
    train: Places
    spare: Places
    test: Places
    rare_order: Places


def make_folds(cases: Cases, *, folds: int, repeats: int, rare_rows: int | None, seed: int) -> list[Fold]:
    """Split the table `repeats` times into `folds` folds.

    With a time, the rows are cut into one part more than there are folds; each part is tested on what was learned from
    all parts before it (forward chaining), and there is one repeat. With an entity, all its rows are on one side.

    Raises
    ------
    ParameterError
        If `folds`, `repeats` or `rare_rows` is too small.
    DataError
        If a fold would have no rare row to learn from or to test on.
    """
    for name, value, least in (("folds", folds, 2), ("repeats", repeats, 1), ("rare_rows", rare_rows, 2)):
        if value is not None and value < least:
            raise ParameterError(f"{name} is {value!r}", remedy=f"give a whole number from {least}")
    found = []
    for repeat in range(1 if cases.time is not None else repeats):
        generator = np.random.default_rng([seed, repeat, 1])
        lot = int(generator.integers(2**31 - 1))
        for number, (train, test) in enumerate(_splits(cases, folds, lot)):
            _check_sides(cases.rare[train], cases.rare[test], number)
            order = generator.permutation(train[cases.rare[train]])
            spare = order[len(order) if rare_rows is None else rare_rows :]
            kept = np.setdiff1d(train, spare, assume_unique=True)
            found.append(Fold(repeat, number, kept, spare, test, order))
    return found


def _splits(cases: Cases, folds: int, seed: int) -> Iterator[tuple[Places, Places]]:
    if cases.time is not None:
        yield from _forward(cases, folds)
        return
    everywhere = np.arange(len(cases))
    units = _rare_units(cases, everywhere)
    if units < folds:
        raise DataError(
            f"{units} rare rows or entities cannot be in {folds} folds", remedy=f"choose at most {units} folds"
        )
    yield from _by_lot(cases, everywhere, folds, seed)


def _by_lot(cases: Cases, places: Places, folds: int, seed: int) -> Iterator[tuple[Places, Places]]:
    """Yield both sides of every split of some rows, stratified; an entity's rows stay together."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if cases.entity is None else StratifiedGroupKFold
    splitter = kind(folds, shuffle=True, random_state=seed)
    for train, test in splitter.split(places[:, None], cases.rare[places], _groups(cases, places)):
        yield places[train], places[test]


def _groups(cases: Cases, places: Places) -> Places | None:
    return None if cases.entity is None else cases.entity.iloc[places].factorize()[0]


def _rare_units(cases: Cases, places: Places) -> int:
    """Return how many rare rows, or entities that have one, can be dealt out."""
    rare, groups = cases.rare[places], _groups(cases, places)
    return int(rare.sum()) if groups is None else len(np.unique(groups[rare]))


def _forward(cases: Cases, folds: int) -> Iterator[tuple[Places, Places]]:
    """Yield the past and the part after it; rows of the same time are never cut apart, nor is an entity on both sides.

    The parts hold equally many rare rows, so that each can be tested on.
    """
    assert cases.time is not None
    rank = cases.time.rank(method="dense").to_numpy()
    edges = np.quantile(rank[cases.rare], np.arange(1, folds + 1) / (folds + 1), method="lower")
    part = np.searchsorted(edges, rank, side="left")
    for number in range(1, folds + 1):
        train, test = np.flatnonzero(part < number), np.flatnonzero(part == number)
        if cases.entity is not None:
            known = cases.entity.iloc[test].unique()
            train = train[~cases.entity.iloc[train].isin(known).to_numpy()]
        yield train, test


def _check_sides(train: Bools, test: Bools, number: int) -> None:
    for side, rare, least in (("learn from", train, 2), ("test on", test, 1)):
        if rare.sum() < least or rare.all():
            raise DataError(
                f"fold {number + 1} has {int(rare.sum())} rare and {int((~rare).sum())} other rows to {side}",
                remedy="choose fewer folds",
            )


def inner_split(cases: Cases, train: Places, seed: int) -> tuple[Places, Places]:
    """Return the rows of a training part to fit on and those to choose a threshold on, a quarter, stratified.

    An entity's rows stay together. Where there are too few rare rows or entities, both are the whole part.
    """
    if _rare_units(cases, train) < _INNER_FOLDS:
        return train, train
    return next(_by_lot(cases, train, _INNER_FOLDS, seed))
