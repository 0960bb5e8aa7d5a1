"""Cases in which popular scores are wrong: the usual formula fails, ours does not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.comparison import compare
from synthx_evaluation.encoding import Floats
from synthx_evaluation.membership import membership
from synthx_evaluation.record import Measure


def records(synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame) -> dict[str, Measure]:
    kinds = {name: Kind.CATEGORICAL if train[name].dtype.kind == "O" else Kind.DECIMAL for name in train}
    schema = Schema(tuple(Column(name=name, kind=kind, nullable=True) for name, kind in kinds.items()))
    compared = compare(synthetic, train=train, holdout=holdout, schema=schema, target=None, protected=(), seed=0)
    return {record.id: record for record in membership(compared, permutations=99)}


def verdict(synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame) -> float:
    """The p-value of the strongest attack."""
    found = records(synthetic, train, holdout)["MIA-MAX"].p_value
    assert found is not None
    return found


def protection(synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame) -> float:
    """The usual score: 1 if at most half of the synthetic rows lie nearer to a training row than to a holdout row.

    Ranges are those of each reference table by itself; ties count as holdout.
    """

    def closest(others: pd.DataFrame) -> Floats:
        if others.dtypes.iloc[0].kind == "O":
            gaps = synthetic.to_numpy()[:, None] != others.to_numpy()[None]
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                cells = others.to_numpy()
                gaps = np.abs(synthetic.to_numpy()[:, None] - cells) / np.ptp(cells, axis=0)
        return np.asarray(gaps.sum(axis=2).min(axis=1))

    nearer = float((closest(train) < closest(holdout)).mean())
    return min(1.0, 2 * (1 - nearer))


def normal(rows: int, seed: int, columns: int = 6) -> pd.DataFrame:
    cells = np.random.default_rng(seed).normal(size=(rows, columns))
    return pd.DataFrame(cells, columns=[f"x{j}" for j in range(columns)])


def levels(rows: int, seed: int, columns: int = 5) -> pd.DataFrame:
    cells = np.random.default_rng(seed).choice(list("abc"), size=(rows, columns))
    return pd.DataFrame(cells.astype(object), columns=[f"x{j}" for j in range(columns)])


def noisy(train: pd.DataFrame, deviation: float) -> pd.DataFrame:
    return train + np.random.default_rng(9).normal(0, deviation, size=train.shape)


def test_a_copy_is_found_though_subsamples_call_it_safe() -> None:
    train, holdout = normal(600, 1), normal(600, 2)
    part = [frame.sample(60, random_state=seed) for seed, frame in enumerate((train, train, holdout))]
    assert protection(*part) > 0.8
    assert verdict(train, train, holdout) < 0.01


def test_one_outlier_in_the_holdout_changes_nothing() -> None:
    train, holdout = normal(400, 1), normal(400, 2)
    synthetic, odd = noisy(train, 0.3), holdout.copy()
    odd.iloc[0] = 1e6
    assert protection(synthetic, train, holdout) < 0.2
    assert protection(synthetic, train, odd) == 1.0  # the usual score now calls near-copies safe
    plain, moved = (records(synthetic, train, part)["MIA-MAX"] for part in (holdout, odd))
    assert plain.p_value == moved.p_value == 0.01
    assert plain.value is not None
    assert moved.value is not None
    assert abs(plain.value - moved.value) < 0.02


def test_a_smaller_holdout_raises_no_alarm() -> None:
    synthetic, train, holdout = normal(400, 3), normal(1_200, 4), normal(300, 5)
    assert protection(synthetic, train, holdout) < 0.6  # an honest draw, called a leak
    assert verdict(synthetic, train, holdout) > 0.05


def test_levels_alone() -> None:
    train, holdout = levels(400, 1), levels(400, 2)
    honest = levels(400, 3)
    assert protection(honest, train, holdout) == 1.0
    assert protection(train, train, holdout) > 0.8  # ties count as holdout: the usual score calls even a copy safe
    assert verdict(honest, train, holdout) > 0.05
    wide_train, wide_holdout = levels(400, 4, columns=12), levels(400, 5, columns=12)
    assert verdict(wide_train, wide_train, wide_holdout) < 0.01


def test_ties_count_half() -> None:
    # Every row is one of three: whoever puts ties on one side sees a leak, or none, in the same tables.
    train, holdout, synthetic = (levels(300, seed, columns=1) for seed in (1, 2, 3))
    found = records(synthetic, train, holdout)
    assert protection(synthetic, train, holdout) == 1.0
    assert protection(synthetic, holdout, train) == 1.0
    for code in ("MIA-DCR", "MIA-LOGRATIO"):
        assert found[code].value == 0.5
        assert found[code].p_value == 1


def test_units_change_nothing() -> None:
    train, holdout = normal(300, 1), normal(300, 2)
    synthetic = noisy(train, 0.1)
    other = [frame * [1e6, 1e-6, 1, 1, 1, 1] + [0, 5, 0, 0, 0, 0] for frame in (synthetic, train, holdout)]

    def unscaled(part: pd.DataFrame, against: pd.DataFrame) -> Floats:
        cells = part.to_numpy()[:, None] - against.to_numpy()[None]
        return np.asarray((cells**2).sum(axis=2).argmin(axis=1))

    right = [(unscaled(frames[0], frames[1]) == np.arange(300)).mean() for frames in ((synthetic, train), other)]
    assert right[0] > 0.9 > right[1] + 0.5  # without scales, most copies are lost
    plain, moved = records(synthetic, train, holdout), records(*other)
    assert plain["MIA-MAX"].p_value == moved["MIA-MAX"].p_value == 0.01
    for code in ("MIA-DCR", "MIA-LOGRATIO", "MIA-DOMIAS"):
        assert abs(plain[code].value - moved[code].value) < 1e-3  # type: ignore[operator]


def test_missing_cells_and_constant_columns_change_little() -> None:
    train, holdout = normal(300, 1), normal(300, 2)
    synthetic = noisy(train, 0.1)
    parts = []
    for seed, frame in enumerate((synthetic, train, holdout)):
        holes = np.random.default_rng(seed).random(frame.shape) < 0.05
        parts.append(frame.mask(holes).assign(constant=1.0))
    assert protection(*parts) == 1.0  # one missing cell makes a range missing, and with it every distance
    assert verdict(*parts) == 0.01


def test_a_table_of_kept_cells_is_found_though_distances_call_it_safe() -> None:
    # Every row keeps three of eight cells of a training row and makes up the others.
    train, holdout, fresh = (normal(500, seed, columns=8) for seed in (1, 2, 3))
    kept = np.random.default_rng(0).random((500, 8)).argsort(axis=1) < 3
    synthetic = fresh.mask(kept, train)
    found = records(synthetic, train, holdout)
    assert protection(synthetic, train, holdout) > 0.7
    assert found["MIA-EXACTNESS"].value is not None
    assert found["MIA-EXACTNESS"].value > 0.9
    assert found["MIA-MAX"].p_value == 0.01
