from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.errors import DataError, ParameterError
from synthx.schema import Schema
from synthx_evaluation.augmentation.cases import Cases, read_cases
from synthx_evaluation.augmentation.folds import inner_split, make_folds


@pytest.fixture
def cases(draw_rows: Callable[..., pd.DataFrame], schema: Schema) -> Callable[..., Cases]:
    def made(frame: pd.DataFrame | None = None, **changes: Any) -> Cases:
        given: dict[str, Any] = dict.fromkeys(("positive", "entity", "time", "weights", "amount"))
        return read_cases(
            draw_rows() if frame is None else frame, **{"target": "bad", "schema": schema, **given, **changes}
        )

    return made


def test_every_row_is_tested_once_a_repeat(cases: Callable[..., Cases]) -> None:
    table = cases()
    splits = make_folds(table, folds=5, repeats=2, rare_rows=None, seed=0)
    for repeat in (0, 1):
        tested = np.concatenate([fold.test for fold in splits if fold.repeat == repeat])
        assert sorted(tested.tolist()) == list(range(300))
    assert all(table.rare[fold.test].sum() == 6 for fold in splits)
    assert splits[0].test.tolist() != splits[5].test.tolist()


def test_rare_rows_are_set_aside_and_not_lost(cases: Callable[..., Cases]) -> None:
    table = cases()
    for fold in make_folds(table, folds=5, repeats=1, rare_rows=10, seed=0):
        assert table.rare[fold.train].sum() == 10
        assert set(fold.rare_order[:10]) == set(fold.train[table.rare[fold.train]])
        assert fold.rare_order[10:].tolist() == fold.spare.tolist()
        assert sorted([*fold.train, *fold.spare, *fold.test]) == list(range(300))


def test_an_entity_is_on_one_side(draw_rows: Callable[..., pd.DataFrame], cases: Callable[..., Cases]) -> None:
    frame = draw_rows().assign(who=np.arange(300) // 4)
    table = cases(frame, entity="who")
    for fold in make_folds(table, folds=3, repeats=1, rare_rows=None, seed=0):
        whom = frame["who"].to_numpy()
        assert not set(whom[fold.train]) & set(whom[fold.test])
        fit, choose = inner_split(table, fold.train, 0)
        assert not set(whom[fit]) & set(whom[choose])


def test_the_past_is_learned_and_the_future_tested(
    draw_rows: Callable[..., pd.DataFrame], cases: Callable[..., Cases]
) -> None:
    day = np.random.default_rng(0).permutation(300) // 7
    table = cases(draw_rows().assign(day=day), time="day")
    splits = make_folds(table, folds=4, repeats=3, rare_rows=None, seed=0)
    assert len(splits) == 4  # one repeat
    for fold in splits:
        assert day[fold.train].max() < day[fold.test].min()
    assert [len(fold.train) for fold in splits] == sorted(len(fold.train) for fold in splits)


def test_the_past_of_whom_is_tested_is_left_out(
    draw_rows: Callable[..., pd.DataFrame], cases: Callable[..., Cases]
) -> None:
    who = np.arange(300) // 40
    table = cases(draw_rows().assign(day=np.arange(300), who=who), time="day", entity="who")
    for fold in make_folds(table, folds=2, repeats=1, rare_rows=None, seed=0):
        assert not set(who[fold.train]) & set(who[fold.test])


def test_too_many_folds_are_refused(cases: Callable[..., Cases], draw_rows: Callable[..., pd.DataFrame]) -> None:
    with pytest.raises(DataError, match="4 rare rows or entities cannot be in 5 folds; choose at most 4"):
        make_folds(cases(draw_rows(40)), folds=5, repeats=1, rare_rows=None, seed=0)
    with pytest.raises(ParameterError, match="folds is 1"):
        make_folds(cases(), folds=1, repeats=1, rare_rows=None, seed=0)


def test_a_time_of_which_all_rare_rows_are_at_once_is_refused(
    cases: Callable[..., Cases], draw_rows: Callable[..., pd.DataFrame]
) -> None:
    with pytest.raises(DataError, match="fold 1 has"):
        make_folds(cases(draw_rows().assign(day=1), time="day"), folds=2, repeats=1, rare_rows=None, seed=0)


BAD = [
    ({"target": "nothing"}, ParameterError, "no column 'nothing'"),
    ({"amount": "sum"}, ParameterError, r"no column 'sum' \(amount\)"),
    ({"positive": "perhaps"}, ParameterError, "no class 'perhaps'; choose from 'no', 'yes'"),
    ({"amount": "place"}, DataError, "the amount 'place' is '[ABC]' in row 0"),
    ({"weights": [1.0]}, DataError, "1 weights for 300 rows"),
    ({"weights": np.zeros(300)}, DataError, "the weights hold 0.0"),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD, ids=lambda value: str(value)[:20])
def test_bad_arguments_are_said(
    cases: Callable[..., Cases], changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        cases(**changes)


def test_bad_targets_are_said(cases: Callable[..., Cases], draw_rows: Callable[..., pd.DataFrame]) -> None:
    frame = draw_rows()
    with pytest.raises(DataError, match="missing in 1 rows; drop those rows"):
        cases(frame.assign(bad=frame["bad"].where(frame.index != 5)))
    with pytest.raises(DataError, match="fewer than two classes"):
        cases(frame.assign(bad="no"))
    with pytest.raises(DataError, match="class 'yes' of the target 'bad' has 1 rows"):
        cases(frame.assign(bad=np.where(frame.index == 3, "yes", "no")))


def test_constant_columns_teach_nothing(draw_rows: Callable[..., pd.DataFrame], cases: Callable[..., Cases]) -> None:
    with pytest.raises(DataError, match="no column varies"):
        cases(draw_rows()[["bad"]].assign(one=1, two="x"), schema=None)
