from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.errors import ParameterError
from synthx.schema import Column, Kind, Schema
from synthx_evaluation import neighbours
from synthx_evaluation.encoding import Floats, Tables, encode
from synthx_evaluation.neighbours import (
    GEOMETRIES,
    Geometry,
    Points,
    bandwidth,
    gower,
    nearest,
    ranked,
    standard,
)

NONE = np.array([], dtype=np.intp)
EUCLID = Geometry("euclid", 2, 2.0, (), NONE, NONE)
CITY = Geometry("city", 1, 1.0, (), NONE, NONE)


def points(numbers: list[list[float]], codes: list[list[int]] | None = None) -> Points:
    """Points given row by row."""
    rows = np.array(numbers, dtype=float)
    return Points(rows, np.array(codes if codes else [[]] * len(rows), dtype=np.int16).T.copy())


def table(**columns: list[object] | Floats) -> Tables:
    kinds = {
        name: Kind.CATEGORICAL if any(isinstance(cell, str) for cell in cells) else Kind.DECIMAL
        for name, cells in columns.items()
    }
    schema = Schema(tuple(Column(name=name, kind=kind, nullable=True) for name, kind in kinds.items()))
    frame = pd.DataFrame(columns)
    return encode(schema, synthetic=frame, train=frame)


def between(geometry: Geometry, rows: Floats) -> Floats:
    """All distances between rows."""
    one = geometry.points(rows)
    found = nearest(one, one, geometry, len(rows))
    return np.take_along_axis(found.distance, np.argsort(found.index, axis=1), axis=1)


# -- search -----------------------------------------------------------------------------------------------------


def test_by_hand() -> None:
    index = points([[0, 0], [3, 4], [6, 8]], [[0], [0], [1]])
    found = nearest(points([[3, 0]], [[1]]), index, EUCLID, 3)
    # 9 + 2, 16 + 2, 9 + 64
    np.testing.assert_allclose(found.distance, [np.sqrt([11, 18, 73])])
    assert found.index.tolist() == [[0, 1, 2]]
    found = nearest(points([[3, 0]], [[1]]), index, CITY, 2)
    assert found.distance.tolist() == [[4, 5]]
    assert found.index.tolist() == [[0, 1]]


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.integers(0, 3), st.integers(0, 3), st.integers(1, 9), st.sampled_from([EUCLID, CITY]))
def test_equals_the_full_matrix(seed: int, p: int, q: int, k: int, geometry: Geometry) -> None:
    generator = np.random.default_rng(seed)
    numbers, codes = generator.normal(size=(20, p)).round(1), generator.integers(0, 3, size=(20, q))
    mine, theirs = slice(0, 8), slice(8, 20)
    gaps = np.abs(numbers[mine, None] - numbers[None, theirs]) ** geometry.power
    totals = gaps.sum(axis=2) + geometry.mismatch * (codes[mine, None] != codes[None, theirs]).sum(axis=2)
    full = totals ** (1 / geometry.power)
    found = nearest(
        Points(numbers[mine], codes[mine].T.astype(np.int16)),
        Points(numbers[theirs], codes[theirs].T.astype(np.int16)),
        geometry, k, width=0.7,
    )  # fmt: skip
    np.testing.assert_allclose(found.distance, np.sort(full, axis=1)[:, :k], atol=1e-12)
    np.testing.assert_allclose(np.take_along_axis(full, found.index, axis=1), found.distance, atol=1e-12)
    np.testing.assert_allclose(found.log_kernel, np.log(np.exp(-geometry.rate(0.7) * totals).sum(axis=1)), rtol=1e-5)


@pytest.mark.parametrize("geometry", [EUCLID, CITY])
def test_torch_finds_the_same(geometry: Geometry) -> None:
    generator = np.random.default_rng(0)
    numbers, codes = generator.normal(size=(60, 3)), generator.integers(0, 4, size=(2, 60)).astype(np.int16)
    mine, theirs = Points(numbers[:20], codes[:, :20]), Points(numbers[20:], codes[:, 20:])
    here = nearest(mine, theirs, geometry, 4, width=0.5)
    there = nearest(mine, theirs, geometry, 4, width=0.5, device="cpu")
    np.testing.assert_allclose(there.distance, here.distance)
    assert (there.index == here.index).all()
    np.testing.assert_allclose(there.log_kernel, here.log_kernel, rtol=1e-5)


def test_a_copy_is_at_distance_zero() -> None:
    rows = np.random.default_rng(1).normal(size=(50, 7)) + 1e4
    squares = (rows**2).sum(axis=1)
    product = np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0).min(axis=1)
    assert (product > 1e-8).any()  # the usual formula by matrix product takes some copies for strangers
    found = nearest(points(rows.tolist()), points(rows.tolist()), EUCLID, 1)
    assert (found.distance == 0).all()


def test_never_a_full_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_PAIRS", 20_000)
    many = Points(np.random.default_rng(0).normal(size=(3_000, 2)), np.zeros((1, 3_000), dtype=np.int16))
    nearest(many.take(np.arange(5)), many, EUCLID, 1)  # imports
    tracemalloc.start()
    nearest(many, many, EUCLID, 2, width=1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6  # 72 MB


def test_densities_do_not_underflow() -> None:
    far, index = points([[100.0]]), points([[0.0], [1.0]])
    with np.errstate(divide="ignore"):
        assert np.log(np.exp(-0.5 * np.array([100.0, 99.0]) ** 2).sum()) == -np.inf
    found = nearest(far, index, EUCLID, 1, width=1.0).log_kernel
    np.testing.assert_allclose(found, [-(99.0**2) / 2], rtol=1e-6)


def test_what_cannot_be_found() -> None:
    two = points([[0.0], [1.0]])
    assert nearest(two, two, EUCLID, 5).distance.tolist() == [[0, 1], [0, 1]]
    with pytest.raises(ParameterError, match="0 neighbours among 2 points"):
        nearest(two, two, EUCLID, 0)
    with pytest.raises(ParameterError, match="among 0 points"):
        nearest(two, two.take(NONE), EUCLID, 1)


def test_bandwidth() -> None:
    line = points([[float(i)] for i in range(2_001)])
    generator = np.random.default_rng(0)
    assert bandwidth(line, EUCLID, generator) == 1.5  # the fifth neighbour is at 3
    assert bandwidth(line, CITY, generator) == 0.75
    same = points([[0.0]] * 30, [[0]] * 30)
    assert bandwidth(same, CITY, generator) == 0.25  # a level that differs is far


# -- geometries -------------------------------------------------------------------------------------------------


def test_geometries_by_hand() -> None:
    tables = table(x=[0.0, 1.0, 2.0, 3.0, 4.0], y=["a", "a", "b", "b", None])
    low, high = np.quantile(np.arange(5.0), [0.01, 0.99])
    scale = np.clip(np.arange(5.0), low, high).std()
    found = between(standard(tables), tables.train)
    assert found[0, 1] == pytest.approx(1 / scale)
    assert found[1, 2] == pytest.approx(np.sqrt(1 / scale**2 + 2))
    assert found[3, 4] == pytest.approx(np.sqrt(1 / scale**2 + 2))  # missing is a level
    found = between(gower(tables), tables.train)
    assert found[0, 1] == pytest.approx(1 / (high - low))
    assert found[0, 4] == pytest.approx(4 / (high - low) + 1)
    assert between(ranked(tables), tables.train)[0, 1] == pytest.approx(np.sqrt(12) / 5)


@pytest.mark.parametrize("make", GEOMETRIES)
def test_one_outlier_does_not_move_the_others(make: object) -> None:
    cells = np.random.default_rng(0).normal(size=500)
    plain, odd = table(x=cells), table(x=np.append(cells, 1e9))

    def typical(tables: Tables) -> float:
        return float(np.median(between(make(tables), tables.train[:500])))  # type: ignore[operator]

    def by_range(values: Floats) -> float:
        return float(np.median(np.abs(values[:500, None] - values[None, :500])) / np.ptp(values))

    assert by_range(np.append(cells, 1e9)) < 1e-6 * by_range(cells)  # the usual range puts all rows into one place
    assert typical(odd) == pytest.approx(typical(plain), rel=0.05)


@pytest.mark.parametrize("make", GEOMETRIES)
def test_units_and_constant_columns_do_not_count(make: object) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=80), generator.exponential(size=80)
    y[:5] = np.nan
    plain = table(x=x, y=y)
    other = table(x=1.8 * x + 32, y=y * 1e9, z=np.full(80, 7.0), missing=np.full(80, np.nan))

    def distances(tables: Tables) -> Floats:
        return between(make(tables), tables.train)  # type: ignore[operator]

    def unscaled(tables: Tables) -> Floats:
        rows = np.nan_to_num(tables.train)
        return np.asarray(((rows[:, None] - rows) ** 2).sum(axis=2).argsort(axis=1)[:, 1])

    assert (unscaled(plain) != unscaled(other)).mean() > 0.5
    np.testing.assert_allclose(distances(other), distances(plain), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("make", GEOMETRIES)
def test_missing_cells_are_near_each_other(make: object) -> None:
    cells = np.array([np.nan, np.nan, 1.0, 2.0, 3.0])
    tables = table(x=cells)
    found = between(make(tables), tables.train)  # type: ignore[operator]
    assert np.isfinite(found).all()
    assert found[0, 1] == 0
    assert found[0, 3] > 0  # the median is not the same as missing
    assert found[0].max() == found[0, [2, 4]].max()


def test_rare_events_have_a_scale() -> None:
    tables = table(x=np.r_[np.zeros(995), np.ones(5)])
    assert between(standard(tables), tables.train)[0, -1] > 1
    assert between(gower(tables), tables.train)[0, -1] > 0
