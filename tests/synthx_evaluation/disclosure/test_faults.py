"""Tables that trip up a measure: every attack answers with a record, whatever they hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Kind
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure import closest, inference, linkability, singling_out
from synthx_evaluation.record import Measure, Status

People = Callable[[int, int], pd.DataFrame]
Judged = Callable[..., Comparison]

IDS = [
    "DISC-SINGLE-1",
    "DISC-SINGLE-M",
    "DISC-LINK",
    "DISC-INFER-NEAREST",
    "DISC-INFER-MODEL",
    "DISC-DCR",
]


def all_attacks(comparison: Comparison) -> list[Measure]:
    found = [one for attack in (singling_out, linkability, inference, closest) for one in attack(comparison)]
    assert [one.id for one in found] == IDS
    return found


def test_without_a_holdout_nothing_is_assessable(people: People, judged: Judged) -> None:
    for found in all_attacks(judged(people(50, 1), people(50, 2), None)):
        assert (found.status, found.reason) == (Status.SKIPPED, "not assessable without holdout")


def test_too_few_rows_are_named(people: People, judged: Judged) -> None:
    for found in all_attacks(judged(people(50, 1), people(50, 2), people(29, 3))):
        assert (found.status, found.reason) == (Status.SKIPPED, "needs 30 holdout rows, there are 29")


def test_one_column(people: People, judged: Judged) -> None:
    found = all_attacks(judged(*(people(60, seed)[["a"]] for seed in range(3))))
    assert [one.status for one in found] == [
        Status.COMPUTED,
        *[Status.NOT_APPLICABLE] * 4,
        Status.COMPUTED,
    ]


def test_a_constant_table(judged: Judged) -> None:
    frame = pd.DataFrame({"a": [1.0] * 40, "e": ["p"] * 40})
    found = {one.id: one for one in all_attacks(judged(frame, frame, frame))}
    assert found["DISC-INFER-MODEL"].reason == "no column varies"
    assert found["DISC-DCR"].value == 0.5
    assert found["DISC-LINK"].value == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize(
    "fault", ["missing", "all missing", "constant", "outlier", "new level", "few synthetic", "same"]
)
def test_faulty_columns_are_no_leak(people: People, judged: Judged, fault: str) -> None:
    synthetic, train, holdout = people(120, 1), people(150, 2), people(90, 3)
    if fault == "missing":
        for k, frame in enumerate((synthetic, train, holdout)):
            frame.loc[np.random.default_rng(k).random(len(frame)) < 0.3, ["a", "e"]] = None
    elif fault == "all missing":
        synthetic["a"], train["b"], holdout["c"] = np.nan, np.nan, np.nan
    elif fault == "constant":
        for frame in (synthetic, train, holdout):
            frame["a"], frame["e"] = 7.0, "p"
    elif fault == "outlier":
        holdout.loc[0, ["a", "b", "c", "d"]] = -1e12
    elif fault == "new level":
        synthetic["e"] = "never seen"
    elif fault == "few synthetic":
        synthetic = synthetic[:30]
    else:
        synthetic["f"] = True
    for found in all_attacks(judged(synthetic, train, holdout)):
        assert found.status is Status.COMPUTED
        assert found.p_value is not None
        assert found.p_value > 0.001
        assert found.interval is not None
        assert found.value is not None
        assert found.interval[0] <= found.value <= found.interval[1]
        assert found.detectable is not None
        assert found.detectable > 0


def test_all_categorical_with_ties(judged: Judged) -> None:
    tables = [pd.DataFrame(np.random.default_rng(i).integers(0, 3, size=(200, 5)).astype(str)) for i in range(3)]
    for found in all_attacks(judged(*(table.set_axis(list("vwxyz"), axis=1) for table in tables), Kind.CATEGORICAL)):
        assert found.p_value is None or found.p_value > 0.01


def test_the_same_seed_gives_the_same_records(people: People, judged: Judged) -> None:
    tables = people(60, 1), people(60, 2), people(60, 3)
    assert all_attacks(judged(*tables)) == all_attacks(judged(*tables))


def test_no_cell_of_a_row_is_told(people: People, judged: Judged) -> None:
    train = people(60, 1).assign(e="unheard-of")
    train.loc[0, "a"] = 987654.321
    for found in all_attacks(judged(train, train, people(60, 2))):
        assert "987654" not in str(found.to_dict())
        assert "unheard-of" not in str(found.to_dict())
