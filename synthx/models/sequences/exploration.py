"""What a model of sequences can do with given ones: place them, walk between them, go on with them, fill them."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from synthx.codec.cells import read_strictly
from synthx.codec.keys import fresh_keys
from synthx.codec.sequence.long import END, LENGTH, SPAN, LongTable, step_schema
from synthx.errors import DataError, ParameterError
from synthx.models.latents.paths import arc
from synthx.models.latents.prior import Prior
from synthx.models.parameters import check_seed, check_whole
from synthx.models.sequences.batches import Sequences
from synthx.models.sequences.completion import continue_steps, fill_steps, without_missing
from synthx.models.sequences.drawing import SequenceSampler
from synthx.models.sequences.under_way import Chance
from synthx.models.sequential import CodedEntities, SequenceSynthesizer
from synthx.schema import Kind

__all__ = ["Explorable"]

FILLED_TOGETHER = 256
"""Sequences that are filled side by side."""


class Explorable(SequenceSynthesizer):
    """A model of sequences with a latent space in which entities have places.

    The places are standard normal: entities like those of the training table have mean zero and variance one in every
    dimension, up to what the encoder leaves open.
    """

    latent: int
    prior_: Prior

    @abstractmethod
    def _sampler(self) -> SequenceSampler:
        """Return what draws the steps of sequences."""

    @abstractmethod
    def _on_device(self, coded: CodedEntities, device: torch.device) -> Sequences:
        """Return coded sequences as the network reads them."""

    @abstractmethod
    def _places(self, sequences: Sequences, known: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the mean and the standard deviation of the latent vectors of sequences; (n, latent) each."""

    # -- places -------------------------------------------------------------------------------------------------

    def encode(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the place of each entity in the latent space.

        Parameters
        ----------
        frame : DataFrame, shape (steps, columns)
            With the columns of the training table.

        Returns
        -------
        float32 array, shape (entities, latent)
            In the order in which the entities first occur.

        Raises
        ------
        DataError
            If a column is missing or unknown, or a cell is one that the model cannot know.
        NotFittedError
            Before `fit`.
        """
        self._check_fitted()
        coded = self._code(self._read(frame))
        sampler = self._sampler()
        latent, _ = self._places(self._on_device(coded, sampler.device))
        places: np.ndarray = self._noise(latent, coded.static.to(sampler.device)).cpu().numpy()
        return places

    def decode(
        self, latent: np.ndarray, *, given: Mapping[str, Any] | None = None, seed: int | None = None
    ) -> pd.DataFrame:
        """Draw an entity with its sequence for each place in the latent space.

        Parameters
        ----------
        latent : array, shape (entities, latent)
            As `encode` returns them, or standard normal numbers for new entities.
        given : mapping, optional
            What every entity must satisfy, on static columns; see `sample`.
        seed : int, optional
            The same seed draws the same sequences on a CPU. A place leaves something open, so seeds differ.

        Returns
        -------
        DataFrame, shape (steps, columns)

        Raises
        ------
        ParameterError
            If `latent` has another shape, or holds something that is no finite number.
        """
        self._check_fitted()
        check_seed(seed)
        places = np.asarray(latent, np.float32)
        if places.ndim != 2 or places.shape[1] != self.latent or not np.isfinite(places).all() or not len(places):
            raise ParameterError(
                f"latent has shape {places.shape}", remedy=f"give finite numbers of shape (entities, {self.latent})"
            )
        rng = np.random.default_rng(seed)
        conditions = self.static_.check(dict(given or {}), self.steps_.table.schema.names)
        return self._compose(self.static_.sample(len(places), conditions, rng), torch.from_numpy(places), rng)

    def interpolate(self, frame: pd.DataFrame, steps: int = 7, *, seed: int | None = None) -> pd.DataFrame:
        """Return new entities on the way from one entity to another.

        All are drawn by the same random numbers, so that they differ by their place in the latent space and by their
        static columns, which are those of the nearer end.

        Parameters
        ----------
        frame : DataFrame, shape (rows, columns)
            The sequences of two entities.
        steps : int
            How many entities, one at each end included.
        seed : int, optional
            The same seed takes the same way on a CPU.

        Returns
        -------
        DataFrame, shape (rows, columns)
            With fresh keys, in order along the way.

        Raises
        ------
        DataError
            If there are not two entities, or they do not fit the model.
        ParameterError
            If `steps` is below 2.
        """
        self._check_fitted()
        check_whole("steps", steps, 2)
        check_seed(seed)
        long = self._read(frame)
        if len(long.entities) != 2:
            raise DataError(f"the table has {len(long.entities)} entities", remedy="give the rows of two")
        ends = self.encode(frame)
        share = np.linspace(0, 1, steps)
        path = torch.from_numpy(arc(ends[0], ends[1], share).astype(np.float32))
        static = long.static.iloc[(share > 0.5).astype(int)].reset_index(drop=True)
        rng = np.random.default_rng(seed)
        return self._compose(self.static_.renew(static, rng), path, rng, alike=True)

    def _read(self, frame: pd.DataFrame) -> LongTable:
        if not len(frame):
            raise DataError("the table has no rows", remedy="give the rows of one entity or more")
        return LongTable.of(frame, self.schema_)

    def _noise(self, latent: Tensor, static: Tensor) -> Tensor:
        """Return the noise that latent vectors come from, given static columns."""
        context = self.prior_.context(static, torch.ones_like(static, dtype=torch.bool))
        return self.prior_.flow(latent, context, backwards=True)

    def _latent(self, noise: Tensor, static: Tensor) -> Tensor:
        """Return the latent vectors that noise leads to, given static columns."""
        context = self.prior_.context(static, torch.ones_like(static, dtype=torch.bool))
        return self.prior_.flow(noise, context)

    def _chance(self, rng: np.random.Generator, device: torch.device, *, alike: bool = False) -> Chance:
        return Chance(torch.Generator(device).manual_seed(int(rng.integers(2**62))), rng, alike=alike)

    def _compose(
        self, static: pd.DataFrame, noise: Tensor, rng: np.random.Generator, *, alike: bool = False
    ) -> pd.DataFrame:
        """Draw the sequences of entities with given static columns and noise."""
        sampler = self._sampler()
        digits, lengths = self.static_.encode(static).to(sampler.device), static[LENGTH].to_numpy(np.int64)
        latent = self._latent(noise.to(sampler.device), digits)
        chance = self._chance(rng, sampler.device, alike=alike)
        codes, numbers = sampler.draw(digits, latent, self._extent(static), chance)
        keys = fresh_keys(self.schema_, np.repeat(np.arange(len(static)), lengths), rng)
        return self._join(static, codes, numbers, lengths, keys, rng)

    # -- given steps --------------------------------------------------------------------------------------------

    def continue_from(self, frame: pd.DataFrame, steps: int, *, seed: int | None = None) -> pd.DataFrame:
        """Go on with given histories.

        How long each would go on in all is drawn, given its static columns, as for new entities; it is at least as long
        as what is asked for.

        Parameters
        ----------
        frame : DataFrame, shape (rows, columns)
            The steps so far of some entities.
        steps : int
            How many steps to add to each.
        seed : int, optional
            The same seed goes on alike on a CPU.

        Returns
        -------
        DataFrame, shape (entities * steps, columns)
            The new steps only, with the keys and static columns of their entities.

        Raises
        ------
        DataError
            If the frame does not fit the model.
        ParameterError
            If `steps` is not a positive whole number.
        NotFittedError
            Before `fit`.
        """
        self._check_fitted()
        check_whole("steps", steps, 1)
        check_seed(seed)
        rng = np.random.default_rng(seed)
        long = self._read(frame)
        static = self._reaching(long, steps, rng)
        extent = self._extent(static)
        coded = self._code(long)._replace(static=self.static_.encode(static), totals=extent.lengths, spans=extent.spans)
        sampler = self._sampler()
        mean, deviation = self._places(self._on_device(coded, sampler.device))
        chance = self._chance(rng, sampler.device)
        latent = mean + deviation * torch.randn(mean.shape, generator=chance.generator, device=sampler.device)
        turns = coded.steps.turns[coded.starts]
        begun = sampler.begin(coded.static.to(sampler.device), latent, extent, chance, turns)
        codes, numbers = continue_steps(sampler, begun, coded.steps, long.lengths, steps, chance)
        added = np.full(len(static), steps)
        which = np.repeat(np.arange(len(static)), steps)
        keys = {name: long.entities.keys[name].iloc[which].reset_index(drop=True) for name in self.schema_.entity}
        return self._join(long.static, codes, numbers, added, keys, rng, first_row=len(frame))

    def _reaching(self, long: LongTable, more: int, rng: np.random.Generator) -> pd.DataFrame:
        """Return the static columns with a length and a span that leave room for `more` steps."""
        static = drawn = long.static.copy()
        if self.static_.model is not None:
            open_ended = [name for name in (LENGTH, END, SPAN) if name in static]
            drawn = static.astype(dict.fromkeys(open_ended, object))
            drawn.loc[:, open_ended] = None
            drawn = self.static_.model.impute(drawn, seed=int(rng.integers(2**32)))
        schema = self.static_.codec.schema
        for name in (LENGTH, END):
            if name in static:
                column = schema[name]  # what all sequences share is known, and nothing is drawn
                whole = drawn[name] if column.levels is None else pd.Series(column.levels * len(static))
                column = dataclasses.replace(column, kind=self._kind_of(name))
                later = read_strictly(whole, column) > read_strictly(static[name], column)
                static[name] = static[name].where(~later, whole)
        static[LENGTH] = np.maximum(static[LENGTH], long.lengths + more).astype(np.int64)
        return static

    def _kind_of(self, limit: str) -> Kind:
        """Return what the cells of `LENGTH` or `END` mean, even where all are the same."""
        time = self.schema_.time
        return Kind.INTEGER if limit == LENGTH or time is None else time.kind

    def impute(self, frame: pd.DataFrame, columns: list[str] | None = None, *, seed: int | None = None) -> pd.DataFrame:
        """Fill missing cells within sequences by draws from what is likely, given the cells before and after them.

        Parameters
        ----------
        frame : DataFrame, shape (rows, columns)
            Sequences with missing cells; times and static columns must be as the model knows them.
        columns : list of str, optional
            Whose missing cells to fill; by default all that change from step to step and are learned.
        seed : int, optional
            The same seed fills alike on a CPU.

        Returns
        -------
        DataFrame, shape (rows, columns)
            With the rows' order and index; cells that were filled before are never changed. A column that is missing
            in every training row stays so.

        Raises
        ------
        DataError
            If a column is none that can be filled, or the frame does not fit the model.
        NotFittedError
            Before `fit`.
        """
        self._check_fitted()
        check_seed(seed)
        schema = step_schema(self.schema_)
        wanted = [name for name in schema.names if schema[name].kind.is_modelled] if columns is None else columns
        for name in wanted:
            if name not in schema or not schema[name].kind.is_modelled:
                raise DataError(
                    f"column {name!r} is none that is learned from step to step",
                    remedy=f"choose from {', '.join(repr(name) for name in self.steps_.names)}",
                )
        rng = np.random.default_rng(seed)
        long = self._read(frame)
        filled = pd.concat(
            [self._fill(long, part, wanted, rng) for part in _parts(len(long.entities))], ignore_index=True
        )
        result = frame.copy()
        for name in wanted:
            back = pd.Series(
                filled[name].to_numpy()[np.argsort(long.rows)], index=frame.index, dtype=filled[name].dtype
            )
            result[name] = frame[name].where(frame[name].notna(), back)
        return result

    def _fill(self, long: LongTable, part: np.ndarray, wanted: list[str], rng: np.random.Generator) -> pd.DataFrame:
        """Return the steps of some entities with their missing cells filled."""
        some = long.pick(part)
        missing = some.steps[list(self.steps_.names)].isna().to_numpy()
        some = dataclasses.replace(some, steps=without_missing(some.steps, self.steps_.table))
        coded = self._code(some)
        sources = {source for name in wanted for source in self.steps_.table.structure.sources_of(name)}
        stays = np.array(self.steps_.missing, bool) & ~np.isin(self.steps_.names, sorted(sources))
        known = ~missing | stays
        sampler = self._sampler()
        owners = list(sampler.digits.column)
        shown = torch.from_numpy(known[:, owners]).to(sampler.device)
        mean, deviation = self._places(self._on_device(coded, sampler.device), shown)
        chance = self._chance(rng, sampler.device)
        latent = mean + deviation * torch.randn(mean.shape, generator=chance.generator, device=sampler.device)
        extent, turns = self._extent(some.static), coded.steps.turns[coded.starts]
        begun = sampler.begin(coded.static.to(sampler.device), latent, extent, chance, turns)
        codes, numbers = fill_steps(sampler, begun, coded.steps, known, some.lengths, chance)
        which = np.repeat(np.arange(len(part)), some.lengths)
        keys = {name: some.entities.keys[name].iloc[which].reset_index(drop=True) for name in self.schema_.entity}
        return self._join(some.static, codes, numbers, some.lengths, keys, rng)


def _parts(count: int) -> list[np.ndarray]:
    return np.split(np.arange(count), range(FILLED_TOGETHER, count, FILLED_TOGETHER))
