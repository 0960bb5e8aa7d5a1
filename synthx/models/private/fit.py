"""The way of a private fit: what is bought, in which order.

1. The number of rows, with noise. 2. Bounds and levels that the schema leaves open, where a share of the budget is set
aside for them. 3. Counts of each column's cells; from them the codec. 4. Which columns tell about each other, and noisy
counts of these; from them a tree model. A network then learns from rows of the tree model, which costs nothing, and
from the real rows by gradient descent with noise (`descent.py`).

Everything bought stands in the ledger before it is measured.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from synthx.codec.private.declared import check_declared
from synthx.codec.private.measuring import PrivateTable, measure_table
from synthx.errors import DataError, PrivacyError
from synthx.models.private.budget import (
    COUNT,
    Descent,
    GradientPlan,
    plan_count,
    plan_domain,
    plan_rest,
    target_of,
)
from synthx.models.private.domain import buy
from synthx.models.private.units import check_unit, one_row_a_unit
from synthx.schema import Schema
from synthx_privacy.marginals import measure
from synthx_privacy.mechanisms import noisy_counts
from synthx_privacy.tree import TreeModel

if TYPE_CHECKING:
    from synthx_privacy.account import Account
    from synthx_privacy.ledger import Ledger
    from synthx_privacy.measurements import Measurements
    from synthx_privacy.privacy import Privacy

__all__ = ["PrivateFit", "begin", "check_given", "count_units"]

PROVISIONAL_DELTA = 1e-6
FEWEST = 200
"""Fewer rows or entities, by the noisy count, teach nothing at a usual epsilon."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PrivateFit:
    """A private fit under way.

    Parameters
    ----------
    account : Account
        Pays for what is still to come.
    schema : Schema
        With bounds and levels that were bought.
    rows : float
        The noisy count of rows.
    table : PrivateTable
        The codes in it are private.
    measurements : Measurements
    tree : TreeModel
    descent : Descent, optional
        Of networks.
    """

    account: Account
    schema: Schema
    rows: float
    table: PrivateTable
    measurements: Measurements
    tree: TreeModel
    descent: Descent | None = None

    def imagined(self, rng: np.random.Generator, most: int = 100_000) -> np.ndarray:
        """Return codes of about as many rows as there are, drawn from the tree model: nothing private is in them."""
        return self.tree.draw(int(np.clip(self.rows, 1_000, most)), {}, rng)


def begin(
    frame: pd.DataFrame,
    schema: Schema,
    privacy: Privacy,
    *,
    ledger: Ledger,
    name: str,
    plan: Callable[[float], GradientPlan | None],
    stage: Callable[[str], None] = lambda _: None,
) -> PrivateFit:
    """Buy everything up to the tree model.

    Parameters
    ----------
    frame : DataFrame, shape (rows, columns)
    schema : Schema
        What `check_given` let pass.
    privacy : Privacy
    ledger : Ledger
    name : str
        What the ledger calls the fit.
    plan : callable
        From the noisy count of rows to how a network is to learn from them; None where nothing does.
    stage : callable
        Is told what is being done.

    Raises
    ------
    PrivacyError
        If the budget or the ledger does not suffice, or the rows are too few.
    """
    rows = one_row_a_unit(frame, schema, privacy)
    fit = ledger.fit_name(name)
    delta = PROVISIONAL_DELTA if privacy.delta is None else privacy.delta
    first = plan_count(privacy, delta)
    stage("counting rows")
    with ledger.open(privacy, first, fit=fit, delta=delta) as account:
        count = count_units(account, len(rows), privacy, of="rows")
        noise = account.deviation(COUNT)
    delta = privacy.delta_for(count)
    domain = plan_domain(schema, privacy, delta)  # not before: thresholds take their share of this delta
    if domain:
        with ledger.open(privacy, domain, fit=fit, delta=delta) as account:
            schema = buy(account, rows, schema)
    first.update(domain)
    budgeted = plan_rest(schema, privacy, delta, spent=list(first.values()), count=count, gradients=plan(count))
    account = ledger.open(privacy, budgeted.events, fit=fit, delta=delta)
    stage("counting cells")
    table = measure_table(
        account, rows, schema, total=count, total_deviation=noise, pair_deviation=budgeted.pair_deviation
    )
    stage("counting pairs of columns")
    measurements = _measure_pairs(account, table, target_of(schema))
    stage("fitting the tree")
    tree = TreeModel.fit(measurements)
    return PrivateFit(
        account=account,
        schema=schema,
        rows=count,
        table=table,
        measurements=measurements,
        tree=tree,
        descent=budgeted.descent,
    )


def check_given(frame: pd.DataFrame, schema: Schema | None, privacy: Privacy) -> Schema:
    """Refuse what cannot be fitted privately; return the schema.

    Raises
    ------
    DataError
        If the frame is none, or its columns are not the schema's.
    PrivacyError
        If there is no schema, or it leaves open what would have to be read off the data.
    """
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"fit was given a {type(frame).__name__}", remedy="give a pandas.DataFrame")
    if schema is None:
        raise PrivacyError(
            "a private fit was given no schema, and to detect one would read the data without noise",
            remedy="write one, or let `synthx detect --assume-public` write it where levels and bounds are public",
        )
    schema.check_names(frame.columns)
    check_unit(schema, privacy)
    check_declared(schema, buys=privacy.domain_share > 0)
    return schema


def count_units(account: Account, units: int, privacy: Privacy, *, of: str) -> float:
    """Return the noisy number of rows or entities; refuse where there are too few, as far as it tells."""
    count = float(noisy_counts(account, COUNT, np.array([units]))[0])
    if count < FEWEST:
        raise PrivacyError(
            f"the table has about {max(count, 0):.0f} {of} by a noisy count, too few to learn from at epsilon"
            f" {privacy.epsilon:g}",
            remedy=f"give at least {FEWEST} {of}, better some thousands",
        )
    return count


def _measure_pairs(account: Account, table: PrivateTable, target: str | None) -> Measurements:
    names = list(table.codec.columns)
    return measure(
        account,
        table.codes,
        table.codec.domain.sizes,
        names,
        target=None if target is None else names.index(target),
        ordered=[False] * len(names),
        histograms=table.histograms,
        histogram_sigma=[float(np.median(deviations)) for deviations in table.deviations],
    )
