"""What all generators of sequences share: tables of entities and steps, conditions, batches, files, refusals.

To add a model of sequences, write a file beside `recurrent_vae.py` with a subclass of `SequenceSynthesizer` (its
methods `_learn` and `_draw` see codes and numbers only; `_weights` and `_restore` say what a file holds of it) and name
it in `registry.py`.
"""

from __future__ import annotations

import dataclasses
import itertools
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import pandas as pd

from synthx.codec.cells import read_strictly
from synthx.codec.keys import fresh_keys
from synthx.codec.sequence.extent import Extent
from synthx.codec.sequence.long import END, LENGTH, SPAN, START, LongTable, join_long, static_schema, step_schema
from synthx.codec.sequence.steps import CodedSteps, StepCodec
from synthx.codec.table import Coded
from synthx.condition import Condition
from synthx.connectors.frames import from_frame
from synthx.errors import ConditionError, DataError, ParameterError
from synthx.models.base import BATCH_ROWS, Synthesizer, Training
from synthx.models.conditions import check_met
from synthx.models.parameters import check_seed
from synthx.models.parts import named_for, of_owner
from synthx.models.safeguards import all_or_nothing, memory_named, seeded
from synthx.schema import Kind, Schema
from synthx.training import Budget, Progress, ProgressEvent, Stopped, flushed_denormals, pick_device

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from synthx.models.sequences.static import StaticModel
    from synthx_privacy import Privacy

__all__ = ["CodedEntities", "SequenceSynthesizer"]

STATIC_SHARE = 0.15
"""Of the time budget, what the static columns may take."""
MOST_STEPS = 262_144
"""Steps that are drawn together, about."""
FEWEST_ENTITIES = 64
"""Entities that are drawn together, however long they are."""
LEAST = {"seed": 0, "rare_threshold": 1, "batch_size": 1}
"""Settings that are whole numbers, and the least they may be."""


class CodedEntities(NamedTuple):
    """Sequences as codes and numbers.

    Parameters
    ----------
    static : int64 Tensor, shape (entities, static digits)
    lengths, spans : arrays, shape (entities,)
        How many steps each has, and the time from its first to its last, in the time column's own unit.
    steps : CodedSteps
        Of all entities, one after the other.
    totals : int array, shape (entities,), optional
        How many steps each will have in the end, where the given ones are a beginning.
    """

    static: Tensor
    lengths: np.ndarray
    spans: np.ndarray
    steps: CodedSteps
    totals: np.ndarray | None = None

    @property
    def starts(self) -> np.ndarray:
        """The first step of each entity."""
        starts: np.ndarray = np.cumsum(self.lengths) - self.lengths
        return starts


class SequenceSynthesizer(Synthesizer):
    """What all generators of sequences share. A subclass has at least the settings named here."""

    max_minutes: float | None
    seed: int
    device: str
    rare_threshold: int
    batch_size: int
    learning_rate: float
    privacy: Privacy | None = None
    horizon: int | None = None

    static_: StaticModel
    steps_: StepCodec

    @abstractmethod
    def _learn(
        self, coded: CodedEntities, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        """Learn coded sequences on a device; return what ended training and the steps taken."""

    @abstractmethod
    def _draw(self, static: Tensor, extent: Extent, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw the steps of entities; return codes (steps, columns) and numbers (steps, numbers), entity by entity."""

    @abstractmethod
    def _weights(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what was learned beside the codecs and the static columns: JSON values and tensors, by name."""

    @abstractmethod
    def _restore(self, parts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Take back, on a device, what `_weights` gave; settings, schema and codecs are in place."""

    # -- learning -----------------------------------------------------------------------------------------------

    def fit(self, frame: pd.DataFrame, schema: Schema | None = None, *, progress: Progress | None = None) -> Self:
        """Learn the sequences of a long table.

        Parameters
        ----------
        frame : DataFrame, shape (rows, columns)
            A row for each step of each entity. Rows need not be in order: the time column puts them in order within
            their entity; rows of one time, or all rows where there is no time, stay as they stand.
        schema : Schema
            What each column is; names the entity's key, the time (if there is one) and the static columns.
        progress : callable, optional
            Is told how far the fit has come.

        Raises
        ------
        DataError
            If the table is empty or contradicts the schema, a static column varies, or there are too few entities.
        SchemaError
            If the schema names no entity.
        ResourceError
            If memory runs out; the message names a smaller setting.
        TrainingError
            If training diverges and cannot be rescued.
        """
        budget = Budget(self.max_minutes)
        self._check_parameters()
        frame = from_frame(frame, asked_by="fit")
        if self.privacy is not None:
            return self._fit_privately(frame, schema, budget, progress)
        with all_or_nothing(self), memory_named(self):
            schema = Schema.detect(frame) if schema is None else schema
            self.training_ = self._learn_table(frame, schema, budget, progress)
        return self

    def _learn_table(self, frame: pd.DataFrame, schema: Schema, budget: Budget, progress: Progress | None) -> Training:
        """Learn a long table; return how it went."""
        if progress is not None:
            progress(ProgressEvent("coding the sequences", 0.0, f"{len(frame):,} rows", budget.seconds))
        long = LongTable.of(frame, schema)
        self.check_entities(len(long.entities))
        self.schema_ = schema
        device = pick_device(self.device)
        self.steps_ = StepCodec.fit(long.steps, step_schema(schema), long.starts, rare_threshold=self.rare_threshold)
        if not self.steps_.names:
            raise DataError(
                "the table has no column to learn that changes from step to step",
                remedy="learn it as a table of entities, a row each, with another model",
            )
        self.static_ = self._learn_static(long, progress)
        coded = self._code(long)
        with seeded(self.seed, device), flushed_denormals():
            stopped, taken = self._learn(coded, device, budget, progress)
        return Training(
            rows=len(frame),
            columns=len(schema),
            steps=taken,
            stopped=stopped,
            device=device.type,
            seconds=round(budget.seconds, 1),
            entities=len(long.entities),
        )

    def _fit_privately(
        self, frame: pd.DataFrame, schema: Schema | None, budget: Budget, progress: Progress | None
    ) -> Self:
        """Learn sequences imagined from noisy counts, in which an entity counts once; nothing else reads a cell."""
        from synthx.models.private.sequences.fit import buy_sequences, check_sequences
        from synthx.models.private.sequences.simulation import imagine
        from synthx.models.private.units import ledger_for

        def stage(name: str) -> None:
            if progress is not None:
                progress(ProgressEvent(name, 0.0, "", budget.seconds))

        assert self.privacy is not None
        schema, horizon = check_sequences(frame, schema, self.privacy, self.horizon)
        self.ledger_ = ledger_for(frame, self.privacy)  # stays with the model if the fit fails: what is spent is spent
        with all_or_nothing(self), memory_named(self):
            bought = buy_sequences(
                frame, schema, self.privacy, horizon, ledger=self.ledger_, name=self.name, stage=stage
            )
            stage("imagining sequences")
            imagined = imagine(bought, bought.usual_entities, np.random.default_rng(self.seed))
            training = self._learn_table(imagined, bought.layout.schema, budget, progress)
            rows = round(training.rows / max(1, training.entities or 1) * bought.entities)
            self.training_ = dataclasses.replace(training, private=True, entities=round(bought.entities), rows=rows)
        return self

    def check_entities(self, entities: int) -> None:
        """Refuse so few entities that nothing of them would be kept.

        Raises
        ------
        DataError
        """
        least = max(2, self.rare_threshold)
        if entities < least:
            raise DataError(
                f"the table has {entities} entit{'y' if entities == 1 else 'ies'}, and nothing that fewer than {least}"
                " share is kept",
                remedy="give more entities, or cut a single long series into windows with --window (in Python,"
                " synthx.cut_windows)",
            )

    def _learn_static(self, long: LongTable, progress: Progress | None) -> StaticModel:
        from synthx.models.sequences.static import StaticModel

        static = StaticModel.fit(
            long.static,
            static_schema(self.schema_, long.static),
            max_minutes=None if self.max_minutes is None else STATIC_SHARE * self.max_minutes,
            seed=self.seed,
            device=self.device,
            rare_threshold=self.rare_threshold,
            progress=progress,
        )
        if static.model is not None and static.model.training_.stopped == "interrupted":
            raise KeyboardInterrupt  # nothing of the steps is learned yet that could be kept
        return static

    def _code(self, long: LongTable) -> CodedEntities:
        steps = self.steps_.encode(long.steps, long.starts)
        ends = long.starts + long.lengths - 1
        spans = steps.clock[ends] - steps.clock[long.starts]
        return CodedEntities(self.static_.encode(long.static), long.lengths, spans, steps)

    def _check_parameters(self) -> None:
        for name, value in self.get_params().items():
            if isinstance(value, np.generic):  # JSON, where settings are kept, knows plain numbers only
                setattr(self, name, value.item())
        self._check_whole_settings(LEAST)
        if not 0 < self.learning_rate < 1:
            raise ParameterError(f"learning_rate is {self.learning_rate!r}", remedy="give a number between 0 and 1")
        pick_device(self.device)

    # -- drawing ------------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int,
        *,
        given: Mapping[str, Any] | None = None,
        length: Any = None,
        span: Any = None,
        seed: int | None = None,
    ) -> pd.DataFrame:
        """Draw new entities with their sequences.

        Parameters
        ----------
        n : int
            How many entities.
        given : mapping, optional
            What every entity must satisfy, on static columns: column -> a value, a list of values, `synthx.between` or
            `synthx.MISSING`.
        length : int, list of int or `synthx.between`, optional
            How many steps each sequence shall have.
        span : number or `synthx.between`, optional
            How much time shall pass from the first step to the last: days where the time is a date, else in the unit
            of the time column.
        seed : int, optional
            The same seed draws the same sequences on a CPU; by default each call draws others.

        Returns
        -------
        DataFrame, shape (steps, columns)
            A row for each step, entity by entity in order of time, with the training frame's columns and dtypes.

        Raises
        ------
        ConditionError
            If no entity can satisfy the conditions, or one names a column that changes over time.
        ParameterError
            If `n` is not a positive whole number.
        NotFittedError
            Before `fit`.
        """
        batches = self.sample_batches(n, given=given, length=length, span=span, seed=seed)
        return pd.concat(batches, ignore_index=True)

    def sample_batches(
        self,
        n: int,
        *,
        given: Mapping[str, Any] | None = None,
        length: Any = None,
        span: Any = None,
        seed: int | None = None,
        batch_rows: int = BATCH_ROWS,
    ) -> Iterator[pd.DataFrame]:
        """Yield frames that together have `n` new entities, about `batch_rows` steps each; see `sample`."""
        self._check_fitted()
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n <= 0:
            raise ParameterError(f"{n!r} entities were asked for", remedy="ask for a whole number above zero")
        check_seed(seed)
        asked = dict(given or {})
        for name, limit in ((LENGTH, length), (SPAN, span)):
            if limit is not None:
                self.check_limit(name)
                asked[name] = limit
        conditions = self.static_.check(asked, self.steps_.table.schema.names)
        return self._batches(int(n), conditions, seed, batch_rows)

    @property
    def limits(self) -> Schema:
        """What `length` and `span` are conditions on: columns of the table of entities."""
        whole = self.static_.codec.schema
        return whole.select(name for name in (LENGTH, SPAN) if name in whole)

    def check_limit(self, name: str) -> None:
        """Refuse a condition on `LENGTH` or `SPAN` where it can mean nothing.

        Raises
        ------
        ConditionError, ParameterError
        """
        if name not in self.limits:
            raise ParameterError("a span was asked for, but the sequences have no time", remedy="ask for a length")
        column = self.limits[name]
        if column.kind is Kind.CONSTANT and column.levels is not None:
            raise ConditionError(
                f"every sequence has {'a length' if name == LENGTH else 'a span'} of {column.levels[0]}",
                remedy="leave the condition out",
            )

    def _batches(
        self, n: int, conditions: Mapping[str, Condition], seed: int | None, batch_rows: int
    ) -> Iterator[pd.DataFrame]:
        rng = np.random.default_rng(seed)
        usual = self.training_.rows / max(1, self.training_.entities or 1)
        many = max(FEWEST_ENTITIES, int(batch_rows / usual))
        done = tried = rows = 0
        while done < n:
            static = self.static_.sample(min(many, n - done if SPAN not in conditions else many), conditions, rng)
            tried += len(static)
            lengths = static[LENGTH].to_numpy(np.int64)
            codes, numbers = self._draw_in_parts(static, lengths, rng)
            kept = self._keep(numbers, lengths, conditions, n - done)
            static = self.static_.renew(static[kept], rng, first=done)  # so that keys differ from batch to batch
            lengths, entity = lengths[kept], np.repeat(kept, lengths)
            keys = fresh_keys(self.schema_, np.repeat(np.arange(len(static)), lengths), rng, first=done)
            frame = self._join(static, codes[entity], numbers[entity], lengths, keys, rng, first_row=rows)
            done, rows = done + len(static), rows + len(frame)
            check_met(done, tried, rows="sequences", remedy="widen the span")
            if len(frame):
                yield frame

    def _draw_in_parts(
        self, static: pd.DataFrame, lengths: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw the steps of entities, not too many steps at once."""
        digits, extent = self.static_.encode(static), self._extent(static)
        part = np.cumsum(lengths) // MOST_STEPS
        cuts = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(static)]
        drawn = [
            self._draw(digits[start:end], extent.pick(slice(start, end)), rng)
            for start, end in itertools.pairwise(cuts)
        ]
        return np.concatenate([codes for codes, _ in drawn]), np.concatenate([numbers for _, numbers in drawn])

    def _extent(self, static: pd.DataFrame) -> Extent:
        """Return how far entities go, times in the time column's own unit."""
        time, lengths = self.schema_.time, static[LENGTH].to_numpy(np.int64)
        if time is None:
            return Extent(lengths, np.zeros(len(static)), np.zeros(len(static)))
        starts, ends = (read_strictly(static[name], dataclasses.replace(time, name=name)) for name in (START, END))
        return Extent(lengths, starts, np.maximum(ends - starts, 0.0))

    def _keep(
        self, numbers: np.ndarray, lengths: np.ndarray, conditions: Mapping[str, Condition], most: int
    ) -> np.ndarray:
        """Return which entities to keep: those that last as long as was asked for, and no more than `most`."""
        kept = np.ones(len(lengths), bool)
        time = self.schema_.time
        if SPAN in conditions and time is not None:
            from synthx.codec.conditions import in_numbers, meets
            from synthx.codec.sequence.long import span_in_units

            ends = np.cumsum(lengths)
            lasted = span_in_units(numbers[ends - 1, 0] - numbers[ends - lengths, 0], time)
            column = self.static_.codec.schema[SPAN]
            kept = np.asarray(meets(pd.Series(lasted), in_numbers(conditions[SPAN], column), column))
        return kept & (np.cumsum(kept) <= most)

    def _join(
        self,
        static: pd.DataFrame,
        codes: np.ndarray,
        numbers: np.ndarray,
        lengths: np.ndarray,
        keys: Mapping[str, pd.Series[Any]],
        rng: np.random.Generator,
        *,
        first_row: int = 0,
    ) -> pd.DataFrame:
        """Return the long table of drawn steps; `first_row` counts the rows made before."""
        named = {name: numbers[:, place] for place, name in enumerate(self.steps_.numbers)}
        coded = Coded(codes, np.full(codes.shape, 0.5))
        steps = self.steps_.table.decode(coded, rng, numbers=named, first_row=first_row)
        return join_long(self.schema_, static, steps, lengths, keys)

    # -- files --------------------------------------------------------------------------------------------------

    def _to_parts(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        parts, tensors = self._weights()
        static, of_static = self.static_.to_parts()
        shared = {
            **self._shared_parts(),
            "schema": self.schema_.to_dict(),
            "steps": self.steps_.to_dict(),
            "static": static,
        }
        named = {**named_for("static", of_static), **named_for("own", tensors)}
        return {**shared, "own": parts}, {name: tensor.cpu() for name, tensor in named.items()}

    @classmethod
    def _from_parts(cls, parts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        from synthx.models.sequences.static import StaticModel

        model = cls._from_shared(parts)
        model.schema_ = Schema.from_dict(parts["schema"])
        model.steps_ = StepCodec.from_dict(parts["steps"])
        model.static_ = StaticModel.from_parts(parts["static"], of_owner("static", tensors))
        model._restore(parts["own"], of_owner("own", tensors), pick_device("auto"))
        return model
