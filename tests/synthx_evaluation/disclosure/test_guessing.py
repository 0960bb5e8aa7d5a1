from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthx.errors import ParameterError
from synthx.schema import Kind
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure import inference
from synthx_evaluation.disclosure.secrets import Secret, choose

People = Callable[[int, int], pd.DataFrame]
Judged = Callable[..., Comparison]


def test_guesses_at_negative_numbers_are_judged_by_distance() -> None:
    secret = Secret("x", 0, discrete=False, tolerance=1.0)
    guesses = np.array([-100.0, -100.0, 5.0, np.nan, np.nan, 1.0])
    truth = np.array([5.0, -100.5, -5.0, np.nan, 2.0, np.nan])
    # By |guess - truth| / guess <= 0.05 every negative guess would be right.
    assert secret.right(guesses, truth).tolist() == [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]


def test_the_best_blind_guess_by_hand() -> None:
    level = Secret("x", 0, discrete=True, tolerance=0.0)
    assert level.majority(np.array([2.0, 0.0, 2.0, np.nan])) == 2.0
    assert np.isnan(level.majority(np.array([np.nan, np.nan, 1.0])))
    number = Secret("x", 0, discrete=False, tolerance=1.0)
    assert number.majority(np.array([1.0, 2.0, 9.0, np.nan])) == 2.0
    assert np.isnan(number.majority(np.array([1.0, np.nan, np.nan])))


def test_an_independent_secret_of_76_to_24_is_known_to_anyone(judged: Judged) -> None:
    def rows(n: int, seed: int) -> pd.DataFrame:
        generator = np.random.default_rng(seed)
        secret = np.where(generator.permutation(n) < 0.76 * n, "yes", "no")
        # Row labels of their own: a baseline that joins guesses and truths by label would be far too low.
        return pd.DataFrame({"a": generator.normal(size=n), "e": secret}, index=generator.permutation(n) + 10 * n)

    for found in inference(judged(rows(1000, 1), rows(1000, 2), rows(1000, 3)), secrets=["e"]):
        known = found.details["secrets"]["e"]
        assert known["majority"] == pytest.approx(0.76)
        assert known["prior"] == pytest.approx(0.76**2 + 0.24**2)  # 0.635
        assert known["attack"]["rate"] <= known["majority"] + 0.02
        assert found.p_value is not None
        assert found.p_value > 0.01


def test_copies_give_secrets_away(people: People, judged: Judged) -> None:
    train = people(300, 1)
    nearest, model = inference(judged(train, train, people(300, 2)))
    assert [nearest.id, model.id] == ["DISC-INFER-NEAREST", "DISC-INFER-MODEL"]
    for found in (nearest, model):
        assert found.interval is not None
        assert found.p_value is not None
        assert found.interval[0] > 0.1
        assert found.p_value < 0.001
        assert found.details["worst_p_value"] < 0.001
    assert nearest.details["attack"]["rate"] > 0.95
    # What real rows that are none of the training rows teach is far less.
    assert nearest.details["reference"] < 0.6


def test_negative_secrets_of_fresh_draws_are_no_leak(people: People, judged: Judged) -> None:
    tables = [people(300, seed)[["a", "b"]] - 1000 for seed in range(3)]
    for found in inference(judged(*tables)):
        assert found.p_value is not None
        assert found.p_value > 0.01
        assert found.details["attack"]["rate"] < 0.2  # within a tenth of the quartiles' distance


def test_fresh_draws_raise_no_alarm(people: People, judged: Judged) -> None:
    # Each p-value falls below 0.01 once in a hundred fresh tables: 3 or more of 20 happen once in a thousand runs.
    def pair(i: int) -> Comparison:
        return judged(*(people(n, 3 * i + k)[["a", "b", "e", "f"]] for k, n in enumerate((60, 100, 80))))

    found = [inference(pair(i), secrets=["b", "f"]) for i in range(20)]
    for k in range(2):
        assert sum(measures[k].p_value is not None and measures[k].p_value < 0.01 for measures in found) < 3


def test_secrets_are_chosen_by_entropy(judged: Judged) -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({f"x{j}": generator.integers(0, j + 1, size=200) for j in range(14)})
    chosen = choose(judged(frame, frame, frame, Kind.CATEGORICAL))
    assert [secret.name for secret in chosen] == [f"x{j}" for j in range(4, 14)]
    assert [secret.name for secret in choose(judged(frame, frame, frame), ["x1", "x0"])] == ["x1"]  # x0 never varies
    with pytest.raises(ParameterError, match="'age' is no column"):
        choose(judged(frame, frame, frame), ["age"])
