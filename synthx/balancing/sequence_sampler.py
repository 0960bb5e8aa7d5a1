"""More entities with a rare label: the over-sampler of sequences."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from synthx.balancing.entities import label_of, wanted_entities, with_new_entities
from synthx.balancing.strategy import Strategy
from synthx.balancing.unfitted import unfitted
from synthx.codec.sequence.long import LongTable
from synthx.entities import Entities
from synthx.errors import UnsupportedError
from synthx.models.parameters import Parameters, check_seed
from synthx.models.sequential import SequenceSynthesizer
from synthx.schema import Column, Schema

if TYPE_CHECKING:
    from synthx.training import Progress

__all__ = ["SequenceOverSampler"]

ENTITIES_A_MINUTE, LEAST_MINUTES, MOST_MINUTES = 1_000, 1.0, 10.0


class SequenceOverSampler(Parameters):
    """Over-sample entities with a rare static label: more accounts with fraud, more stays that end in death.

    imbalanced-learn has no word for rows that belong together, so this takes and gives long tables, a row for each
    step, and needs a schema that names the entity and, as the target, the static label.

    Parameters
    ----------
    model : SequenceSynthesizer, optional
        Of which a copy is fitted. None means `SequenceVAE` with a minute for every 1,000 entities, at most ten.
    sampling_strategy : float, str, dict or callable
        As of `OverSampler`, counted in entities.
    random_state : int, optional
        Of the drawing, and of the default model.

    Attributes
    ----------
    synthetic_mask_ : bool array, shape (rows,)
        Which steps of the result are of new entities.
    report_ : dict of class to int
        How many new entities each class got.
    generator_ : SequenceSynthesizer
        The fitted model.

    Examples
    --------
    >>> schema = Schema.detect(frame, entity="account", time="day", target="fraud")  # doctest: +SKIP
    >>> balanced = SequenceOverSampler(sampling_strategy=0.2).fit_resample(frame, schema)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: SequenceSynthesizer | None = None,
        *,
        sampling_strategy: Strategy = "auto",
        random_state: int | None = None,
    ) -> None:
        self.model = model
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def fit_resample(self, frame: pd.DataFrame, schema: Schema, *, progress: Progress | None = None) -> pd.DataFrame:
        """Return the real steps, unchanged and first, and after them those of new entities with keys of their own.

        Parameters
        ----------
        frame : DataFrame, shape (steps, columns)
        schema : Schema
            Names the entity and, as the target, a static column; the time where there is one.
        progress : callable, optional
            Is told how far the fit has come.

        Raises
        ------
        SchemaError
            If no entity or target is named, or the target is not static.
        DataError
            If a label is missing, there is one class only, or a class that is to grow has one entity.
        ParameterError
            If the strategy cannot be met.
        UnsupportedError, PrivacyError
            If the model is not one of sequences, or is to be private.
        """
        label = label_of(schema)
        check_seed(self.random_state)
        long = LongTable.of(frame, schema)
        wanted, labels = wanted_entities(long, label, self.sampling_strategy)
        model = self._copy_of_model(len(long.entities))
        self.generator_ = model.fit(frame, _with_levels(schema, label, labels), progress=progress)
        parts = []
        for place, (level, count) in enumerate(wanted.items()):
            if count:
                seed = None if self.random_state is None else int(self.random_state) + place
                rows = self.generator_.sample(count, given={label: level}, seed=seed)
                parts.append((rows, Entities.of(rows, schema.entity).of_row))
        self.report_: dict[Hashable, int] = dict(wanted)
        balanced = with_new_entities(frame, parts, schema, seed=self.random_state)
        self.synthetic_mask_ = np.arange(len(balanced)) >= len(frame)
        return balanced

    def _copy_of_model(self, entities: int) -> SequenceSynthesizer:
        model = self.model
        if model is None:
            from synthx.models.recurrent_vae import SequenceVAE

            minutes = float(np.clip(entities / ENTITIES_A_MINUTE, LEAST_MINUTES, MOST_MINUTES))
            return SequenceVAE(max_minutes=minutes, seed=self.random_state or 0)
        if not isinstance(model, SequenceSynthesizer):
            raise UnsupportedError(
                f"{type(model).__name__} is no model of sequences", remedy="give SequenceVAE, or use OverSampler"
            )
        return unfitted(model, units="steps", drawn_by="given")


def _with_levels(schema: Schema, label: str, labels: np.ndarray) -> Schema:
    """Return the schema with the label's classes declared, so that each is known however few entities have it."""
    column: Column = schema[label]
    if not column.kind.is_discrete or column.levels is not None:
        return schema
    return schema.replace(label, levels=tuple(np.unique(labels).tolist()))
