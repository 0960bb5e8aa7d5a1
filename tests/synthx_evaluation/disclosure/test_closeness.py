from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Kind
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure import closest
from synthx_evaluation.disclosure.closeness import _nearer
from synthx_evaluation.record import Measure

People = Callable[[int, int], pd.DataFrame]
Judged = Callable[..., Comparison]


def share(comparison: Comparison) -> tuple[float, Measure]:
    (found,) = closest(comparison)
    assert found.value is not None
    return found.value, found


def normals(n: int, seed: int) -> pd.DataFrame:
    cells = np.random.default_rng(seed).normal(size=(n, 10))
    return pd.DataFrame(cells, columns=[f"x{j}" for j in range(10)])


def test_ties_count_half() -> None:
    member = np.array([[True, False], [True, True], [False, False], [False, True]])
    tied = np.array([[True, True], [True, True], [True, False], [True, False]])
    assert _nearer(member, tied).tolist() == [0.5, 1.0, 0.0, 0.0]


def test_it_is_labelled_as_no_evidence(people: People, judged: Judged) -> None:
    _, found = share(judged(people(50, 1), people(50, 2), people(50, 3)))
    assert found.id == "DISC-DCR"
    assert "no evidence of anonymity" in found.title
    assert "no evidence of anonymity" in found.details["note"]
    assert found.anchor == 0.5
    assert set(found.details["geometries"]) == {"standard", "ranked", "gower"}


def test_copies_are_nearer_to_training_rows(judged: Judged) -> None:
    # A share of a few rows, the nearest of a subsample, calls this table 0.936 protected.
    train = normals(300, 1)
    value, found = share(judged(train, train, normals(300, 2)))
    assert value == 1.0
    assert found.p_value == 0.001


def test_one_outlier_changes_nothing(judged: Judged) -> None:
    train, holdout = normals(300, 1), normals(300, 2)
    near = train + 0.3 * normals(300, 3)
    plain, _ = share(judged(near, train, holdout))
    far = holdout.copy()
    far.iloc[0] = 1e6
    assert plain > 0.95
    assert share(judged(near, train, far))[0] == pytest.approx(plain, abs=0.02)


def test_unequal_tables_are_compared_with_equal_numbers(judged: Judged) -> None:
    value, found = share(judged(normals(500, 1), normals(1000, 2), normals(250, 3)))
    assert found.details["real_rows_of_each_kind"] == 250
    assert value == pytest.approx(0.5, abs=0.1)
    assert found.p_value is not None
    assert found.p_value > 0.01


def test_all_categorical_ties_are_no_alarm(judged: Judged) -> None:
    tables = [pd.DataFrame(np.random.default_rng(i).integers(0, 3, size=(300, 5)).astype(str)) for i in range(3)]
    tables = [table.set_axis(list("vwxyz"), axis=1) for table in tables]
    value, found = share(judged(*tables, Kind.CATEGORICAL))
    assert value == pytest.approx(0.5, abs=0.1)
    assert found.p_value is not None
    assert found.p_value > 0.01


def test_units_do_not_count(judged: Judged) -> None:
    tables = [normals(100, seed) for seed in range(3)]
    grams = [table.assign(x0=table["x0"] * 1000 + 7) for table in tables]
    assert share(judged(*grams))[0] == pytest.approx(share(judged(*tables))[0], abs=1e-9)
