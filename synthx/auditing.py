"""Audits of private models: what `synthx_privacy.audit` needs, made of a model, a schema and a table.

Everything that is tried is a fit, so auditing costs the time of some ten fits. No budget is spent: the audit publishes
nothing but whether a fault was found, and after a failure what it quotes is as private as the table.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pandas as pd

from synthx.codec import cells
from synthx.errors import UnsupportedError
from synthx.schema import Column, Kind, Schema

if TYPE_CHECKING:
    from synthx.models.tabular import TableSynthesizer
    from synthx.training import ProgressEvent
    from synthx_privacy.audit import AuditReport, Finding
    from synthx_privacy.ledger import Ledger

__all__ = [
    "DescentPlan",
    "audit_contents",
    "audit_descent",
    "audit_fit",
    "audit_saved",
    "descent_of",
    "neighbours_of",
    "planned",
    "published_by",
    "strangers_of",
    "with_row",
    "with_unit_last",
]

BEYOND = 1e300
DAY = 86_400e6
"""In microseconds."""
CANARIES, GUESSES = 1_000, 100
MOST_STEPS = 400
"""Steps of descent with canaries; a longer plan is cut to so many, and so is what it should show."""
MOST_TOSSED = 1_024
"""Rows of a batch for which tosses are drawn ahead."""
SAMPLED_UNITS, SAMPLED_STEPS = 1_000, 300

Published = Mapping[str, Any]


# -- other tables ---------------------------------------------------------------------------------------------------


def neighbours_of(frame: pd.DataFrame, schema: Schema, *, first: bool = False) -> dict[str, pd.DataFrame]:
    """Return tables with a row more or less at their end, by what they try.

    Parameters
    ----------
    frame : DataFrame, shape (rows, columns)
        Two rows at least; `with_unit_last` has put those of one entity at the end.
    schema : Schema
        Its columns are tried all at once, each with what its kind should not hold.
    first : bool
        Put the row before all others, as only models may be audited that draw no batches.
    """
    usual = {str(name): cell for name, cell in frame.iloc[0].astype(object).items()}
    learned = [column for column in schema if column.kind.is_modelled]
    numbers = [column for column in learned if not column.kind.is_discrete]
    keyed = {column.name: f"nobody {column.name}" for column in schema if column.name in schema.entity}

    def changed(row: Mapping[str, Any]) -> pd.DataFrame:
        return with_row(frame, {**usual, **row, **keyed}, first=first)

    return {
        "an ordinary row more": changed({}),
        "a unit less": _without_unit(frame, schema, first=first),
        "a row of cells that no other has": changed({column.name: _unseen(column) for column in learned}),
        "a row beyond all bounds": changed({column.name: _extreme(column, 1) for column in numbers}),
        "a row below all bounds": changed({column.name: _extreme(column, -1) for column in numbers}),
        "a row of missing cells": changed({column.name: _missing(column) for column in learned}),
        "a row of infinities": changed(
            {column.name: np.inf if column.kind.is_number else _unseen(column) for column in learned}
        ),
        "a row of text": changed({column.name: "~ no such cell ~" for column in schema}),
        "a row of truth values": changed({column.name: True for column in learned}),
        "a row of whole numbers": changed({column.name: 1 for column in learned}),
        "a row of lists": changed({column.name: ["a", "list"] for column in learned}),
    }


def with_unit_last(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return the table with all rows of the entity of its last row at its end; as it is where a row is a unit."""
    if not schema.entity:
        return frame
    mine = _of_last_unit(frame, schema)
    return pd.concat([frame[~mine], frame[mine]], ignore_index=True)


def _without_unit(frame: pd.DataFrame, schema: Schema, *, first: bool) -> pd.DataFrame:
    if schema.entity:
        return frame[~_of_last_unit(frame, schema)]
    return frame.iloc[1:] if first else frame.iloc[:-1]


def _of_last_unit(frame: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Return which rows belong to the entity of the last row; bool, shape (rows,)."""
    keys = frame[list(schema.entity)]
    mine: np.ndarray = (keys == keys.iloc[-1]).all(axis=1).to_numpy()
    return mine


def with_row(frame: pd.DataFrame, row: Mapping[str, Any], *, first: bool = False) -> pd.DataFrame:
    """Return a table with one row more, last or first; columns get the dtype that pandas would give such cells."""
    columns = {}
    place = 0 if first else len(frame)
    for name in frame.columns:
        objects = np.empty(len(frame) + 1, object)
        objects[np.arange(len(objects)) != place] = frame[name].astype(object).to_numpy()
        objects[place] = row[name]
        series = pd.Series(objects, dtype=object)
        kept = frame[name].dtype == object or isinstance(row[name], str | list)
        columns[name] = series if kept else series.infer_objects()
    return pd.DataFrame(columns)


def strangers_of(frame: pd.DataFrame, schema: Schema, *, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Return tables of the same description that share no row with the first."""
    rng = np.random.default_rng(seed)
    rows = len(frame) // 2 + 7
    drawn = pd.DataFrame({column.name: _drawn(frame, column, rows, rng) for column in schema})
    fewer = max(2, len(frame) // 3)
    first = frame.iloc[[0] * fewer].reset_index(drop=True)
    return {"other rows and another number of them": drawn, "one row again and again": first}


def _unseen(column: Column) -> Any:
    if column.kind is Kind.DATETIME:
        return pd.Timestamp("2261-12-31 23:59:59.999999999")
    if column.kind.is_number:
        return 0.123456789012345
    return "~ nowhere else ~"


def _extreme(column: Column, sign: int) -> Any:
    if column.kind is Kind.DATETIME:
        return pd.Timestamp("2262-01-01") if sign > 0 else pd.Timestamp("1677-10-01")
    return sign * (float(2**62) if column.kind is Kind.INTEGER else BEYOND)


def _missing(column: Column) -> Any:
    return pd.NaT if column.kind is Kind.DATETIME else np.nan


def _drawn(frame: pd.DataFrame, column: Column, rows: int, rng: np.random.Generator) -> Any:
    """Return cells that the schema allows, uniformly; where it does not say, cells of the table, changed."""
    usual = frame[column.name]
    if column.levels:
        return pd.Series(list(column.levels), dtype=object).iloc[rng.integers(len(column.levels), size=rows)].to_numpy()
    if not column.kind.is_discrete and column.lower is not None and column.upper is not None:
        values = rng.uniform(cells.point(column.lower, column), cells.point(column.upper, column), rows)
        if column.kind is Kind.DATETIME:
            return cells.write(np.floor(values / DAY) * DAY, column)
        return cells.write(np.round(values, cells.decimals_for(column) or 6), column)
    some = usual.iloc[rng.integers(len(usual), size=rows)].reset_index(drop=True)
    return some * -2 if column.kind.is_number and pd.api.types.is_numeric_dtype(some.dtype) else some


# -- a fit, and all that it shows -----------------------------------------------------------------------------------


def published_by(make: Callable[[], TableSynthesizer], schema: Schema) -> Callable[[pd.DataFrame], Published]:
    """Return a function that fits a new model to a table and returns all that it publishes, by name.

    Parameters
    ----------
    make : callable
        Returns a new model, with a ledger of its own.
    schema : Schema
    """

    def fit(frame: pd.DataFrame) -> Published:
        with _tosses_by_row():
            return show(frame)

    def show(frame: pd.DataFrame) -> Published:
        told: list[tuple[str, float, str]] = []

        def progress(event: ProgressEvent) -> None:
            told.append((event.stage, event.fraction, event.message))

        model = make().fit(frame, schema, progress=progress)
        return {**_members(model), "progress": told, "description": _untimed(model), "schema": model.schema_.to_json()}

    return fit


@contextmanager
def _tosses_by_row() -> Iterator[None]:
    """Let the n-th row of a batch get the same tosses whatever follows it, as a proof may assume of independent ones.

    Drawn as usual, one row more would shift all later draws of the same generator: the same in distribution, and not
    comparable.
    """
    import torch

    from synthx.models.private.autoencoding import RowReconstruction, Tosses
    from synthx_privacy.noise import SecureRandom

    usual = RowReconstruction.toss

    def toss(self: RowReconstruction, rows: int) -> Tosses:
        self.chance = torch.Generator(self.device).manual_seed(SecureRandom().seed())
        return Tosses(*(part[:rows] for part in usual(self, max(rows, MOST_TOSSED))))

    with mock.patch.object(RowReconstruction, "toss", toss):
        yield


def _members(model: TableSynthesizer) -> dict[str, bytes]:
    """Return the members of a model's file."""
    from synthx_privacy.audit import contents_of

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        model.save(path)
        contents = contents_of(path)
    return {name.removeprefix("model/"): content for name, content in contents.items() if name != "model"}


def _untimed(model: TableSynthesizer) -> str:
    return dataclasses.replace(model.training_, seconds=None).describe()


# -- the audits -----------------------------------------------------------------------------------------------------


def audit_fit(
    make: Callable[[], TableSynthesizer],
    frame: pd.DataFrame,
    schema: Schema,
    *,
    neighbours: Mapping[str, pd.DataFrame] | None = None,
    strangers: Mapping[str, pd.DataFrame] | None = None,
) -> list[Finding]:
    """Audit a private fit of a table by record and replay, and its ledger and noise by its tape.

    Parameters
    ----------
    make : callable
        Returns a new model with a budget and a ledger of its own.
    frame : DataFrame, shape (rows, columns)
        Few columns and some hundred rows do: it takes about 15 fits.
    schema : Schema
    neighbours, strangers : mapping of str to DataFrame, optional
        By default all of `neighbours_of` and `strangers_of`.
    """
    from synthx_privacy.audit import audit_booking, audit_freshness, audit_neighbours, audit_noise, audit_strangers
    from synthx_privacy.tape import recording

    frame = with_unit_last(frame, schema)
    fit = published_by(make, schema)
    findings = [
        *audit_neighbours(fit, frame, neighbours_of(frame, schema) if neighbours is None else neighbours),
        *audit_strangers(fit, frame, strangers_of(frame, schema) if strangers is None else strangers),
    ]
    tapes = []
    for _ in range(2):
        with recording() as tape:
            model = make().fit(frame, schema)
        tapes.append(tape)
    entries = _ledger_of(model).entries
    return [*findings, audit_booking(tape, entries), *audit_noise(tape, entries), *audit_freshness(*map(list, tapes))]


def audit_contents(make: Callable[[], TableSynthesizer], frame: pd.DataFrame, schema: Schema) -> list[Finding]:
    """Fit a table with planted cells, and look for them in all that is published; and for arrays as long as the table.

    Parameters
    ----------
    make, schema
        See `audit_fit`.
    frame : DataFrame, shape (rows, columns)
        32 rows or more.
    """
    from synthx_privacy.audit import audit_lengths, audit_strings, plant_numbers, plant_strings

    words, numbers = plant_strings(len(schema)), plant_numbers(len(schema))
    row = {
        column.name: number if column.kind.is_number else word
        for column, word, number in zip(schema, words, numbers, strict=True)
    }
    planted = with_row(frame, row)
    model = make()
    shown = published_by(lambda: model, schema)(planted)
    parts, tensors = model._to_parts()
    contents = {name: value if isinstance(value, bytes | str) else repr(value) for name, value in shown.items()}
    return [
        audit_strings(contents, [*words, *numbers]),
        audit_lengths({**parts, **tensors}, len(planted)),
    ]


def audit_descent(plan: DescentPlan, proved: float, delta: float) -> AuditReport:
    """Put canaries through the real descent at the noise, rate and steps of a plan, and test the sampler at its rate.

    Parameters
    ----------
    plan : DescentPlan
    proved, delta : float
        What the plan as a whole costs.
    """
    from synthx_privacy.audit import AuditReport, audit_inclusion, ceiling, release_canaries
    from synthx_privacy.dpsgd import PoissonSampler

    findings = []
    if plan.rate < 1:
        sampler = PoissonSampler(SAMPLED_UNITS, plan.rate, SAMPLED_STEPS)
        tenth = {"the first tenth": np.arange(SAMPLED_UNITS // 10)}
        findings += audit_inclusion(sampler, SAMPLED_UNITS, plan.rate, groups=tenth)
    steps = min(plan.steps, MOST_STEPS)
    canaries = release_canaries(rate=plan.rate, noise=plan.noise, steps=steps, canaries=CANARIES)
    findings += [canaries.audit_signal(), canaries.audit_bound(GUESSES, proved, delta=delta)]
    return AuditReport(
        findings=tuple(findings),
        proved=proved,
        delta=delta,
        bound=canaries.lower_bound(GUESSES, delta=delta),
        ceiling=ceiling(2 * GUESSES),
    )


@dataclasses.dataclass(frozen=True)
class DescentPlan:
    """A private descent: the chance to be drawn in a step, the noise multiplier, and the steps."""

    rate: float
    noise: float
    steps: int


def descent_of(ledger: Ledger) -> DescentPlan | None:
    """Return the last descent that a ledger books; None if there is none."""
    from synthx_privacy.events import steps_of

    events = [entry.event for entry in ledger.entries if steps_of(entry.event)]
    if not events:
        return None
    step = events[-1].event
    return DescentPlan(float(step.sampling_probability), float(step.event.noise_multiplier), int(events[-1].count))


def planned(model: TableSynthesizer, schema: Schema, rows: int) -> tuple[float, float, DescentPlan | None]:
    """Return the epsilon and delta that a private fit of so many rows would cost, and its descent if it has one.

    Parameters
    ----------
    model : TableSynthesizer
        With a budget.
    schema : Schema
        Declares bounds and levels.
    rows : int
        About; for the audit only.
    """
    from synthx.models.private.budget import plan_count, plan_rest
    from synthx_privacy.accounting import epsilon_of

    assert model.privacy is not None
    delta = model.privacy.delta_for(rows)
    first = plan_count(model.privacy, delta)
    budgeted = plan_rest(
        schema,
        model.privacy,
        delta,
        spent=list(first.values()),
        count=rows,
        gradients=model._gradient_plan(rows),
    )
    proved = epsilon_of([*first.values(), *budgeted.events.values()], delta)
    descent = budgeted.descent
    plan = None if descent is None else DescentPlan(descent.rate, descent.noise, descent.plan.steps)
    return proved, delta, plan


def audit_saved(path: Path, strings: list[str]) -> list[Finding]:
    """Scan a model file for strings that were in the data."""
    from synthx_privacy.audit import audit_strings, contents_of

    return [audit_strings(contents_of(path), strings)]


def _ledger_of(model: TableSynthesizer) -> Ledger:
    if model.privacy is None:
        raise UnsupportedError("the model has no privacy budget", remedy="give it privacy=Privacy(epsilon=...)")
    return model.ledger
