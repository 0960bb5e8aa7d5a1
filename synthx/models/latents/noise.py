"""Rows as the noise that they come from, and back.

The noise of a row is standard normal numbers: for its place in the latent space, for what the decoder leaves open, and
for the place inside each bin.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import pandas as pd
import torch
from scipy.special import ndtr, ndtri

from synthx.codec.conditions import Resolved
from synthx.codec.numeric import NumericCodec
from synthx.codec.table import Coded, check_cells
from synthx.errors import DataError
from synthx.models.base import BATCH_ROWS
from synthx.models.conditions import confine
from synthx.models.latents.drawing import LatentSampler
from synthx.models.tabular import TableSynthesizer

__all__ = ["Reversible", "chunks"]


class Reversible(TableSynthesizer):
    """A table model that can tell which noise a row comes from."""

    latent: int

    @abstractmethod
    def _sampler(self) -> LatentSampler:
        """Return what draws rows by way of the latent space."""

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
        for codes in chunks(coded.codes):
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
        for chunk in chunks(noise):
            place = torch.from_numpy(chunk[:, : self.latent]).float().to(sampler.device)
            scores = torch.from_numpy(chunk[:, self.latent : self.latent + count]).to(sampler.device)
            parts.append(sampler.digits.join(sampler.compose(place, scores, windows)).cpu().numpy())
        codes = np.concatenate(parts)
        offsets = confine(ndtr(noise[:, self.latent + count :]), codes, windows)
        conditions = {} if resolved is None else resolved.conditions
        return self.codec_.decode(Coded(codes, offsets), rng, conditions=conditions, first_row=first_row)

    def _has_inside(self, codes: np.ndarray) -> np.ndarray:
        """Return which codes are bins, inside which an offset means something; bool, shape (rows, columns)."""
        codecs = self.codec_.columns.values()
        first = [codec.first_bin if isinstance(codec, NumericCodec) else codec.size for codec in codecs]
        inside: np.ndarray = codes >= np.array(first)
        return inside

    def _code(self, rows: pd.DataFrame) -> Coded:
        self._check_fitted()
        if not isinstance(rows, pd.DataFrame) or len(rows) == 0:
            what = "an empty table" if isinstance(rows, pd.DataFrame) else f"a {type(rows).__name__}"
            raise DataError(f"rows were expected and {what} was given", remedy="give a pandas.DataFrame with some")
        self.schema_.check_names(rows.columns)
        for name in self.codec_.columns:
            check_cells(rows[name], self.schema_[name])
        return self.codec_.encode(rows)


def chunks(array: np.ndarray) -> list[np.ndarray]:
    """Return an array in batches of rows."""
    return [array[start : start + BATCH_ROWS] for start in range(0, len(array), BATCH_ROWS)]
