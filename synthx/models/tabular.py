"""What all generators of single tables share: coding, conditions, batches, files, refusals.

To add a table model, write a file beside `gan.py` with a subclass of `TableSynthesizer` (its methods `_learn` and
`_sampler` see codes only; `_weights` and `_restore` say what a file holds of it) and name it in `registry.py`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import pandas as pd

from synthx._batches import regrouped
from synthx.codec.conditions import Resolved, resolve
from synthx.codec.table import Coded, TableCodec
from synthx.condition import Window, as_conditions
from synthx.connectors.frames import from_frame
from synthx.errors import DataError, ParameterError, PrivacyError, UnsupportedError
from synthx.models.base import BATCH_ROWS, Refined, Synthesizer, Training
from synthx.models.conditions import check_met, confine
from synthx.models.parameters import check_privacy, check_seed
from synthx.models.parts import named_for, of_owner
from synthx.models.rebalancing import groups_of, rebalanced, with_keys
from synthx.models.safeguards import all_or_nothing, memory_named, seeded
from synthx.schema import Schema
from synthx.training import Budget, Progress, ProgressEvent, Stopped, flushed_denormals, pick_device

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from synthx.models.private.budget import GradientPlan
    from synthx.models.private.fit import PrivateFit
    from synthx.models.refining.refinement import Clip, Refinement
    from synthx_privacy.privacy import Privacy

__all__ = ["Sampler", "TableSynthesizer"]

REFINING_SHARE = 0.3
"""Of the time budget, what is kept for refinement where it is asked for."""


LEAST = {"seed": 0, "rare_threshold": 1, "batch_size": 1}
"""Settings that are whole numbers, and the least they may be."""


class Sampler(Protocol):
    """What draws coded rows."""

    device: torch.device

    def draw(self, rows: int, windows: Mapping[int, Window], generator: torch.Generator) -> Tensor:
        """Return codes, shape (rows, columns), that lie in the windows (by column index)."""


class TableSynthesizer(Synthesizer):
    """What all generators of single tables share: coding, conditions, batches, files.

    A subclass learns codes in `_learn`, and its `_sampler` draws them; it never sees a cell. It has at least the
    settings named here.
    """

    max_minutes: float | None
    seed: int
    device: str
    rare_threshold: int
    batch_size: int
    learning_rate: float
    refine: bool
    privacy: Privacy | None = None

    codec_: TableCodec
    refinement_: Refinement | None = None

    @abstractmethod
    def _learn(
        self, coded: Coded, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        """Learn coded rows on a device; return what ended training and the steps taken.

        torch's generators are seeded, and restored after it.
        """

    @abstractmethod
    def _sampler(self) -> Sampler:
        """Return what draws coded rows as was learned."""

    @abstractmethod
    def _weights(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what was learned beside the codec: JSON values by name, and tensors by name."""

    @abstractmethod
    def _restore(self, parts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Take back, on a device, what `_weights` gave; settings, schema and codec are in place."""

    # -- learning -----------------------------------------------------------------------------------------------

    def fit(
        self,
        frame: pd.DataFrame,
        schema: Schema | None = None,
        *,
        progress: Progress | None = None,
        codec: TableCodec | None = None,
    ) -> Self:
        """Learn a table.

        Parameters
        ----------
        frame : DataFrame, shape (rows, columns)
            Of pandas, Polars, Arrow or another library that narwhals knows.
        schema : Schema, optional
            What each column is; detected if None.
        progress : callable, optional
            Is told how far the fit has come.
        codec : TableCodec, optional
            Made beforehand, where codes are not to follow this table's own frequencies; its schema is the table's. A
            private fit makes its own.

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
        frame = from_frame(frame, asked_by="fit")
        if self.privacy is not None:
            return self._fit_privately(frame, schema, budget, progress)
        learning = Budget(self.max_minutes, reserve=REFINING_SHARE) if self.refine else budget
        self.check_rows(len(frame))
        with all_or_nothing(self), memory_named(self):
            if progress is not None:
                progress(ProgressEvent("coding the table", 0.0, f"{len(frame):,} rows", budget.seconds))
            if codec is None:
                schema = Schema.detect(frame) if schema is None else schema
                codec = TableCodec.fit(frame, schema, rare_threshold=self.rare_threshold)
            schema = codec.schema
            if not codec.columns:
                kinds = ", ".join(f"{column.name!r} is {column.kind.value}" for column in list(schema)[:4])
                raise DataError(
                    f"the table has no column to learn ({kinds})",
                    remedy="change a column's kind in the schema if it should be",
                )
            coded = codec.encode(frame)
            self.schema_, self.codec_, self.refinement_ = schema, codec, None
            device = pick_device(self.device)
            with seeded(self.seed, device), flushed_denormals():
                stopped, steps = self._learn(coded, device, learning, progress)
                refined = None
                if self.refine and stopped != "interrupted":
                    stopped, refined = self._refine(coded, stopped, budget, progress)
        self.training_ = Training(
            rows=len(frame),
            columns=len(schema),
            steps=steps,
            stopped=stopped,
            device=device.type,
            seconds=round(budget.seconds, 1),
            refined=refined,
        )
        return self

    def check_rows(self, rows: int) -> None:
        """Refuse a table of so few rows that nothing of it would be kept.

        Raises
        ------
        DataError
        """
        least = self.rare_threshold
        if rows < max(2, least):
            raise DataError(
                f"the table has {rows} row{'' if rows == 1 else 's'}, and nothing that fewer than {least} rows share is"
                " kept",
                remedy="give more rows (below about 200 expect little), or, in Python, lower rare_threshold",
            )

    def _fit_privately(
        self, frame: pd.DataFrame, schema: Schema | None, budget: Budget, progress: Progress | None
    ) -> Self:
        """Learn a table with differential privacy; nothing reads a cell but what the ledger books."""
        from synthx.models.private.fit import begin, check_given
        from synthx.models.private.units import ledger_for

        def stage(name: str) -> None:
            if progress is not None:
                progress(ProgressEvent(name, 0.0, "", budget.seconds))

        assert self.privacy is not None
        schema = check_given(frame, schema, self.privacy)
        self.ledger_ = ledger_for(frame, self.privacy)  # stays with the model if the fit fails: what is spent is spent
        with all_or_nothing(self), memory_named(self):
            fit = begin(
                frame, schema, self.privacy, ledger=self.ledger_, name=self.name, plan=self._gradient_plan, stage=stage
            )
            self.schema_, self.codec_, self.refinement_ = fit.schema, fit.table.codec, None
            device = pick_device(self.device)
            with seeded(self.seed, device), flushed_denormals():
                stopped, steps = self._learn_privately(fit, device, budget, progress)
        self.training_ = Training(
            rows=round(fit.rows),
            columns=len(schema),
            steps=steps,
            stopped=stopped,
            device=device.type,
            seconds=round(budget.seconds, 1),
            private=True,
        )
        return self

    def _gradient_plan(self, rows: float) -> GradientPlan | None:
        """Return how a private fit is to learn from about so many real rows by gradient descent; None if it is not."""
        return None

    def _learn_privately(
        self, fit: PrivateFit, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        """Learn from what a private fit has bought, and from real rows as far as its account pays; as `_learn`.

        The codec is made. Rows of `fit.imagined` may be used as one likes; `fit.table.codes` only through
        `descend_on_real_rows`.
        """
        raise UnsupportedError(
            f"the model {self.name!r} cannot be fitted with differential privacy", remedy="use TabularMST"
        )

    def _refine(
        self, coded: Coded, stopped: Stopped, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, Refined | None]:
        """Learn which drawn rows to accept; return what ended training, and how it went."""
        from synthx.models.refining.refinement import learn_refinement

        def stop(fraction: float) -> bool:
            if progress is not None:
                progress(ProgressEvent("refinement", fraction, "", budget.seconds))
            return budget.share_used() >= 1

        rng = np.random.default_rng([self.seed, 2])
        try:
            self.refinement_, refined = learn_refinement(
                self.codec_, coded, lambda rows: self._draw_many(rows, rng), seed=self.seed, stop=stop
            )
        except KeyboardInterrupt:
            return "interrupted", None
        return stopped, refined

    def _draw_many(self, rows: int, rng: np.random.Generator) -> Coded:
        sizes = [min(BATCH_ROWS, rows - start) for start in range(0, rows, BATCH_ROWS)]
        parts = [self._draw_coded(size, {}, rng) for size in sizes]
        codes = np.concatenate([part.codes.astype(np.int32) for part in parts])
        return Coded(codes, np.concatenate([part.offsets.astype(np.float32) for part in parts]))

    @property
    def _target(self) -> int | None:
        """The index of the target among the coded columns, where it is one."""
        target = self.schema_.target
        if target is None or target.name not in self.codec_.columns:
            return None
        return self.codec_.domain.index(target.name)

    def _check_parameters(self) -> None:
        for name, value in self.get_params().items():
            if isinstance(value, np.generic):  # JSON, where settings are kept, knows plain numbers only
                setattr(self, name, value.item())
        self._check_whole_settings(LEAST)
        if not 0 < self.learning_rate < 1:
            raise ParameterError(f"learning_rate is {self.learning_rate!r}", remedy="give a number between 0 and 1")
        if not isinstance(self.refine, bool):
            raise ParameterError(f"refine is {self.refine!r}", remedy="give True or False")
        check_privacy(self.privacy)
        if self.refine and self.privacy is not None:
            raise PrivacyError(
                "refine is asked for beside privacy, and it compares drawn rows with real ones without noise",
                remedy="leave one of the two out",
            )
        pick_device(self.device)

    # -- drawing ------------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int,
        *,
        given: Mapping[str, Any] | None = None,
        rebalance: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> pd.DataFrame:
        """Draw new rows.

        Parameters
        ----------
        n, given, seed
            See `Synthesizer.sample`.
        rebalance : mapping, optional
            Shares of the levels of discrete columns, kept to the row: column -> ``"equal"``, or shares by level that
            add up to 1. Columns are crossed; the others are drawn as the model draws them for each combination.

        Raises
        ------
        ConditionError, ParameterError, NotFittedError
            See `Synthesizer.sample` and `synthx.models.rebalancing.groups_of`.
        """
        batches = self.sample_batches(n, given=given, rebalance=rebalance, seed=seed)
        return pd.concat(batches, ignore_index=True)

    def sample_batches(
        self,
        n: int,
        *,
        given: Mapping[str, Any] | None = None,
        rebalance: Mapping[str, Any] | None = None,
        seed: int | None = None,
        batch_rows: int = BATCH_ROWS,
        start: int = 0,
    ) -> Iterator[pd.DataFrame]:
        """Yield frames of `batch_rows` rows that together have `n` new rows; see `sample`.

        Rows are drawn in blocks of a fixed size, each with a seed of its own, so they do not depend on `batch_rows`,
        and the first `start` of them can be left out without drawing them.
        """
        self._check_fitted()
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n <= 0:
            raise ParameterError(f"{n!r} rows were asked for", remedy="ask for a whole number of rows above zero")
        check_seed(seed)
        conditions = as_conditions(given or {}, self.schema_)
        if rebalance is None:
            blocks = self._blocks(int(n), resolve(conditions, self.codec_), seed, BATCH_ROWS, start)
        else:
            groups = groups_of(rebalance, conditions, self.codec_)
            blocks = rebalanced(int(n), groups, self._blocks, self.codec_, seed=seed, start=start)
        return blocks if batch_rows == BATCH_ROWS and not start else regrouped(blocks, batch_rows)

    def _blocks(
        self, n: int, resolved: Resolved, seed: int | None, block_rows: int, start: int
    ) -> Iterator[pd.DataFrame]:
        """Yield `n` rows in blocks of `block_rows`, without the first `start` rows; block i depends on (seed, i)."""
        seeds = np.random.SeedSequence(seed)
        clip = self._clip(resolved.windows, seeds) if self.refinement_ is not None else None
        spawned = seeds.n_children_spawned  # the clip may have taken one
        for block in range(start // block_rows, math.ceil(n / block_rows)):
            first = block * block_rows
            own = np.random.SeedSequence(seeds.entropy, spawn_key=(spawned + block,))
            frame = self._block(min(block_rows, n - first), resolved, clip, own, block_rows, first)
            yield frame if start <= first else frame.iloc[start - first :].reset_index(drop=True)

    def _block(
        self, n: int, resolved: Resolved, clip: Clip | None, seeds: np.random.SeedSequence, most: int, first: int
    ) -> pd.DataFrame:
        """Return `n` rows, drawn `most` at a time; `first` rows were made before them."""
        share = None if resolved.leftover or resolved.rules else 1.0 if clip is None else clip.acceptance
        rng = np.random.default_rng(seeds)
        parts: list[pd.DataFrame] = []
        done = tried = 0
        while done < n:
            rng = rng if not parts else np.random.default_rng(seeds.spawn(1)[0])
            rows = _rows_to_draw(n - done, share, most)
            coded = self._draw_coded(rows, resolved.windows, rng)
            tried += rows
            if self.refinement_ is not None and clip is not None:
                coded = self.refinement_.accept(coded, clip, rng)
            frame = self.codec_.decode(coded, rng, conditions=resolved.conditions, first_row=first)
            parts.append(resolved.keep(frame, self.schema_).iloc[: n - done])
            done += len(parts[-1])
            if done < n:
                remedy = "widen them: columns that depend on each other are drawn again until they agree"
                check_met(done, tried, rows="rows", remedy=remedy)
        if share == 1.0:
            return parts[0]
        return with_keys(pd.concat(parts, ignore_index=True), self.codec_, rng, first=first)

    def _clip(self, windows: Mapping[int, Window], seeds: np.random.SeedSequence) -> Clip:
        """Return the clip of the whole table, or one that suits the rows that meet a condition."""
        from synthx.models.refining.refinement import PILOT_ROWS

        assert self.refinement_ is not None
        if not windows:
            return self.refinement_.clip
        pilot = self._draw_coded(PILOT_ROWS, windows, np.random.default_rng(seeds.spawn(1)[0]))
        return self.refinement_.clip_for(pilot)

    def _draw_coded(self, rows: int, windows: Mapping[int, Window], rng: np.random.Generator) -> Coded:
        codes = self._draw(rows, windows, int(rng.integers(2**62)))
        return Coded(codes, confine(rng.random(codes.shape), codes, windows))

    def _draw(self, rows: int, windows: Mapping[int, Window], seed: int) -> np.ndarray:
        """Return codes, shape (rows, columns), that lie in the windows (by column index)."""
        import torch

        sampler = self._sampler()
        generator = torch.Generator(sampler.device).manual_seed(seed)
        codes: np.ndarray = sampler.draw(rows, windows, generator).cpu().numpy()
        return codes

    # -- files --------------------------------------------------------------------------------------------------

    def _to_parts(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        parts, tensors = self._weights()
        if self.refinement_ is not None:
            values, more = self.refinement_.to_parts()
            parts = {**parts, "refinement": values}
            tensors = {**tensors, **named_for("refinement", more)}
        parts = {**self._shared_parts(), "codec": self.codec_.to_dict(), **parts}
        return parts, {name: tensor.cpu() for name, tensor in tensors.items()}

    @classmethod
    def _from_parts(cls, parts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        model = cls._from_shared(parts)
        model.codec_ = TableCodec.from_dict(parts["codec"])
        model.schema_ = model.codec_.schema
        if "refinement" in parts:
            from synthx.models.refining.refinement import Refinement

            model.refinement_ = Refinement.from_parts(parts["refinement"], of_owner("refinement", tensors))
        weights = {name: value for name, value in tensors.items() if not name.startswith("refinement.")}
        model._restore(parts, weights, pick_device("auto"))
        return model


def _rows_to_draw(missing: int, share: float | None, batch_rows: int) -> int:
    """Return how many rows to draw next where `missing` are still to come and a share of the drawn is kept."""
    if share is None:
        return batch_rows
    return min(batch_rows, missing if share == 1 else math.ceil(1.05 * missing / share) + 16)
