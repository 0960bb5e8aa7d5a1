"""Small hospitals whose sequences are known, and faults planted in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation.sequences import nearest
from synthx_evaluation.sequences.comparison import SequenceComparison, compare_sequences

_SCHEMA = Schema(
    (
        Column(name="stay", kind=Kind.IDENTIFIER, dtype="int64", role=Role.ENTITY),
        Column(name="hour", kind=Kind.INTEGER, dtype="int64", role=Role.TIME),
        Column(name="pulse", kind=Kind.DECIMAL, dtype="float64"),
        Column(name="pressure", kind=Kind.DECIMAL, dtype="float64", nullable=True),
        Column(name="ward", kind=Kind.CATEGORICAL, dtype="object"),
        Column(name="sex", kind=Kind.CATEGORICAL, dtype="object", static=True),
        Column(name="age", kind=Kind.DECIMAL, dtype="float64", static=True),
        Column(name="died", kind=Kind.BOOLEAN, dtype="bool", static=True, role=Role.TARGET),
    )
)


@pytest.fixture(autouse=True)
def few_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for the nearest of few sequences, so that tests are fast."""
    monkeypatch.setattr(nearest, "MOST_SEQUENCES", 60)
    monkeypatch.setattr(nearest, "CANDIDATES", 10)


@pytest.fixture
def schema() -> Schema:
    return _SCHEMA


@pytest.fixture
def draw() -> Callable[..., pd.DataFrame]:
    """A function that draws fresh stays: the pulse keeps its course, follows age, and is higher where death follows."""

    def stays(count: int, seed: int, *, shortest: int = 6, longest: int = 24) -> pd.DataFrame:
        generator = np.random.default_rng(seed)
        lengths = generator.integers(shortest, longest + 1, count)
        owner = np.repeat(np.arange(count), lengths)
        step = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        age = np.round(generator.uniform(20, 90, count), 1)
        died = generator.random(count) < 1 / (1 + np.exp(-(age - 60) / 8))
        hour = np.zeros(len(owner))
        pulse, ward = np.zeros(len(owner)), np.zeros(len(owner), dtype=int)
        for t in range(longest):  # all stays advance together
            now = step == t
            noise = generator.normal(0, 1, now.sum())
            if t == 0:
                pulse[now], ward[now] = noise * 3, generator.integers(0, 2, now.sum())
                continue
            before = np.flatnonzero(now) - 1
            pulse[now] = 0.9 * pulse[before] + noise
            ward[now] = np.where(generator.random(now.sum()) < 0.1, 1 - ward[before], ward[before])
            hour[now] = hour[before] + generator.choice([1, 1, 1, 2], now.sum())
        pulse += 70 + 0.2 * age[owner] + 8 * died[owner]
        pressure = np.where(
            generator.random(len(owner)) < 0.2, np.nan, 200 - pulse + generator.normal(0, 2, len(owner))
        )
        return pd.DataFrame(
            {
                "stay": owner + 100_000 * seed,
                "hour": hour.astype(int),
                "pulse": pulse.round(2),
                "pressure": pressure.round(1),
                "ward": np.array(["A", "B"])[ward],
                "sex": np.where(generator.random(count) < 0.5, "F", "M")[owner],
                "age": age[owner],
                "died": died[owner],
            }
        )

    return stays


@pytest.fixture
def compared(schema: Schema) -> Callable[..., SequenceComparison]:
    """A function that compares tables of the schema above."""

    def comparison(
        synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame | None = None, **changes: Any
    ) -> SequenceComparison:
        given: dict[str, Any] = {"schema": schema, "target": None, "protected": (), "seed": 0, **changes}
        return compare_sequences(synthetic, train=train, holdout=holdout, **given)

    return comparison


@pytest.fixture
def tiny() -> Callable[..., tuple[pd.DataFrame, Schema]]:
    """A function that makes a long table from one list of values an entity; ``None`` is missing."""

    def table(*entities: list[Any], kind: Kind = Kind.DECIMAL, times: list[list[int]] | None = None) -> Any:
        rows = [(i, value) for i, values in enumerate(entities) for value in values]
        frame = pd.DataFrame(rows, columns=["who", "x"])
        columns = [Column(name="who", kind=Kind.IDENTIFIER, role=Role.ENTITY), Column(name="x", kind=kind)]
        if times is not None:
            frame["when"] = [time for entity in times for time in entity]
            columns.append(Column(name="when", kind=Kind.INTEGER, role=Role.TIME))
        return frame, Schema(tuple(columns))

    return table
