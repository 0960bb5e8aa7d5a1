from __future__ import annotations

import numpy as np
import pytest

from synthx.models.stages import mutual_information, plan_stages


def test_a_copy_tells_all_and_noise_tells_nothing() -> None:
    rng = np.random.default_rng(0)
    coin = rng.integers(0, 2, 20_000)
    digits = np.stack([coin, coin, rng.integers(0, 30, 20_000)], axis=1)
    information = mutual_information(digits, (2, 2, 30))
    assert information[0, 1] == pytest.approx(np.log(2), abs=1e-3)
    assert information[0, 2] < 1e-3  # the plug-in estimate would say 29 / 40,000 more
    assert (information == information.T).all()


def test_related_digits_come_in_different_stages() -> None:
    information = np.zeros((4, 4))
    information[0, 1] = information[1, 0] = information[2, 3] = information[3, 2] = 1.0
    for stage in plan_stages(information, stages=2):
        assert sorted(stage) not in ([0, 1], [2, 3])


def test_the_first_digit_is_alone_and_second_digits_come_later() -> None:
    plan = plan_stages(np.zeros((5, 5)), stages=2, first=3, after={1: 0})
    assert plan[0] == (3,)
    stage_of = {digit: index for index, stage in enumerate(plan) for digit in stage}
    assert stage_of[1] > stage_of[0]
    assert sorted(digit for stage in plan for digit in stage) == [0, 1, 2, 3, 4]


def test_one_digit_is_one_stage() -> None:
    assert plan_stages(np.zeros((1, 1)), stages=5, first=0) == ((0,),)
