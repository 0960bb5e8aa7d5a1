"""Which model suits a table, with which settings, and why: what ``--model auto`` does.

Among the models of single tables the autoregressive one gave the most faithful rows for the time on every table that we
measured (docs/benchmarks.md): short and long, narrow and wide, with few levels and many. So the size of a table decides
on the model's settings rather than on another model.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from synthx.errors import DataError, ParameterError
from synthx.models.registry import model_class
from synthx.training import Budget, pick_device

if TYPE_CHECKING:
    import pandas as pd

    from synthx.models.base import Synthesizer
    from synthx.schema import Schema
    from synthx_privacy.privacy import Privacy

__all__ = ["Choice", "choose"]

FEW_ROWS = 500
MANY_LEVELS = 1_000


ENOUGH_FOR_NETWORKS = 2.0
"""The epsilon from which on the private autoregressive model knew more of a table than the tree it starts from."""
PRIVATE_REASONS = {
    "mst": f"Chose mst, the tree of noisy marginals: below epsilon {ENOUGH_FOR_NETWORKS:g} it is the safer choice, and"
    " takes seconds.",
    "ar": f"Chose ar, the autoregressive model: from epsilon {ENOUGH_FOR_NETWORKS:g} on it kept more of the ties"
    " between columns than mst, the tree of noisy marginals that it starts from, on every table we measured.",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """A model that suits a table.

    Parameters
    ----------
    model : Synthesizer
        Ready to be fitted.
    reason : str
        Why this one, in one sentence.
    """

    model: Synthesizer
    reason: str


def choose(
    frame: pd.DataFrame,
    schema: Schema | None = None,
    *,
    max_minutes: float | None = None,
    seed: int = 0,
    device: str = "auto",
    refine: bool = False,
    batch_size: int | None = None,
    privacy: Privacy | None = None,
    horizon: int | None = None,
) -> Choice:
    """Choose a model for a table by its rows, columns and levels, the device and the time.

    Parameters
    ----------
    frame : DataFrame, shape (rows, columns)
    schema : Schema, optional
        What each column is; detected if None.
    max_minutes, seed, device, refine, batch_size
        Settings of the model; see `TabularAR`.
    privacy : Privacy, optional
        With it the choice reads the schema only.
    horizon : int, optional
        Of private sequences; see `SequenceVAE`.

    Raises
    ------
    DataError
        If the table is empty or has too few rows to learn from, or its columns are not those of the schema.
    ParameterError
        If a setting is not one that the model takes.

    Examples
    --------
    >>> choice = choose(frame, max_minutes=5)  # doctest: +SKIP
    >>> model = choice.model.fit(frame)  # doctest: +SKIP
    """
    from synthx.schema import Schema

    if privacy is not None:
        if refine:
            raise ParameterError(
                "refine is asked for beside privacy", remedy="leave it out: refinement compares with real rows"
            )
        shared: dict[str, Any] = {"max_minutes": max_minutes, "seed": seed, "device": device, "privacy": privacy}
        return _choose_privately(schema, privacy, shared, horizon)
    if frame.empty:
        raise DataError("the table is empty", remedy="give a table with rows and columns")
    schema = Schema.detect(frame) if schema is None else schema
    schema.check_names(frame.columns)
    Budget(max_minutes)  # refuses a senseless limit before anything is said
    settings: dict[str, Any] = {"max_minutes": max_minutes, "seed": seed, "device": device}
    if batch_size is not None:
        settings["batch_size"] = batch_size
    if _are_sequences(frame, schema):
        if refine:
            raise ParameterError("refine is asked for, but the table holds sequences", remedy="leave it out")
        return Choice(
            _large_enough(model_class("sequence-vae")(**settings), frame, schema),
            f"Chose sequence-vae: the rows of an entity ({', '.join(schema.entity)}) belong together.",
        )
    model = _large_enough(model_class("ar")(**settings, **{"refine": refine}), frame, schema)
    learned = [column.name for column in schema if column.kind.is_modelled]
    levels = max((frame[column.name].nunique() for column in schema if column.kind.is_discrete), default=0)
    notes = []
    if len(frame) < FEW_ROWS:
        notes.append("; the rows are few, so expect it to know each column and the strongest ties only")
    if levels > MANY_LEVELS:
        notes.append(f"; the {levels:,} levels of a column are written as two digits")
    table = f"{len(frame):,} rows × {len(learned)} columns on {pick_device(device).type}"
    return Choice(
        model,
        f"Chose ar, the autoregressive model, for {table}: of all models here it gave the most faithful rows for the"
        f" time on every table we measured{''.join(notes)}.",
    )


def _large_enough(model: Synthesizer, frame: pd.DataFrame, schema: Schema) -> Synthesizer:
    """Return the model, unless it would refuse so few rows or entities: that is said before it is praised."""
    from synthx.models.sequential import SequenceSynthesizer
    from synthx.models.tabular import TableSynthesizer

    if isinstance(model, TableSynthesizer):
        model.check_rows(len(frame))
    elif isinstance(model, SequenceSynthesizer):
        model.check_entities(len(frame[list(schema.entity)].drop_duplicates()))
    return model


def _choose_privately(schema: Schema | None, privacy: Privacy, settings: dict[str, Any], horizon: int | None) -> Choice:
    """Choose by what is declared; to look at the rows would spend budget that nobody has booked."""
    if schema is not None and schema.entity and schema.time is not None and privacy.unit != "row":
        return Choice(
            model_class("sequence-vae")(**settings, **({} if horizon is None else {"horizon": horizon})),
            f"Chose sequence-vae: the rows of an entity ({', '.join(schema.entity)}) have an order in time.",
        )
    name = "ar" if privacy.epsilon >= ENOUGH_FOR_NETWORKS else "mst"
    return Choice(model_class(name)(**settings), PRIVATE_REASONS[name])


def _are_sequences(frame: pd.DataFrame, schema: Schema) -> bool:
    """Whether there are entities, some of which have several rows."""
    return bool(schema.entity) and bool(frame.duplicated(list(schema.entity)).any())
