"""Oblivious trees: what they answer by hand, and what they find."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.models.refining.trees import Growth, Trees, _pack, _unpack, grow

SMALL = Growth(trees=20, depth=3, column_sample=1.0)


def test_a_leaf_is_numbered_by_the_answers() -> None:
    trees = Trees(
        columns=np.array([[0, 1], [1, 1]]),
        bins=np.array([[3, 0], [1, 2]], np.uint8),
        equal=np.array([[False, True], [True, False]]),
        leaves=np.array([[1, 2, 4, 8], [16, 32, 64, 128]], np.float32),
    )
    rows = np.array([[3, 4, 4, 0], [0, 0, 3, 1]], np.uint8)
    # Tree 1 asks "column 0 above 3?", then "column 1 is 0?"; tree 2 "column 1 is 1?", then "column 1 above 2?".
    assert trees(rows).tolist() == [2 + 16, 8 + 16, 4 + 32, 1 + 64]


def test_no_trees_say_nothing() -> None:
    empty = Trees(np.empty((0, 3), np.int32), np.empty((0, 3), np.uint8), np.empty((0, 3), bool), np.empty((0, 8)))
    assert empty(np.zeros((2, 5), np.uint8)).tolist() == [0.0] * 5


def test_blocks_do_not_show(monkeypatch: object) -> None:
    import synthx.models.refining.trees as module

    rng = np.random.default_rng(0)
    rows = rng.integers(0, 9, (3, 1_000)).astype(np.uint8)
    trees = Trees(
        rng.integers(0, 3, (4, 2)), rng.integers(0, 9, (4, 2)).astype(np.uint8), rng.random((4, 2)) < 0.5,
        rng.normal(size=(4, 4)).astype(np.float32),
    )  # fmt: skip
    whole = trees(rows)
    before, module.BLOCK = module.BLOCK, 7
    try:
        assert np.array_equal(trees(rows), whole)
    finally:
        module.BLOCK = before


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 0.25)), min_size=1, max_size=200),
)
@settings(max_examples=50)
def test_two_sums_fit_into_one(numbers: list[tuple[float, float]]) -> None:
    pull, curvature = np.array(numbers).T
    pulls, curves = _unpack(np.bincount(np.zeros(len(pull), int), _pack(pull, curvature)))
    assert abs(pulls[0] - pull.sum()) <= len(pull) / 2**11
    assert abs(curves[0] - curvature.sum()) <= len(pull) / 2**13


def _planted(rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two columns that agree in real rows twice as often as in drawn ones, where they are independent."""
    real = rng.random(rows) < 0.5
    first, second = rng.integers(0, 4, (2, rows))
    agree = real & (rng.random(rows) < 1 / 3)
    return np.stack([first, np.where(agree, first, second)]).astype(np.uint8), real


def test_the_log_ratio_of_two_densities_is_found() -> None:
    rows, real = _planted(40_000, np.random.default_rng(1))
    trees, scores = grow(
        rows,
        real,
        np.ones(len(real)),
        np.arange(len(real)) % 4 == 1,
        sizes=(4, 4),
        growth=Growth(trees=60, depth=4, shrinkage=1.0, column_sample=1.0),
        rng=np.random.default_rng(2),
    )
    held_out = rows[:, np.arange(len(real)) % 4 == 1]
    assert np.allclose(trees(held_out), scores, atol=1e-4)
    agree = held_out[0] == held_out[1]
    # P(agree) is 1/3 + 2/3 * 1/4 = 1/2 against 1/4, so the log-ratios are log 2 and log(2/3).
    assert abs(scores[agree].mean() - np.log(2)) < 0.08
    assert abs(scores[~agree].mean() - np.log(2 / 3)) < 0.08


def test_chance_grows_no_trees() -> None:
    rng = np.random.default_rng(3)
    rows = rng.integers(0, 200, (5, 2_000)).astype(np.uint8)
    real = rng.random(2_000) < 0.5
    trees, scores = grow(rows, real, np.ones(2_000), np.arange(2_000) % 2 == 0, sizes=(200,) * 5, growth=SMALL, rng=rng)
    assert len(trees.leaves) == 0
    assert not scores.any()


def test_leaves_of_few_rows_say_nothing() -> None:
    rows = np.zeros((1, 400), np.uint8)
    rows[0, :10] = 1
    real = np.arange(400) % 2 == 0
    real[:10] = True  # ten real rows of a value that is never drawn
    trees, _ = grow(
        rows,
        real,
        np.ones(400),
        np.zeros(400, bool) | (np.arange(400) >= 398),
        sizes=(2,),
        growth=Growth(trees=5, depth=1, column_sample=1.0, least_rows=20),
        rng=np.random.default_rng(4),
    )
    asked = trees.equal & (trees.bins == 1)
    assert (trees.leaves[asked[:, 0], 1] == 0).all()


def test_growing_stops_when_told_and_is_reproducible() -> None:
    rows, real = _planted(4_000, np.random.default_rng(5))
    asked: list[int] = []

    def stop(grown: int) -> bool:
        asked.append(grown)
        return grown == 12

    def run() -> Trees:
        return grow(
            rows, real, np.ones(4_000), np.arange(4_000) % 4 == 1, sizes=(4, 4), growth=SMALL,
            rng=np.random.default_rng(6), stop=stop,
        )[0]  # fmt: skip

    first = run()
    assert asked == list(range(13))
    assert len(first.leaves) == 10  # of the twelve, those that were found to serve
    assert np.array_equal(first.leaves, run().leaves)
