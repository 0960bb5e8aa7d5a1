"""What all generators of single tables share: coding, conditions, batches, files, refusals.

To add a table model, write a file beside `gan.py` with a subclass of `TableSynthesizer` (its methods `_learn` and
`_draw` see codes only; `_weights` and `_restore` say what a file holds of it) and name it in `registry.py`.
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from synthx.codec.conditions import Resolved, resolve
from synthx.codec.table import Coded, TableCodec
from synthx.condition import Window, as_conditions
from synthx.errors import ConditionError, DataError, ParameterError, ResourceError
from synthx.models.base import BATCH_ROWS, Synthesizer, Training
from synthx.models.parameters import check_whole
from synthx.schema import Schema
from synthx.training import Budget, Progress, ProgressEvent, Stopped, flushed_denormals, pick_device

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["TableSynthesizer"]

RAREST, MOST_TRIED = 1e-4, 200_000
"""Conditions that are met by drawing again: the share of rows that must meet them, once so many were drawn."""


class TableSynthesizer(Synthesizer):
    """What all generators of single tables share: coding, conditions, batches, files.

    A subclass learns codes in `_learn` and draws them in `_draw`; it never sees a cell. It has at least the settings
    named here.
    """

    max_minutes: float | None
    seed: int
    device: str
    rare_threshold: int
    batch_size: int
    learning_rate: float

    codec_: TableCodec

    @abstractmethod
    def _learn(
        self, coded: Coded, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        """Learn coded rows on a device; return what ended training and the steps taken.

        torch's generators are seeded, and restored after it.
        """

    @abstractmethod
    def _draw(self, rows: int, windows: Mapping[int, Window], seed: int) -> np.ndarray:
        """Return codes, shape (rows, columns), that lie in the windows (by column index)."""

    @abstractmethod
    def _weights(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what was learned beside the codec: JSON values by name, and tensors by name."""

    @abstractmethod
    def _restore(self, parts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Take back, on a device, what `_weights` gave; settings, schema and codec are in place."""

    # -- learning -----------------------------------------------------------------------------------------------

    def fit(self, frame: pd.DataFrame, schema: Schema | None = None, *, progress: Progress | None = None) -> Self:
        """Learn a table.

        Parameters
        ----------
        frame : DataFrame, shape (rows, columns)
        schema : Schema, optional
            What each column is; detected if None.
        progress : callable, optional
            Is told how far the fit has come.

        Raises
        ------
        DataError
            If the table is empty or contradicts the schema.
        ResourceError
            If memory runs out; the message names a smaller setting.
        TrainingError
            If training diverges and cannot be rescued.
        """
        budget = Budget(self.max_minutes)
        self._check_parameters()
        if not isinstance(frame, pd.DataFrame):
            raise DataError(f"fit was given a {type(frame).__name__}", remedy="give a pandas.DataFrame")
        if len(frame) < max(2, self.rare_threshold):
            least = self.rare_threshold
            raise DataError(
                f"the table has {len(frame)} rows, and nothing that fewer than {least} rows share is kept",
                remedy="give more rows (below about 200 expect little), or lower rare_threshold",
            )
        with _all_or_nothing(self), _memory_named(self):
            if progress is not None:
                progress(ProgressEvent("coding the table", 0.0, f"{len(frame):,} rows", budget.seconds))
            schema = Schema.detect(frame) if schema is None else schema
            codec = TableCodec.fit(frame, schema, rare_threshold=self.rare_threshold)
            if not codec.columns:
                kinds = ", ".join(f"{column.name!r} is {column.kind.value}" for column in list(schema)[:4])
                raise DataError(
                    f"the table has no column to learn ({kinds})",
                    remedy="change a column's kind in the schema if it should be",
                )
            coded = codec.encode(frame)
            self.schema_, self.codec_ = schema, codec
            device = pick_device(self.device)
            with _seeded(self.seed, device), flushed_denormals():
                stopped, steps = self._learn(coded, device, budget, progress)
        self.training_ = Training(
            rows=len(frame),
            columns=len(schema),
            steps=steps,
            stopped=stopped,
            device=device.type,
            seconds=round(budget.seconds, 1),
        )
        return self

    def _check_parameters(self) -> None:
        for name, value in self.get_params().items():
            if isinstance(value, np.generic):  # JSON, where settings are kept, knows plain numbers only
                setattr(self, name, value.item())
        for name, least in (("seed", 0), ("rare_threshold", 1), ("batch_size", 1)):
            check_whole(name, getattr(self, name), least)
        if not 0 < self.learning_rate < 1:
            raise ParameterError(f"learning_rate is {self.learning_rate!r}", remedy="give a number between 0 and 1")
        pick_device(self.device)

    # -- drawing ------------------------------------------------------------------------------------------------

    def sample_batches(
        self,
        n: int,
        *,
        given: Mapping[str, Any] | None = None,
        seed: int | None = None,
        batch_rows: int = BATCH_ROWS,
    ) -> Iterator[pd.DataFrame]:
        """Yield frames that together have `n` new rows; see `sample`."""
        self._check_fitted()
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n <= 0:
            raise ParameterError(f"{n!r} rows were asked for", remedy="ask for a whole number of rows above zero")
        if seed is not None and (not isinstance(seed, (int, np.integer)) or seed < 0):
            raise ParameterError(f"seed is {seed!r}", remedy="give a whole number from 0 on, or none")
        resolved = resolve(as_conditions(given or {}, self.schema_), self.codec_)
        return self._batches(int(n), resolved, seed, batch_rows)

    def _batches(self, n: int, resolved: Resolved, seed: int | None, batch_rows: int) -> Iterator[pd.DataFrame]:
        seeds = np.random.SeedSequence(seed)
        redraws = bool(resolved.leftover or resolved.rules)
        done = tried = 0
        while done < n:
            rng = np.random.default_rng(seeds.spawn(1)[0])
            rows = batch_rows if redraws else min(batch_rows, n - done)
            codes = self._draw(rows, resolved.windows, int(rng.integers(2**62)))
            coded = Coded(codes, _draw_offsets(codes, resolved.windows, rng))
            frame = self.codec_.decode(coded, rng, conditions=resolved.conditions, first_row=tried)
            tried += len(frame)
            frame = resolved.keep(frame, self.schema_).iloc[: n - done]
            done += len(frame)
            if done < n and done < tried * RAREST and tried >= MOST_TRIED:
                raise ConditionError(
                    f"only {done} of {tried:,} rows met all conditions at once",
                    remedy="widen them: columns that depend on each other are drawn again until they agree",
                )
            if len(frame):
                yield frame.reset_index(drop=True)

    # -- files --------------------------------------------------------------------------------------------------

    def _to_parts(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        training = dataclasses.asdict(self.training_)
        del training["seconds"]  # the same seed gives the same file
        parts, tensors = self._weights()
        shared = {"settings": self.get_params(), "codec": self.codec_.to_dict(), "training": training}
        return {**shared, **parts}, {name: tensor.cpu() for name, tensor in tensors.items()}

    @classmethod
    def _from_parts(cls, parts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        model = cls(**parts["settings"])
        model.codec_ = TableCodec.from_dict(parts["codec"])
        model.schema_ = model.codec_.schema
        model.training_ = Training(**parts["training"])
        model._restore(parts, tensors, pick_device("auto"))
        return model


def _draw_offsets(codes: np.ndarray, windows: Mapping[int, Window], rng: np.random.Generator) -> np.ndarray:
    """Draw offsets evenly inside the bins, or inside the part of them that a condition allows."""
    offsets = rng.random(codes.shape)
    for column, window in windows.items():
        low, high = window.low[codes[:, column]], window.high[codes[:, column]]
        offsets[:, column] = low + offsets[:, column] * (high - low)
    return offsets


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators, and give them their state back at the end."""
    import torch

    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def _all_or_nothing(model: Synthesizer) -> Iterator[None]:
    """Leave a model as it was if a fit fails."""
    state: dict[str, Any] = model.__dict__
    before = dict(state)
    try:
        yield
    except BaseException:
        state.clear()
        state.update(before)
        raise


@contextmanager
def _memory_named(model: Synthesizer) -> Iterator[None]:
    """Turn an out-of-memory error of any library into one that names the cure."""
    import torch

    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise _out_of_memory(model) from error
    except RuntimeError as error:
        if "allocate memory" not in str(error):  # torch's CPU allocator raises a bare RuntimeError
            raise
        raise _out_of_memory(model) from error


def _out_of_memory(model: Synthesizer) -> ResourceError:
    size = model.get_params().get("batch_size")
    smaller = (
        f"try batch_size={size // 4} (it is {size})" if isinstance(size, int) and size >= 8 else "fit fewer columns"
    )
    return ResourceError("memory ran out while fitting", remedy=f"{smaller}, or fewer rows or columns")
