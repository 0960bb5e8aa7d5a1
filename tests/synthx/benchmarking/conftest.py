"""A small table whose columns depend on each other, and the results that tests of tables and plots look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.benchmarking.results import Results


def correlated(rows: int, *, seed: int = 0) -> pd.DataFrame:
    """Return a made table in which four columns follow from one hidden number, with missing cells."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=rows)
    number = np.round(3 * hidden + rng.normal(size=rows) / 2, 3)
    count = pd.array(np.clip(np.round(5 + 2 * hidden + rng.normal(size=rows) / 2), 0, 12).astype(int), dtype="Int64")
    count[rng.random(rows) < 0.1] = pd.NA
    return pd.DataFrame(
        {
            "number": number,
            "count": count,
            "level": pd.cut(hidden, [-9, -0.8, 0, 0.8, 9], labels=["d", "c", "b", "a"]).astype(object),
            "label": np.where(hidden + rng.normal(size=rows) / 3 > 0.6, "yes", "no"),
        }
    )


def stays(entities: int, *, seed: int = 0) -> pd.DataFrame:
    """Return made stays of three to eleven hours: a key of two columns, a pulse that wanders, a state that follows."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, 12, entities)
    who = np.repeat(np.arange(entities), sizes)
    died = rng.random(entities) < 0.3
    level = rng.normal(size=entities) + died
    walk = pd.Series(rng.normal(0, 0.3, len(who))).groupby(who).cumsum().to_numpy() + level[who]
    hour = pd.Series(rng.integers(1, 4, len(who))).groupby(who).cumsum().to_numpy()
    return pd.DataFrame(
        {
            "ward": np.where(who % 2, "A-1", "B-2"),
            "patient": who // 2 + 10,
            "hour": hour,
            "sex": rng.choice(["F", "M"], entities)[who],
            "died": died[who],
            "pulse": (80 + 10 * walk).round(1),
            "state": np.where(walk > 1, "high", np.where(walk < -1, "low", "mid")),
        }
    )


def run(model: str, seed: int = 0, **cells: Any) -> dict[str, Any]:
    """Return a row of results."""
    good = {"status": "ok", "c2st": 0.6, "trend": 0.97, "fit_seconds": 10.0, "sample_seconds": 1.0, "fingerprint": "f"}
    return {"model": model, "seed": seed, **good, **cells}


@pytest.fixture
def results() -> Results:
    return Results.of(
        [
            run("independent", c2st=0.95, trend=0.9, fit_seconds=0.0, sample_seconds=0.01),
            run("bootstrap", c2st=0.5, trend=0.99, fit_seconds=0.0, sample_seconds=0.01, copies=1.0),
            run("gan", copies_holdout=0.25, c2st_real=0.501),
            run("gan", 1, c2st=0.61),
            run("sdv-ctgan", c2st=0.93, trend=0.85, fit_seconds=2_644.0),
            run("sdv-tvae", status="timed out", reason="stopped after 60 s, while fitting", limit_minutes=1.0)
            | dict.fromkeys(("c2st", "trend", "fit_seconds", "sample_seconds")),
        ]
    )
