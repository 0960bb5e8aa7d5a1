"""The way of a private fit of sequences: what is bought, in which order.

1. The number of entities, with noise. 2. Bounds and levels that the schema leaves open, where a share of the budget is
set aside for them. 3. Counts of cells, one of each entity; from them codes. 4. Three models by noisy counts, an entity
once in each: how sequences begin (a tree), how a step follows (a tree), how numbers move. Sequences imagined by these
(`simulation.py`) cost nothing; the network learns from them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthx.codec.private.measuring import PrivateTable, measure_table
from synthx.errors import PrivacyError
from synthx.models.private.budget import COUNT, plan_count, plan_domain
from synthx.models.private.domain import buy
from synthx.models.private.fit import PROVISIONAL_DELTA, check_given, count_units
from synthx.models.private.sequences.entity_rows import (
    Coding,
    beginnings,
    cells_of,
    number_codec,
    transitions,
)
from synthx.models.private.sequences.layout import Layout
from synthx.models.private.sequences.moves import Move, Ranks, measure_moves
from synthx.models.private.sequences.plan import BEGINNING, CUT, STEP, Named, plan_counts, sizes
from synthx.models.private.sequences.runs import Runs, keys_of
from synthx.models.private.sequences.steps import Steps
from synthx.models.private.units import one_row_a_unit
from synthx.schema import Schema

if TYPE_CHECKING:
    from synthx.codec.table import TableCodec
    from synthx_privacy import Ledger, Privacy
    from synthx_privacy.ledger import Account
    from synthx_privacy.tree import TreeModel

__all__ = ["PrivateSequences", "buy_sequences", "check_sequences"]

MOST_STEPS = 400_000
"""Steps that are imagined, at most: the network learns no more from more."""
FEWEST_ENTITIES = 1_000


@dataclasses.dataclass(frozen=True)
class PrivateSequences:
    """What was bought of sequences; all of it may be published.

    Parameters
    ----------
    layout : Layout
    codec : TableCodec
        Of the table of cells.
    entities : float
        The noisy count.
    cut, clamped : float
        Noisy counts of entities that had more steps than the horizon, and of cells outside the declared domain.
    beginning, step : (Coding, TreeModel)
        The second is None where only numbers change that are always there.
    moves : tuple of Move
        Of each number.
    """

    layout: Layout
    codec: TableCodec
    entities: float
    cut: float
    clamped: float
    beginning: tuple[Coding, TreeModel]
    step: tuple[Coding, TreeModel] | None
    moves: tuple[Move, ...]

    @property
    def usual_entities(self) -> int:
        """How many sequences to imagine: about as many as there are, not too many steps."""
        most = max(FEWEST_ENTITIES, MOST_STEPS // self.layout.horizon)
        return int(np.clip(round(self.entities), FEWEST_ENTITIES, most))


def check_sequences(
    frame: pd.DataFrame, schema: Schema | None, privacy: Privacy, horizon: int | None
) -> tuple[Schema, int]:
    """Refuse what cannot be fitted privately; return the schema and the horizon.

    Raises
    ------
    PrivacyError
        If no horizon is given, the unit is not the entity, or the schema leaves open what would have to be read off
        the data.
    SchemaError, DataError
        If the schema names no time that can be read, or the columns are not those of the schema.
    """
    if horizon is None:
        raise PrivacyError(
            "a private fit of sequences was given no horizon, and the longest sequence is not read off the data",
            remedy="say how many steps of an entity shall count at most, as in --horizon 48 (in Python, horizon=48)",
        )
    schema = check_given(frame, schema, privacy)
    if not schema.entity or set(privacy.names) != set(schema.entity):
        named = ", ".join(map(repr, schema.entity)) or "no column"
        raise PrivacyError(
            f"the unit of privacy is {privacy.unit!r}, and the schema names {named} as the entity's key",
            remedy="name the same columns in both: Privacy(unit=...) and the role 'entity' of the schema",
        )
    time = schema.time
    if time is not None and (time.lower is None or time.upper is None):
        raise PrivacyError(
            f"the time column {time.name!r} declares no bounds", remedy='declare "lower" and "upper" for it'
        )
    return schema, horizon


def buy_sequences(
    frame: pd.DataFrame,
    schema: Schema,
    privacy: Privacy,
    horizon: int,
    *,
    ledger: Ledger,
    name: str,
    stage: Callable[[str], None] = lambda _: None,
) -> PrivateSequences:
    """Buy everything that sequences are imagined from.

    Parameters
    ----------
    frame : DataFrame, shape (rows, columns)
    schema : Schema
        What `check_sequences` let pass.
    privacy : Privacy
    horizon : int
    ledger : Ledger
    name : str
        What the ledger calls the fit.
    stage : callable
        Is told what is being done.

    Raises
    ------
    PrivacyError
        If the budget or the ledger does not suffice, or the entities are too few.
    """
    layout = Layout.of(schema, horizon) if not privacy.domain_share else None
    fit = ledger.fit_name(name)
    delta = PROVISIONAL_DELTA if privacy.delta is None else privacy.delta
    open_ones = schema.select(each for each in schema.names if each not in schema.entity)
    first = plan_count(privacy, delta)
    stage("counting entities")
    with ledger.open(privacy, first, fit=fit, delta=delta) as account:
        entities = keys_of(frame, schema.entity)[0].drop_duplicates()
        count = count_units(account, len(entities), privacy, of="entities")
        noise = account.deviation(COUNT)
    delta = privacy.delta_for(count)
    domain = plan_domain(open_ones, privacy, delta)  # not before: thresholds take their share of this delta
    if domain:
        with ledger.open(privacy, domain, fit=fit, delta=delta) as account:
            schema = _with_domain(account, frame, schema, privacy)
    first.update(domain)
    layout = Layout.of(schema, horizon) if layout is None else layout
    runs = Runs.of(frame, layout)
    plan = plan_counts(layout, privacy, delta, spent=list(first.values()))
    account = ledger.open(privacy, plan, fit=fit, delta=delta)  # what is not needed of it stays charged
    return _measure(account, frame, Steps.of(frame, runs, layout), layout, (count, noise), stage)


def _with_domain(account: Account, frame: pd.DataFrame, schema: Schema, privacy: Privacy) -> Schema:
    """Return the schema with bounds and levels bought from one row of each entity."""
    open_ones = schema.select(each for each in schema.names if each not in schema.entity)
    bought = buy(account, one_row_a_unit(frame, schema, privacy), open_ones)
    for column in bought:
        schema = schema.replace(column.name, levels=column.levels, lower=column.lower, upper=column.upper)
    return schema


def _measure(
    account: Account,
    frame: pd.DataFrame,
    steps: Steps,
    layout: Layout,
    count: tuple[float, float],
    stage: Callable[[str], None],
) -> PrivateSequences:
    from synthx_privacy.mechanisms import noisy_counts

    stage("counting cells")
    cut = float(noisy_counts(account, CUT, np.array([steps.runs.cut]))[0])
    table = measure_table(
        account,
        cells_of(frame, steps, layout),
        layout.cells,
        total=count[0],
        total_deviation=count[1],
        pair_deviation=_pair_deviation(account, layout),
    )
    stage("counting beginnings")
    beginning = _tree(Named(account, BEGINNING), *beginnings(frame, steps, layout, table.codec, table.codes))
    step = None
    if sizes(layout)[1]:
        stage("counting steps")
        step = _tree(Named(account, STEP), *transitions(frame, steps, layout, table.codec))
    moves = _moves(account, steps, layout, table)
    return PrivateSequences(layout, table.codec, count[0], max(cut, 0.0), table.clamped, beginning, step, moves)


def _pair_deviation(account: Account, layout: Layout) -> float:
    from synthx_privacy.marginals import PAIRS

    phase = BEGINNING + PAIRS
    return account.deviation(phase, math.sqrt(max(1, sizes(layout)[0] - 2))) if phase in account.plan else 1.0


def _tree(account: Named, coding: Coding, codes: NDArray[np.int32]) -> tuple[Coding, TreeModel]:
    from synthx_privacy.marginals import measure
    from synthx_privacy.tree import TreeModel

    measurements = measure(
        cast("Account", account),
        codes,
        coding.sizes,
        coding.names,
        target=coding.target,
        ordered=[index in coding.ordered for index in range(len(coding.sizes))],
        given=coding.known,
    )
    return coding, TreeModel.fit(measurements)


def _moves(account: Account, steps: Steps, layout: Layout, table: PrivateTable) -> tuple[Move, ...]:
    """Buy the moves of numbers."""
    if not layout.numbers:
        return ()
    counts = dict(zip(table.codec.columns, table.histograms, strict=True))

    names = [number.column.name for number in layout.numbers]
    ranks = [Ranks.of(number_codec(table.codec, name), counts[name]) for name in names]
    return measure_moves(account, [steps.moves(index) for index in range(len(names))], ranks)
