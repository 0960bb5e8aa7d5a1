"""Walking the latent space of a table model: places of rows, rows of places, paths, neighbours.

All of it moves the noise that rows come from (`latent_drawing.py`): standard normal numbers for the place in the latent
space, for what the decoder leaves open, and for the place inside a bin. Paths keep to the sphere on which normal noise
lies, so rows on the way are as plausible as any.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.special import ndtr, ndtri

from synthx.codec.conditions import Resolved, resolve
from synthx.codec.numeric import NumericCodec
from synthx.codec.table import Coded, check_cells
from synthx.condition import as_conditions
from synthx.errors import ConditionError, DataError, ParameterError
from synthx.models.base import BATCH_ROWS
from synthx.models.latent_drawing import LatentSampler
from synthx.models.parameters import check_whole
from synthx.models.tabular import TableSynthesizer

__all__ = ["Explorable"]

Row = pd.DataFrame | pd.Series | Mapping[str, Any]

FEWEST_ACCEPTED, MOST_TRIED = 1e-3, 100_000
"""Conditions that are met by drawing again: the share of rows that must meet them, once so many were drawn."""


class Explorable(TableSynthesizer):
    """A table model with a latent space in which rows have places.

    The places are standard normal: rows of a table like the training table have mean zero and variance one in every
    dimension, up to what the encoder leaves open.
    """

    latent: int

    @abstractmethod
    def _sampler(self) -> LatentSampler:
        """Return what draws rows by way of the latent space."""

    # -- places and rows ----------------------------------------------------------------------------------------

    def encode(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the place of each row in the latent space.

        Parameters
        ----------
        rows : DataFrame, shape (rows, columns)
            With the columns of the training table; a rare level counts as "some rare level".

        Returns
        -------
        float32 array, shape (rows, latent)

        Raises
        ------
        DataError
            If a column is missing or unknown, or a cell is one that the model cannot know.
        NotFittedError
            Before `fit`.
        """
        coded, sampler = self._code(rows), self._sampler()
        places = [
            sampler.locate(sampler.digits.split(torch.from_numpy(codes)).to(sampler.device)).float().cpu().numpy()
            for codes in _chunks(coded.codes)
        ]
        return np.concatenate(places)

    def decode(self, latent: np.ndarray, *, seed: int | None = None) -> pd.DataFrame:
        """Draw one row for each place in the latent space.

        Parameters
        ----------
        latent : array, shape (rows, latent)
            As `encode` returns them, or standard normal numbers for new rows.
        seed : int, optional
            The same seed draws the same rows on a CPU. A place leaves something open, so seeds differ.

        Returns
        -------
        DataFrame, shape (rows, columns)

        Raises
        ------
        ParameterError
            If `latent` has another shape, or holds something that is no finite number.
        """
        self._check_fitted()
        places, rng = self._places(latent), _generator(seed)
        return self._compose(np.hstack([places, rng.standard_normal((len(places), self._open))]), rng)

    # -- paths --------------------------------------------------------------------------------------------------

    def interpolate(self, row_a: Row, row_b: Row, steps: int = 7, *, seed: int | None = None) -> pd.DataFrame:
        """Return rows on the way from one row to another.

        The ends are the given rows themselves, except for what the model does not keep: rare levels, extremes, digits
        below the precision of the column, identifiers and text.

        Parameters
        ----------
        row_a, row_b : DataFrame of one row, Series or mapping
            With the columns of the training table.
        steps : int
            How many rows, both ends included.
        seed : int, optional
            The same seed takes the same way on a CPU.

        Returns
        -------
        DataFrame, shape (steps, columns)

        Raises
        ------
        DataError
            If a row lacks a column, has another, or has a cell that the model cannot know.
        ParameterError
            If `steps` is below 2.
        """
        check_whole("steps", steps, 2)
        rng = _generator(seed)
        ends = self._decompose(pd.concat([_one_row(row_a), _one_row(row_b)], ignore_index=True), rng, centred=True)
        return self._compose(_arc(ends[0], ends[1], np.linspace(0, 1, steps)), rng)

    def traverse(
        self,
        row: Row,
        dimension: int,
        values: Sequence[float] | np.ndarray = (-3, -2, -1, 0, 1, 2, 3),
        *,
        seed: int | None = None,
    ) -> pd.DataFrame:
        """Return what a row would be if it lay elsewhere along one dimension of the latent space.

        Everything else that makes the row stays the same; at the row's own place the row itself comes back.

        Parameters
        ----------
        row : DataFrame of one row, Series or mapping
            With the columns of the training table.
        dimension : int
            From 0, which tells most about rows.
        values : sequence of float
            Places along the dimension, in standard deviations.
        seed : int, optional
            The same seed gives the same rows on a CPU.

        Returns
        -------
        DataFrame, shape (values, columns)

        Raises
        ------
        DataError
            If the row lacks a column, has another, or has a cell that the model cannot know.
        ParameterError
            If there is no such dimension, or a value is no finite number.
        """
        self._check_fitted()
        whole = isinstance(dimension, (int, np.integer)) and not isinstance(dimension, bool)
        if not whole or not 0 <= dimension < self.latent:
            raise ParameterError(
                f"dimension is {dimension!r}, and the latent space has {self.latent}",
                remedy=f"give a whole number from 0 to {self.latent - 1}",
            )
        along = np.asarray(values, np.float64)
        if along.ndim != 1 or len(along) == 0 or not np.isfinite(along).all():
            raise ParameterError(f"values is {values!r}", remedy="give a list of finite numbers, such as [-2, 0, 2]")
        rng = _generator(seed)
        noise = np.repeat(self._decompose(_one_row(row), rng, centred=True), len(along), axis=0)
        noise[:, dimension] = along
        return self._compose(noise, rng)

    def around(
        self,
        rows: pd.DataFrame,
        n: int,
        *,
        spread: float = 0.5,
        given: Mapping[str, Any] | None = None,
        seed: int | None = None,
    ) -> pd.DataFrame:
        """Draw new rows near chosen ones, to have more of their sort.

        The noise of each chosen row is mixed with new noise, so that their correlation is ``sqrt(1 - spread**2)``
        (preconditioned Crank-Nicolson; Cotter et al. 2013, doi:10.1214/13-STS421). If the chosen rows are a fair sample
        of the table, so are the new ones.

        Parameters
        ----------
        rows : DataFrame, shape (rows, columns)
            The chosen rows, with the columns of the training table; each is used about equally often.
        n : int
            How many new rows.
        spread : float
            Above 0 (the chosen rows again, so that small values tell who they are) up to 1 (rows of any sort).
        given : mapping, optional
            What every new row must satisfy, as in `sample`; the other cells follow it as far as their place allows.
        seed : int, optional
            The same seed draws the same rows on a CPU.

        Returns
        -------
        DataFrame, shape (n, columns)

        Raises
        ------
        DataError
            If a column is missing or unknown, or a cell is one that the model cannot know.
        ConditionError
            If no row can satisfy `given`.
        ParameterError
            If `n` or `spread` is out of range.
        """
        self._check_fitted()
        check_whole("n", int(n) if isinstance(n, np.integer) else n, 1)
        if isinstance(spread, bool) or not isinstance(spread, (int, float, np.number)) or not 0 < spread <= 1:
            raise ParameterError(f"spread is {spread!r}", remedy="give a number above 0, up to 1")
        resolved = resolve(as_conditions(given or {}, self.schema_), self.codec_)
        rng = _generator(seed)
        self._code(rows)
        kept: list[pd.DataFrame] = []
        done = tried = 0
        while done < n:
            if tried >= MOST_TRIED and done < tried * FEWEST_ACCEPTED:
                raise ConditionError(
                    f"only {done} of {tried:,} rows near the chosen ones met all conditions at once",
                    remedy="widen them, or choose other rows or a wider spread",
                )
            chosen = rng.permutation(np.arange(min(BATCH_ROWS, n - done)) + rng.integers(len(rows))) % len(rows)
            noise = self._decompose(rows.iloc[chosen], rng, centred=False)
            noise = np.sqrt(1 - spread**2) * noise + spread * rng.standard_normal(noise.shape)
            frame = resolved.keep(self._compose(noise, rng, resolved, first_row=tried), self.schema_)
            tried, done = tried + len(noise), done + len(frame)
            kept.append(frame)
        return pd.concat(kept, ignore_index=True)

    # -- noise to rows and back ---------------------------------------------------------------------------------

    @property
    def _open(self) -> int:
        """How many numbers beside its place make a row: one for each digit, one for each offset."""
        digits = self._sampler().digits
        return len(digits.sizes) + len(digits.column_sizes)

    def _decompose(self, rows: pd.DataFrame, rng: np.random.Generator, *, centred: bool) -> np.ndarray:
        """Return noise that `_compose` makes the rows of; shape (rows, latent + open).

        The place is the centre of where the encoder puts a row, or drawn around it.
        """
        coded, sampler = self._code(rows), self._sampler()
        generator = torch.Generator(sampler.device).manual_seed(int(rng.integers(2**62)))
        parts = []
        for codes in _chunks(coded.codes):
            digits = sampler.digits.split(torch.from_numpy(codes)).to(sampler.device)
            place = sampler.locate(digits, None if centred else generator)
            scores = sampler.scores(digits, place, generator)
            parts.append(torch.cat([place.double(), scores], dim=1).cpu().numpy())
        offsets = np.where(self._has_inside(coded.codes), coded.offsets, rng.random(coded.offsets.shape))
        return np.hstack([np.concatenate(parts), ndtri(np.clip(offsets, 1e-7, 1 - 1e-7))])

    def _compose(
        self, noise: np.ndarray, rng: np.random.Generator, resolved: Resolved | None = None, first_row: int = 0
    ) -> pd.DataFrame:
        """Return the rows that noise, shape (rows, latent + open), stands for; `resolved` are conditions on them."""
        sampler, windows = self._sampler(), {} if resolved is None else resolved.windows
        count = len(sampler.digits.sizes)
        parts = []
        for chunk in _chunks(noise):
            place = torch.from_numpy(chunk[:, : self.latent]).float().to(sampler.device)
            scores = torch.from_numpy(chunk[:, self.latent : self.latent + count]).to(sampler.device)
            parts.append(sampler.digits.join(sampler.compose(place, scores, windows)).cpu().numpy())
        codes, offsets = np.concatenate(parts), ndtr(noise[:, self.latent + count :])
        for column, window in windows.items():
            low, high = window.low[codes[:, column]], window.high[codes[:, column]]
            offsets[:, column] = low + offsets[:, column] * (high - low)
        conditions = {} if resolved is None else resolved.conditions
        return self.codec_.decode(Coded(codes, offsets), rng, conditions=conditions, first_row=first_row)

    def _has_inside(self, codes: np.ndarray) -> np.ndarray:
        """Return which codes are bins, inside which an offset means something; bool, shape (rows, columns)."""
        codecs = self.codec_.columns.values()
        first = [codec.first_bin if isinstance(codec, NumericCodec) else codec.size for codec in codecs]
        inside: np.ndarray = codes >= np.array(first)
        return inside

    # -- checks -------------------------------------------------------------------------------------------------

    def _code(self, rows: pd.DataFrame) -> Coded:
        self._check_fitted()
        if not isinstance(rows, pd.DataFrame) or len(rows) == 0:
            what = "an empty table" if isinstance(rows, pd.DataFrame) else f"a {type(rows).__name__}"
            raise DataError(f"rows were expected and {what} was given", remedy="give a pandas.DataFrame with some")
        self.schema_.check_names(rows.columns)
        for name in self.codec_.columns:
            check_cells(rows[name], self.schema_[name])
        return self.codec_.encode(rows)

    def _places(self, latent: np.ndarray) -> np.ndarray:
        try:
            places = np.asarray(latent, np.float64)
        except (TypeError, ValueError):
            raise ParameterError(
                f"latent is {latent!r}", remedy=f"give an array of numbers of shape (rows, {self.latent})"
            ) from None
        if places.ndim != 2 or places.shape[1] != self.latent or len(places) == 0:
            raise ParameterError(
                f"latent has shape {places.shape}, and the latent space has {self.latent} dimensions",
                remedy=f"give an array of shape (rows, {self.latent})",
            )
        if not np.isfinite(places).all():
            row = int((~np.isfinite(places)).any(axis=1).argmax())
            raise ParameterError(f"latent holds a value in row {row + 1} that is no finite number", remedy="correct it")
        return places


def _chunks(array: np.ndarray) -> list[np.ndarray]:
    return [array[start : start + BATCH_ROWS] for start in range(0, len(array), BATCH_ROWS)]


def _arc(start: np.ndarray, end: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return points on the great arc between two vectors (Shoemake 1985, doi:10.1145/325165.325242).

    >>> _arc(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0, 1 / 3, 1])).round(3).tolist()
    [[1.0, 0.0], [0.866, 0.5], [0.0, 1.0]]
    """
    cosine = start @ end / np.sqrt((start @ start) * (end @ end))
    angle = np.arccos(np.clip(cosine, -1, 1))
    weights = np.stack([1 - shares, shares])
    if np.sin(angle) > 1e-6:  # below, the arc is a line
        weights = np.sin(weights * angle) / np.sin(angle)
    points: np.ndarray = weights.T @ np.stack([start, end])
    return points


def _one_row(row: Row) -> pd.DataFrame:
    if isinstance(row, pd.DataFrame):
        if len(row) != 1:
            raise DataError(f"one row was expected and {len(row)} were given", remedy="choose one, as frame.iloc[[0]]")
        return row
    if not isinstance(row, (pd.Series, Mapping)):
        raise DataError(f"a row was expected and {row!r} was given", remedy="give a row, as frame.iloc[0]")
    cells: dict[Any, Any] = dict(row)
    return pd.DataFrame([cells])


def _generator(seed: int | None) -> np.random.Generator:
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0):
        raise ParameterError(f"seed is {seed!r}", remedy="give a whole number from 0 on, or none")
    return np.random.default_rng(seed)
