from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.comparison import Comparison, compare
from synthx_evaluation.coverage import coverage
from synthx_evaluation.record import Status
from synthx_evaluation.regions import Regions

Draw = Callable[[int, int], pd.DataFrame]
ONE = Schema((Column(name="x", kind=Kind.CATEGORICAL),))


def test_lost_levels_by_hand() -> None:
    real = pd.DataFrame({"x": ["a"] * 40 + ["b"] * 30 + ["c"] * 5 + ["d"]})
    synthetic = pd.DataFrame({"x": ["a"] * 76})
    levels = coverage(compare(synthetic, train=real, holdout=real, schema=ONE, target=None, protected=(), seed=0))[0]
    # a, b and c are held by ten real rows; d by two, and is neither missed nor named.
    assert levels.value == 2 / 3
    assert levels.anchor == 0
    assert [item["level"] for item in levels.details["lost"]] == ["b", "c"]
    assert "d" not in str(levels.details)


def modes(n: int, seed: int, lacking: str = "") -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    kind = generator.choice(["red", "green", "blue", "grey"], size=n)
    centre = pd.Series(kind).map({"red": 0.0, "green": 10.0, "blue": 20.0, "grey": 30.0}).to_numpy()
    x, y = centre + generator.normal(size=n), -centre + generator.normal(size=n)
    frame = pd.DataFrame({"kind": kind, "x": x, "y": y})
    return frame[frame["kind"] != lacking]


SCHEMA = Schema(
    (
        Column(name="kind", kind=Kind.CATEGORICAL),
        Column(name="x", kind=Kind.DECIMAL),
        Column(name="y", kind=Kind.DECIMAL),
    )
)


def test_mode_collapse_is_named() -> None:
    train, holdout = modes(1500, 1), modes(1500, 2)
    found = coverage(
        compare(modes(2000, 3, "blue"), train=train, holdout=holdout, schema=SCHEMA, target=None, protected=(), seed=0)
    )
    assert [item["level"] for item in found[0].details["lost"]] == ["blue"]
    regions = found[1]
    assert regions.value is not None
    assert regions.value > 0
    assert regions.anchor == 0
    assert 0.1 < regions.details["real_share_lost"] < 0.3
    assert "blue" in " ".join(item["region"] for item in regions.details["lost"])


def test_fresh_rows_leave_no_region(draw: Draw, comparison: Callable[..., Comparison]) -> None:
    levels, regions = coverage(comparison(draw(1000, 1), draw(1000, 2), draw(1000, 3)))
    assert levels.value == 0
    assert regions.value == 0
    assert regions.details["regions"] >= 5


def test_regions_divide_all_rows_and_their_rules_are_true() -> None:
    train = modes(1500, 1)
    comparison = compare(train, train=train, holdout=None, schema=SCHEMA, target=None, protected=(), seed=0)
    regions = Regions.fit(comparison.tables, np.random.default_rng(0), 0)
    shares = regions.shares(comparison.tables.train)
    assert abs(shares.sum() - 1) < 1e-12
    assert len(set(regions.rules)) == len(regions.rules) == len(shares)
    odd = comparison.tables.train.copy()
    odd[:, 1] = np.nan
    assert abs(regions.shares(odd).sum() - 1) < 1e-12


def test_few_rows_are_not_asked(draw: Draw, comparison: Callable[..., Comparison]) -> None:
    levels, regions = coverage(comparison(draw(9, 1), draw(2, 2), draw(2, 3)))
    assert levels.status is Status.NOT_APPLICABLE
    assert regions.reason == "needs 100 rows of each table, the smallest has 2"
