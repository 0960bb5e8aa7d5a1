"""Made tables that tests of several models learn, and one model of sequences."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from synthx.models.recurrent_vae import SequenceVAE
from synthx.schema import Schema

from .made_sequences import SMALL, fitted, payments, schema_of, visits


@dataclasses.dataclass(frozen=True)
class Wards:
    """How much the ward of a patient tells; the four wards are numbered from 0, the last is the emergency."""

    follows: float
    """The share of patients whose drug is their ward's, besides those by chance."""
    weight: tuple[float, float, float]
    """Mean in ward 0, what each further ward adds, standard deviation; so for the age."""
    age: tuple[float, float, float]
    missing: tuple[float, float]
    """The share of weights that are missing: of emergencies, of others."""
    died: float
    """What an emergency adds to the share that dies."""


OVERLAPPING = Wards(follows=0.85, weight=(70, 5, 8), age=(40, 10, 12), missing=(0.6, 0.08), died=0.1)
DISTINCT = Wards(follows=0.95, weight=(60, 15, 4), age=(25, 18, 5), missing=(0.5, 0.06), died=0.2)
"""So that a row has one thing to tell: its ward."""


def patients(rows: int = 4_000, seed: int = 0, *, wards: Wards = OVERLAPPING) -> pd.DataFrame:
    """Return a table in which the ward decides age, drug and weight; a tenth of the weights are missing."""
    rng = np.random.default_rng(seed)
    ward = rng.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])
    drug = np.where(rng.random(rows) < wards.follows, ward, rng.integers(0, 4, rows))
    mean, slope, deviation = wards.weight
    weight = np.round(rng.normal(mean + slope * ward, deviation, rows), 1)
    weight[rng.random(rows) < np.where(ward == 3, *wards.missing)] = np.nan
    mean, slope, deviation = wards.age
    return pd.DataFrame(
        {
            "ward": np.array(["surgery", "heart", "child", "emergency"], object)[ward],
            "drug": np.array(["a", "b", "c", "d"], object)[drug],
            "age": np.clip(rng.normal(mean + slope * ward, deviation, rows), 0, 99).astype(int),
            "weight": weight,
            "visits": np.where(rng.random(rows) < 0.5, 0, rng.poisson(30, rows)),
            "died": rng.random(rows) < 0.02 + wards.died * (ward == 3),
        }
    )


def number_columns(rows: int, columns: int) -> pd.DataFrame:
    """Return independent normal numbers."""
    return pd.DataFrame(
        np.random.default_rng(0).normal(size=(rows, columns)), columns=[f"x{i}" for i in range(columns)]
    )


@pytest.fixture(scope="session")
def stays() -> pd.DataFrame:
    """Return two hundred made patients and their visits; not to be changed."""
    return visits(200)


@pytest.fixture(scope="session")
def sequences(stays: pd.DataFrame) -> SequenceVAE:
    """Return a small model of `stays`; not to be changed."""
    return fitted(stays, schema_of(stays), **SMALL)


@pytest.fixture(scope="session")
def paid() -> pd.DataFrame:
    """Return two hundred made accounts and their payments; not to be changed."""
    return payments(200)


@pytest.fixture(scope="session")
def accounts(paid: pd.DataFrame) -> SequenceVAE:
    """Return a small model of `paid`, which tells kinds of payments apart; not to be changed."""
    return fitted(paid, Schema.detect(paid, entity="account", time="date"), **SMALL)
