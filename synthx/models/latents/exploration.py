"""Walking the latent space of a table model: places of rows, rows of places, paths, neighbours.

All of it moves the noise that rows come from (`noise.py`). Paths keep to the sphere on which normal noise lies, so rows
on the way are as plausible as any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from synthx.codec.conditions import resolve
from synthx.condition import as_conditions
from synthx.errors import DataError, ParameterError
from synthx.models.base import BATCH_ROWS
from synthx.models.conditions import check_met
from synthx.models.latents.noise import Reversible, chunks
from synthx.models.latents.paths import arc
from synthx.models.parameters import check_seed, check_whole

__all__ = ["Explorable"]

Row = pd.DataFrame | pd.Series | Mapping[str, Any]


class Explorable(Reversible):
    """A table model with a latent space in which rows have places.

    The places are standard normal: rows of a table like the training table have mean zero and variance one in every
    dimension, up to what the encoder leaves open.
    """

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
            for codes in chunks(coded.codes)
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
        return self._compose(arc(ends[0], ends[1], np.linspace(0, 1, steps)), rng)

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
            remedy = "widen them, or choose other rows or a wider spread"
            check_met(done, tried, rows="rows near the chosen ones", remedy=remedy)
            chosen = rng.permutation(np.arange(min(BATCH_ROWS, n - done)) + rng.integers(len(rows))) % len(rows)
            noise = self._decompose(rows.iloc[chosen], rng, centred=False)
            noise = np.sqrt(1 - spread**2) * noise + spread * rng.standard_normal(noise.shape)
            frame = resolved.keep(self._compose(noise, rng, resolved, first_row=tried), self.schema_)
            tried, done = tried + len(noise), done + len(frame)
            kept.append(frame)
        return pd.concat(kept, ignore_index=True)

    # -- checks -------------------------------------------------------------------------------------------------

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
    check_seed(seed)
    return np.random.default_rng(seed)
