"""How many rows each class shall have, and what is wrong with a target or a wish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.errors import DataError, ParameterError, listed

__all__ = ["Strategy", "check_learnable", "check_strategy", "check_target", "plain"]

Strategy = float | str | Mapping[Any, int] | Callable[[NDArray[Any]], Mapping[Any, int]]

NAMES = ("auto", "minority", "not minority", "not majority", "all")


def plain(label: Any) -> Any:
    """Return a class as Python's own number or text, whatever NumPy made of it."""
    return label.item() if isinstance(label, np.generic) else label


def check_target(y: Any) -> None:
    """Refuse a target with missing cells.

    Raises
    ------
    DataError
    """
    if y is None:
        raise DataError("y is None, and without classes nothing can be balanced", remedy="give the class of each row")
    missing = np.asarray(pd.isna(y if isinstance(y, (pd.Series, pd.DataFrame)) else np.asarray(y, dtype=object)))
    if missing.any():
        row = int(missing.reshape(len(missing), -1).any(axis=1).argmax())
        raise DataError(
            f"the class of row {row + 1} is missing ({int(missing.sum())} in all)",
            remedy="drop the rows without a class, or give them one",
        )


def check_strategy(strategy: Strategy, labels: NDArray[Any]) -> None:
    """Refuse a wish that no over-sampler can meet.

    Parameters
    ----------
    strategy : float, str, mapping or callable
    labels : array, shape (rows,)
        The class of each row.

    Raises
    ------
    DataError
        If there is one class only.
    ParameterError
        If the wish is none, is a ratio for more than two classes, asks for fewer rows than there are, or names a
        class that is not there.
    """
    counts: Counter[Any] = Counter(labels.tolist())
    if len(counts) < 2:
        raise DataError(
            f"the target has one class only, {next(iter(counts), None)!r}", remedy="give rows of at least two classes"
        )
    if isinstance(strategy, str):
        if strategy not in NAMES:
            raise ParameterError(f"sampling_strategy is {strategy!r}", remedy=f"choose from {', '.join(NAMES)}")
    elif isinstance(strategy, Real) and not isinstance(strategy, bool):
        _check_ratio(float(strategy), counts)
    elif isinstance(strategy, Mapping):
        _check_rows(strategy, counts)
    elif callable(strategy):
        asked = strategy(labels)
        if not isinstance(asked, Mapping):
            raise ParameterError(
                f"sampling_strategy returned {asked!r}", remedy="let it return the rows wanted of each class"
            )
        _check_rows(asked, counts)
    else:
        raise ParameterError(
            f"sampling_strategy is {strategy!r}",
            remedy="give a ratio, a name, a mapping of classes to rows, or a function",
        )


def check_learnable(wanted: Mapping[Any, int], counts: Mapping[Any, int], *, unit: str = "row") -> None:
    """Refuse to make more of a class of which there is one.

    Parameters
    ----------
    wanted : mapping of class to int
        How many new ones of each.
    counts : mapping of class to int
        How many there are.
    unit : str
        What is counted.

    Raises
    ------
    DataError
    """
    for label, rows in wanted.items():
        if rows and counts[label] < 2:
            raise DataError(
                f"the class {plain(label)!r} has one {unit}, and how those of a class differ is not learned from one",
                remedy="give two or more (five, better fifty), or ask for no more of this class",
            )


def _check_ratio(ratio: float, counts: Counter[Any]) -> None:
    if len(counts) > 2:
        raise ParameterError(
            f"sampling_strategy is {ratio:g}, a ratio of two classes, and there are {len(counts)}",
            remedy="give a mapping of classes to the rows they shall have",
        )
    if not 0 < ratio <= 1:
        raise ParameterError(f"sampling_strategy is {ratio:g}", remedy="give a ratio above 0 and up to 1")
    (_, most), (rare, few) = counts.most_common()
    if int(most * ratio - few) <= 0:
        raise ParameterError(
            f"sampling_strategy is {ratio:g}, and the class {rare!r} has {few:,} rows to {most:,} of the other already,"
            f" a ratio of {few / most:.4g}",
            remedy="ask for a higher ratio; an over-sampler removes no row",
        )


def _check_rows(asked: Mapping[Any, int], counts: Counter[Any]) -> None:
    for label, rows in asked.items():
        if label not in counts:
            raise ParameterError(
                f"sampling_strategy names the class {label!r}, and no row is of it",
                remedy=f"choose from {listed(counts, label)}",
            )
        if isinstance(rows, bool) or not isinstance(rows, (int, np.integer)):
            raise ParameterError(
                f"sampling_strategy asks for {rows!r} rows of the class {label!r}", remedy="give a whole number"
            )
        if rows < counts[label]:
            raise ParameterError(
                f"sampling_strategy asks for {rows:,} rows of the class {label!r}, which has {counts[label]:,}",
                remedy="ask for as many or more; an over-sampler removes no row",
            )
