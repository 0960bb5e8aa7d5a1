"""Rows with chosen shares of groups: so many of each, to the row, and all else as the model draws it for that group.

A rebalanced table is drawn group by group under conditions and shuffled. What follows from a group (its incomes, its
outcomes) stays as the model learned it: shares of groups change, how groups are treated does not.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from synthx._batches import Pieces
from synthx.codec.categorical import CategoricalCodec
from synthx.codec.conditions import Resolved, resolve
from synthx.codec.generated import generate
from synthx.codec.structure.rules import Duplicate, Lookup
from synthx.codec.table import TableCodec
from synthx.condition import MISSING, Condition, Missing, OneOf, as_conditions, show
from synthx.errors import ConditionError, ParameterError
from synthx.models.base import BATCH_ROWS
from synthx.schema import Kind, Scalar

__all__ = ["EQUAL", "Group", "groups_of", "parse_rebalance", "rebalanced", "rows_of", "with_keys"]

EQUAL = "equal"
"""In the place of shares: every level that the model knows gets the same."""

MOST_GROUPS = 500
"""Combinations of levels: each is drawn for itself."""

_ROUNDING = 1e-6
_LEAST_ROWS = 256

Draw = Callable[[int, Resolved, int, int, int], Iterator[pd.DataFrame]]
"""Draws so many rows under conditions, with a seed, in blocks of so many rows, without the first so many."""


@dataclasses.dataclass(frozen=True)
class Group:
    """One level, or one combination of levels, and the rows it gets.

    Parameters
    ----------
    resolved : Resolved
        The level, together with all other conditions, in the terms of the codec.
    share : float
        Of all rows.
    """

    resolved: Resolved
    share: float


# -- reading what was asked for -----------------------------------------------------------------------------------


def groups_of(rebalance: Mapping[str, Any], given: Mapping[str, Condition], codec: TableCodec) -> list[Group]:
    """Return the groups that a table is to be made of.

    Parameters
    ----------
    rebalance : mapping
        Column -> ``"equal"``, or shares by level that add up to 1 (the level None or `synthx.MISSING` is a missing
        cell). Several columns are crossed: a combination gets the product of its levels' shares, so that the columns
        tell nothing about each other.
    given : mapping of str to Condition
        What all rows must satisfy. Where it names a column of `rebalance`, ``"equal"`` means the levels it allows.
    codec : TableCodec
        What the model knows.

    Raises
    ------
    ConditionError
        If a column is unknown or has no levels, a level is unknown, or no row of a group can satisfy `given`.
    ParameterError
        If shares are no shares or do not add up to 1, or there are too many combinations.
    """
    if not isinstance(rebalance, Mapping) or not rebalance:
        raise ParameterError(
            f"rebalance is {rebalance!r}", remedy="give shares by column, as in {'sex': 'equal'}, or leave it out"
        )
    shares = [_shares(name, asked, given.get(name), codec) for name, asked in rebalance.items()]
    count = math.prod(map(len, shares))
    if count > MOST_GROUPS:
        raise ParameterError(
            f"rebalance crosses {len(shares)} column(s) into {count:,} combinations of levels, more than {MOST_GROUPS}",
            remedy="rebalance fewer columns, or give the shares of fewer levels",
        )
    groups = []
    for combination in itertools.product(*shares):
        levels = {name: condition for name, (condition, _) in zip(rebalance, combination, strict=True)}
        groups.append(Group(resolve({**given, **levels}, codec), math.prod(share for _, share in combination)))
    return groups


def _shares(name: str, asked: Any, given: Condition | None, codec: TableCodec) -> list[tuple[Condition, float]]:
    """Return the levels of one column, as conditions, with their shares."""
    as_conditions({name: MISSING}, codec.schema)  # the column is known and learned
    column = codec.schema[name]
    if not column.kind.is_discrete:
        raise ConditionError(
            f"column {name!r} is {column.kind.value} and has no levels to rebalance",
            remedy="rebalance a discrete column, or draw each band by given= with synthx.between",
        )
    if isinstance(asked, str) and asked == EQUAL:
        levels = [OneOf((level,)) for level in _known_levels(name, codec)]
        allowed: list[Condition] = [level for level in levels if _agree(name, level, given, codec)]
        if not allowed:
            raise ConditionError(f"column {name!r} has no level that the conditions allow", remedy="widen them")
        return [(level, 1 / len(allowed)) for level in allowed]
    if not isinstance(asked, Mapping) or not asked:
        raise ParameterError(
            f"rebalance of column {name!r} is {asked!r}", remedy="give 'equal', or a share for each level"
        )
    _check_shares(name, asked)
    conditions = {level: as_conditions({name: level}, codec.schema)[name] for level in asked}
    _check_levels(name, conditions, given, codec)
    return [(conditions[level], float(share)) for level, share in asked.items()]


def _check_shares(name: str, asked: Mapping[Any, Any]) -> None:
    for level, share in asked.items():
        plain = isinstance(share, (int, float, np.integer, np.floating)) and not isinstance(share, bool)
        if not plain or not 0 <= share <= 1:
            raise ParameterError(
                f"the share of {show(level)} in column {name!r} is {share!r}", remedy="give a number from 0 to 1"
            )
    total = float(sum(asked.values()))
    if abs(total - 1) > _ROUNDING:
        raise ParameterError(
            f"the shares of column {name!r} add up to {total:.6g}",
            remedy="make them add up to 1; a level that is not named gets no row",
        )


def _check_levels(name: str, conditions: Mapping[Any, Condition], given: Condition | None, codec: TableCodec) -> None:
    seen: dict[bytes, Any] = {}
    for level, condition in conditions.items():
        resolve({name: condition}, codec)  # the level is known
        if not _agree(name, condition, given, codec):
            raise ConditionError(
                f"rebalance names {show(level)} of column {name!r}, and the condition on it is {given}",
                remedy="name only levels that the condition allows",
            )
        if name in codec.columns:
            codes = codec.columns[name].window(condition).weights.tobytes()
            if codes in seen:
                raise ParameterError(
                    f"rebalance names one level of column {name!r} twice, as {show(seen[codes])} and {show(level)}",
                    remedy="name it once",
                )
            seen[codes] = level


def _known_levels(name: str, codec: TableCodec) -> list[Scalar]:
    """Return the levels of a discrete column, of one that is computed from another as well; missing is none."""
    known = codec.columns.get(name)
    if isinstance(known, CategoricalCodec):
        return list(known.levels)
    for rule in codec.structure.rules:
        if isinstance(rule, Lookup) and rule.column == name:
            return list(dict.fromkeys(cell for _, cell in rule.table if cell is not None))
        if isinstance(rule, Duplicate) and rule.column == name:
            return _known_levels(rule.source, codec)
    return list(codec.schema[name].levels or ())


def _agree(name: str, level: Condition, given: Condition | None, codec: TableCodec) -> bool:
    """Return whether a cell can be the level and meet the condition."""
    if given is None:
        return True
    if name in codec.columns:
        level_codes, given_codes = (codec.columns[name].window(part).weights for part in (level, given))
        return bool((level_codes * given_codes).any())
    if isinstance(level, Missing) or isinstance(given, Missing):
        return level == given
    return isinstance(level, OneOf) and isinstance(given, OneOf) and set(level.values) <= set(given.values)


def parse_rebalance(texts: Sequence[str]) -> dict[str, Any]:
    """Parse the command line's shares: ``col=equal`` and ``col=level:share|level:share``.

    Raises
    ------
    ParameterError
        If a text has no ``=``, names a column twice, or a share is no number.

    Examples
    --------
    >>> parse_rebalance(["sex=F:0.5|M:0.5", "town=equal"])
    {'sex': {'F': 0.5, 'M': 0.5}, 'town': 'equal'}
    """
    asked: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not value:
            raise ParameterError(
                f"--rebalance {text!r} gives no shares", remedy="write it as column=equal or column=a:0.5|b:0.5"
            )
        if name in asked:
            raise ParameterError(
                f"column {name!r} is rebalanced twice", remedy="join the levels, as in sex=F:0.5|M:0.5"
            )
        asked[name] = EQUAL if value == EQUAL else _parse_shares(name, value)
    return asked


def _parse_shares(name: str, text: str) -> dict[Any, float]:
    shares: dict[Any, float] = {}
    for part in text.split("|"):
        level, _, share = part.rpartition(":")
        key = level or None  # nothing before the colon is a missing cell, as in --given
        try:
            number = float(share)
        except ValueError:
            raise ParameterError(
                f"--rebalance gives {part!r} for column {name!r}", remedy="write a share behind a colon, as in F:0.5"
            ) from None
        if key in shares:
            raise ParameterError(f"--rebalance names {level!r} of column {name!r} twice", remedy="name it once")
        shares[key] = number
    return shares


# -- drawing ------------------------------------------------------------------------------------------------------


def rows_of(shares: Sequence[float], n: int) -> list[int]:
    """Return how many of `n` rows each share gets: rounded down, and the rows left over to the largest remainders.

    Examples
    --------
    >>> rows_of([0.5, 0.25, 0.25], 10)
    [5, 3, 2]
    """
    exact = np.asarray(shares, dtype=float) * n
    rows = np.floor(exact + 1e-9).astype(int)
    remainders = np.round(exact - rows, 9)
    rows[np.argsort(-remainders, kind="stable")[: n - int(rows.sum())]] += 1
    return [int(count) for count in rows]


def rebalanced(
    n: int, groups: Sequence[Group], draw: Draw, codec: TableCodec, *, seed: int | None, start: int = 0
) -> Iterator[pd.DataFrame]:
    """Yield frames that together have `n` rows, each group its share of them, in random order.

    Every group is within one row of its share. A group's rows do not depend on where they end up. The first `start`
    rows are left out.
    """
    root = np.random.SeedSequence(seed)
    rng = np.random.default_rng(root.spawn(1)[0])
    seeds = [int(value) for value in root.generate_state(len(groups), np.uint64) >> np.uint64(1)]
    counts = rows_of([group.share for group in groups], n)
    each = max(_LEAST_ROWS, BATCH_ROWS // max(1, sum(count > 0 for count in counts)))
    places = rng.permutation(np.repeat(np.arange(len(groups), dtype=np.int16), counts))  # the group of every row
    begin = start // BATCH_ROWS * BATCH_ROWS
    before = np.bincount(places[:begin], minlength=len(groups))
    sources = [
        _Source(draw(count, group.resolved, own, each, int(skipped))) if count > skipped else None
        for count, group, own, skipped in zip(counts, groups, seeds, before, strict=True)
    ]
    for first in range(begin, n, BATCH_ROWS):
        part = places[first : first + BATCH_ROWS]
        order = np.argsort(part, kind="stable")
        drawn = [
            source.take(int(count))
            for source, count in zip(sources, np.bincount(part, minlength=len(groups)), strict=True)
            if source is not None and count
        ]
        frame = pd.concat(drawn, ignore_index=True).iloc[np.argsort(order)].reset_index(drop=True)
        own = np.random.SeedSequence(root.entropy, spawn_key=(1, first // BATCH_ROWS))
        yield with_keys(frame, codec, np.random.default_rng(own), first=first).iloc[max(0, start - first) :]


class _Source:
    """Rows of one group, taken in portions of any size."""

    def __init__(self, blocks: Iterator[pd.DataFrame]) -> None:
        self._blocks, self._pieces = blocks, Pieces()

    def take(self, rows: int) -> pd.DataFrame:
        while self._pieces.rows < rows:
            self._pieces.put(next(self._blocks))
        return self._pieces.take(rows)


def with_keys(frame: pd.DataFrame, codec: TableCodec, rng: np.random.Generator, *, first: int) -> pd.DataFrame:
    """Number rows anew that were drawn in parts, so that keys are unique; `first` rows were made before them."""
    for column in codec.schema:
        if column.kind is Kind.IDENTIFIER:
            share = codec.missing_shares.get(column.name, 0.0)
            keys = generate(column, len(frame), rng, first=first, missing_share=share)
            frame[column.name] = keys.set_axis(frame.index)
    return frame
