"""What `synthx sample` draws: batches of rows, or of sequences."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from synthx.errors import ConditionError, ParameterError, UnsupportedError

if TYPE_CHECKING:
    import pandas as pd

    from synthx.models.base import Synthesizer
    from synthx.models.sequential import SequenceSynthesizer

__all__ = ["Drawing"]

Batches = Iterator[tuple[int, list["pd.DataFrame"]]]
"""How many rows or entities a batch has, and its frames, one for each output."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drawing:
    """What was asked for on the command line.

    Parameters
    ----------
    n : int
        Rows; of sequences: entities.
    conditions, shares : dict
        What `--given` and `--rebalance` say.
    length, span : str, optional
        Limits of sequences, as they were written.
    seed : int, optional
    apart : bool
        Whether static columns have an output of their own.
    chunk_rows : int, optional
        Rows a batch; the rows themselves do not depend on it.
    """

    n: int
    conditions: dict[str, Any]
    shares: dict[str, Any]
    length: str | None = None
    span: str | None = None
    seed: int | None = None
    apart: bool = False
    chunk_rows: int | None = None

    def batches(self, model: Synthesizer, *, done: int = 0, parts: int = 0) -> Batches:
        """Yield batches; the first `done` rows or entities, which were `parts` batches, are left out."""
        from synthx.models.sequential import SequenceSynthesizer

        if isinstance(model, SequenceSynthesizer):
            return itertools.islice(self._entities(model), parts, None)
        return self._rows(model, done)

    def _rows(self, model: Synthesizer, done: int) -> Batches:
        from synthx.models.tabular import TableSynthesizer

        if self.apart or self.length is not None or self.span is not None:
            raise ParameterError(
                f"the model {model.name!r} writes single rows, so --static, --length and --span mean nothing",
                remedy="leave them out",
            )
        asked: dict[str, Any] = {"given": self.conditions or None, "seed": self.seed}
        if self.chunk_rows is not None:
            asked["batch_rows"] = self.chunk_rows
        if done:
            asked["start"] = done
        if self.shares:
            if not isinstance(model, TableSynthesizer):
                raise UnsupportedError(
                    f"the model {model.name!r} cannot rebalance", remedy="use a model of tables, such as ar or gan"
                )
            asked["rebalance"] = self.shares
        for frame in model.sample_batches(self.n, **asked):
            yield len(frame), [frame]

    def _entities(self, model: SequenceSynthesizer) -> Batches:
        from synthx.codec.sequence.long import LENGTH, SPAN

        if self.shares:
            raise UnsupportedError(
                f"the model {model.name!r} writes sequences, and --rebalance is for single rows",
                remedy="draw each group by --given",
            )
        with _named_by_options({LENGTH: "--length", SPAN: "--span"}):
            yield from self._limited(model, {"length": (LENGTH, self.length), "span": (SPAN, self.span)})

    def _limited(self, model: SequenceSynthesizer, asked: dict[str, tuple[str, str | None]]) -> Batches:
        """Yield batches of entities within limits: what `sample` calls them, their columns, and what was written."""
        from synthx.condition import parse_given
        from synthx.entities import Entities
        from synthx.long_tables import split_static

        schema = model.schema_
        limits: dict[str, Any] = {}
        for name, (column, text) in asked.items():
            if text is not None:
                model.check_limit(column)
                limits[name] = parse_given([f"{column}={text}"], model.limits)[column]
        if self.apart and not schema.static:
            raise ParameterError("--static is given, but no column is static", remedy="leave it out")
        for frame in model.sample_batches(self.n, given=self.conditions or None, seed=self.seed, **limits):
            frames = list(split_static(frame, schema)) if self.apart else [frame]
            yield len(Entities.of(frame, schema.entity)), frames


@contextmanager
def _named_by_options(options: dict[str, str]) -> Iterator[None]:
    """Name options, where an error names the columns that the model keeps their values in."""
    try:
        yield
    except ConditionError as error:
        problem = error.problem
        for column, option in options.items():
            problem = problem.replace(f"column {column!r}", option)
        raise ConditionError(problem, remedy=error.remedy) from None
