"""What is constant within an entity, its length and its time span: a table of entities, and the model of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from synthx.codec.conditions import resolve
from synthx.codec.generated import generate
from synthx.codec.sequence.long import END, LENGTH, SPAN, START
from synthx.codec.table import Coded, TableCodec
from synthx.condition import Condition, as_conditions
from synthx.errors import ConditionError
from synthx.models.autoregressive import TabularAR
from synthx.models.layout import Digits
from synthx.schema import Schema
from synthx.training import Progress

__all__ = ["StaticModel"]


class StaticModel:
    """Draws the static columns, the length and the span of entities.

    Parameters
    ----------
    codec : TableCodec
        Of the table of entities.
    model : TabularAR, optional
        None where every column is constant or made up: there is nothing to learn.
    """

    def __init__(self, codec: TableCodec, model: TabularAR | None) -> None:
        self.codec, self.model = codec, model
        self.digits = Digits(codec.domain.sizes) if codec.columns else Digits((1,))

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        schema: Schema,
        *,
        max_minutes: float | None,
        seed: int,
        device: str,
        rare_threshold: int,
        progress: Progress | None,
    ) -> StaticModel:
        """Learn the table of entities, shape (entities, columns)."""
        codec = TableCodec.fit(frame, schema, rare_threshold=rare_threshold)
        if not codec.columns:
            return cls(codec, None)
        model = TabularAR(max_minutes=max_minutes, seed=seed, device=device, rare_threshold=rare_threshold)
        model.fit(frame, schema, progress=progress)
        return cls(model.codec_, model)

    def check(self, given: Mapping[str, Any], changing: tuple[str, ...]) -> dict[str, Condition]:
        """Return conditions as such.

        Raises
        ------
        ConditionError
            If one is on a column that changes from step to step, or no entity can satisfy them.
        """
        for name in given:
            if name in changing or name not in self.codec.schema:
                static = [column.name for column in self.codec.schema if column.kind.is_modelled]
                named = [name for name in static if name not in (LENGTH, START, END, SPAN)]
                raise ConditionError(
                    f"column {name!r} changes over time, so it cannot be conditioned for a whole sequence"
                    if name in changing
                    else f"the condition names column {name!r}, which is no static column that the model knows",
                    remedy=f"condition on a static column ({', '.join(map(repr, named)) or 'there is none'}),"
                    " on length or on span",
                )
        conditions = as_conditions(given, self.codec.schema)
        resolve(conditions, self.codec)
        return conditions

    def sample(self, n: int, given: Mapping[str, Condition], rng: np.random.Generator) -> pd.DataFrame:
        """Draw entities that satisfy conditions; shape (n, columns)."""
        if self.model is None:
            nothing = np.empty((n, 0))
            return self.codec.decode(Coded(nothing.astype(np.int64), nothing), rng)
        return self.model.sample(n, given=given or None, seed=int(rng.integers(2**32)))

    def renew(self, frame: pd.DataFrame, rng: np.random.Generator, *, first: int = 0) -> pd.DataFrame:
        """Return entities with keys, fakes and text made anew; `first` counts the entities that were made before."""
        frame = frame.reset_index(drop=True)
        for column in self.codec.schema:
            if not column.kind.is_modelled:
                share = self.codec.missing_shares.get(column.name, 0.0)
                frame[column.name] = generate(column, len(frame), rng, first=first, missing_share=share)
        return frame

    def encode(self, frame: pd.DataFrame) -> Tensor:
        """Return the digits of entities; int64, shape (entities, digits)."""
        if self.model is None:
            return torch.zeros(len(frame), 1, dtype=torch.long)
        return self.digits.split(torch.from_numpy(self.codec.encode(frame).codes))

    # -- files --------------------------------------------------------------------------------------------------

    def to_parts(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what is saved: JSON values and tensors, by name."""
        if self.model is None:
            return {"codec": self.codec.to_dict()}, {}
        parts, tensors = self.model._to_parts()
        return {"model": parts}, tensors

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> StaticModel:
        """Rebuild a model from what `to_parts` gave."""
        if "codec" in parts:
            return cls(TableCodec.from_dict(parts["codec"]), None)
        model = TabularAR._from_parts(parts["model"], tensors)
        return cls(model.codec_, model)
