from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.detection import _told_apart, detection
from synthx_evaluation.record import Status

Draw = Callable[[int, int], pd.DataFrame]
Compare = Callable[..., Comparison]


def test_fresh_rows_cannot_be_told_apart(draw: Draw, comparison: Compare) -> None:
    (measure,) = detection(comparison(draw(500, 1), draw(500, 2), draw(500, 3)))
    assert measure.value is not None
    assert measure.interval is not None
    assert measure.interval[0] < 0.5 < measure.interval[1]  # wrong once in 20 seeds; this seed is not
    assert abs((measure.anchor or 0) - 0.5) < 0.06
    assert measure.n == 500


def test_shuffled_columns_are_told_apart(
    draw: Draw, shuffle: Callable[[pd.DataFrame, int], pd.DataFrame], comparison: Compare
) -> None:
    train = draw(500, 4)
    (measure,) = detection(comparison(shuffle(train, 5), train, draw(400, 6)))
    assert measure.value is not None
    assert measure.value > 0.85
    assert measure.n == 400
    assert {"age", "income"} & {item["column"] for item in measure.details["giveaways"][:2]}


def test_the_column_that_gives_it_away_is_named(draw: Draw, comparison: Compare) -> None:
    fake = draw(300, 7)
    fake["town"] = fake["town"].where(fake["town"] != "Bath", "Dublin")  # a level that no real row holds
    (measure,) = detection(comparison(fake, draw(300, 8), draw(300, 9)))
    assert measure.details["giveaways"][0]["column"] == "town"
    assert measure.value is not None
    assert measure.value > 0.6


def test_needs_rows_and_a_holdout(draw: Draw, comparison: Compare) -> None:
    table = draw(49, 1)
    (few,) = detection(comparison(table, table, table))
    assert (few.status, few.reason) == (Status.SKIPPED, "needs 50 rows of each table, the smallest has 49")
    (lone,) = detection(comparison(table, table, None))
    assert (lone.status, lone.reason) == (Status.NOT_APPLICABLE, "needs a holdout to compare with")


def test_the_interval_holds_chance(draw: Draw, comparison: Compare) -> None:
    # Each of 20 intervals of fresh rows misses 0.5 by chance once in 20 tries; five or more of them once in 390 runs.
    missed = 0
    for seed in range(20):
        pair = comparison(draw(100, 2 * seed), draw(100, 2 * seed), draw(100, 2 * seed + 1), seed=seed)
        tables = pair.equal
        area, variance, _ = _told_apart(pair, tables.synthetic, pair.reference, tables.discrete, probe=False)
        missed += abs(area - 0.5) > 1.96 * np.sqrt(variance)
    assert missed <= 4
