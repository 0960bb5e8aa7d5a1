"""A fraud team's afternoon: the pipeline of the documentation, and a balanced file with the evidence beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.balance import OverSampler, correct_prior, forget_fits
from synthx.io import read_table, write_table
from synthx.models.autoregressive import TabularAR

from .conftest import synthx

GUIDE = Path(__file__).parents[2] / "docs" / "balancing.md"


def frauds(rows: int = 600, *, rare: int = 30, seed: int = 0) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Return payments with missing cells and a category, of which few are frauds."""
    rng = np.random.default_rng(seed)
    fraud = np.arange(rows) < rare
    X = pd.DataFrame(
        {
            "amount": np.round(np.exp(rng.normal(3 + 2 * fraud, 1)), 2),
            "age": np.where(rng.random(rows) < 0.1, np.nan, rng.integers(18, 90, rows)),
            "hour": rng.integers(0, 24, rows),
        }
    )
    return X, pd.Series(fraud.astype(int), name="fraud")


def test_the_example_of_the_guide_runs_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = TabularAR.fit

    def fit(self: TabularAR, frame: pd.DataFrame, *more: Any, **named: Any) -> TabularAR:
        return usual(self.set_params(steps=20, width=16, hidden=8), frame, *more, **named)

    monkeypatch.setattr(TabularAR, "fit", fit)
    block = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    assert len([line for line in block[1].splitlines() if line]) == 6
    X, y = frauds()
    names: dict[str, Any] = {"X": X, "y": y}
    exec(block[1], names)
    assert len(names["scores"]) == 5
    assert names["scores"].mean() > 0.1  # chance is 0.05


def test_a_file_is_balanced_with_types_gaps_and_marks(tmp_path: Path) -> None:
    X, y = frauds()
    write_table(X.assign(fraud=y), tmp_path / "payments.parquet")
    answer = synthx(
        "balance",
        tmp_path / "payments.parquet",
        "--target",
        "fraud",
        "--minutes",
        "0.1",
        "-o",
        tmp_path / "out.parquet",
    )
    assert answer.status == 0, answer.err
    rows = read_table(tmp_path / "out.parquet")
    assert rows["synthetic"].sum() == 27  # 570 others: a tenth is 57
    new = rows[rows["synthetic"]]
    assert (new["fraud"] == 1).all()
    assert new["hour"].dtype == np.int64
    assert "fraud = 1: 30 real rows, 27 new ones of" in answer.out


def test_new_rows_help_to_find_frauds_and_probabilities_are_put_right() -> None:
    from sklearn.linear_model import LogisticRegression

    forget_fits()
    X, y = frauds(2_000, rare=40)
    X = X[["amount", "hour"]].assign(amount=np.log(X["amount"]))
    test, truth = frauds(4_000, rare=80, seed=1)
    test = test[["amount", "hour"]].assign(amount=np.log(test["amount"]))
    sampler = OverSampler(TabularAR(steps=200, width=64), sampling_strategy=0.5, random_state=0)
    rows, labels = sampler.fit_resample(X, y)
    assert rows["amount"][sampler.synthetic_mask_].mean() == pytest.approx(X["amount"][y == 1].mean(), abs=0.5)
    chances = LogisticRegression(max_iter=1_000).fit(rows, labels).predict_proba(test)[:, 1]
    corrected = correct_prior(chances, sampler.resampled_prior_[1], sampler.class_prior_[1])
    assert chances.mean() > 5 * truth.mean()
    assert corrected.mean() == pytest.approx(truth.mean(), rel=0.4)


@pytest.mark.slow
def test_ten_thousand_payments_are_balanced_in_three_minutes(shared_data: Path, tmp_path: Path) -> None:
    import time

    began = time.monotonic()
    table = shared_data / "creditcard_fraud" / "creditcard_subset.csv.gz"
    answer = synthx("balance", table, "--target", "Class", "--ratio", "0.5", "-o", tmp_path / "out.csv")
    assert answer.status == 0, answer.err
    assert time.monotonic() - began < 180
    rows = read_table(tmp_path / "out.csv")
    assert rows["Class"].sum() == 9_138 // 2
