from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from synthx.schema import Kind
from synthx_evaluation import Measure, Status
from synthx_evaluation.sequences.comparison import SequenceComparison, compare_sequences
from synthx_evaluation.sequences.dynamics import autocorrelation, autocorrelation_curves, cross_correlation, transitions
from synthx_evaluation.sequences.marginals import gaps, lengths, positions, steps
from synthx_evaluation.sequences.spectrum import spectrum

Tiny = Callable[..., Any]
Take = Callable[[SequenceComparison], list[Measure]]


def _take(take: Take, tiny: Tiny, synthetic: list[list[Any]], real: list[list[Any]], **options: Any) -> Measure:
    times = options.pop("times", (None, None))
    made, _ = tiny(*synthetic, times=times[0], **options)
    train, schema = tiny(*real, times=times[1], **options)
    comparison = compare_sequences(made, train=train, holdout=None, schema=schema, target=None, protected=(), seed=0)
    (measure,) = take(comparison)
    return measure


def test_autocorrelation_of_alternating_and_of_blocked_values(tiny: Tiny) -> None:
    swinging, blocked = [1.0, -1.0] * 4, [1.0, 1.0, -1.0, -1.0] * 2
    measure = _take(autocorrelation, tiny, [swinging] * 20, [blocked] * 20)
    # The agreements less the disagreements of pairs: at lag 1 4 - 3 of 7, at lag 2 0 - 6 of 6, at lag 3 2 - 3 of 5.
    # Lag 4 has 4 pairs a sequence, 80 in all, and does not count any more, nor do longer lags.
    assert measure.value == pytest.approx((abs(-1 - 1 / 7) + abs(1 - -1) + abs(-1 - -1 / 5)) / 3)


def test_autocorrelation_ignores_levels_and_missing_pairs(tiny: Tiny) -> None:
    real = [[1.0, -1.0] * 10 for _ in range(20)]
    moved = [[level + 1.0, level - 1.0] * 10 for level in range(20)]
    assert _take(autocorrelation, tiny, moved, real).value == pytest.approx(0.0)
    holes = [[1.0, -1.0, 1.0, -1.0, None, -1.0, 1.0, -1.0, 1.0, None] * 2 for _ in range(20)]
    assert _take(autocorrelation, tiny, holes, real).value == pytest.approx(0.0, abs=0.05)


def test_the_curves_of_short_sequences_stay_within_one(tiny: Tiny) -> None:
    """From lag 2 on only the long sequences have pairs, which swing five times as wide as the others."""
    short, long = [1.0, -1.0], [5.0, 5.0, 5.0, -5.0, -5.0, -5.0] * 2
    frame, schema = tiny(*[short] * 400, *[long] * 20)
    comparison = compare_sequences(frame, train=frame, holdout=None, schema=schema, target=None, protected=(), seed=0)
    (curve,) = autocorrelation_curves(comparison.train)
    # Lag 1 has 20 x (8 x 25 - 3 x 25) of the long ones less 400 of the short; lag 7 has 5 pairs of each long one.
    squares = 20 * 11 * 25 + 400
    assert curve[:7] == pytest.approx([2_100 / squares, -1 / 5, -1.0, -1 / 2, 1 / 7, 1.0, 3 / 5])
    assert np.isnan(curve[7:]).all()


def test_too_few_pairs_are_told(tiny: Tiny) -> None:
    measure = _take(autocorrelation, tiny, [[1.0, 2.0]] * 9, [[1.0, 2.0]] * 200)
    assert measure.status is Status.SKIPPED
    assert measure.reason == "no number has 100 pairs of neighbouring cells in each table"


def test_transitions_by_hand(tiny: Tiny) -> None:
    """Real: a leads to b, b to a. Synthetic: a leads to b, b to a and b alike. Rows: distance 0 and 1/2."""
    measure = _take(transitions, tiny, [["a", "b", "a"], ["a", "b", "b"]], [["a", "b", "a"]] * 2, kind=Kind.CATEGORICAL)
    assert measure.value == pytest.approx(0.5 * 0 + 0.5 * 0.5)
    never = _take(transitions, tiny, [["a", "a"]], [["b", "b", "b"], ["a", "a"]], kind=Kind.CATEGORICAL)
    assert never.value == pytest.approx(2 / 3)  # b, two thirds of the real steps, is never left
    gone = _take(transitions, tiny, [["a", None, "a"]], [["a", "a", "a"]], kind=Kind.CATEGORICAL)
    assert gone.value == 1.0  # missing is a level


def test_spectrum_of_two_rhythms(tiny: Tiny) -> None:
    def wave(period: int) -> list[float]:
        return np.cos(2 * np.pi * np.arange(16) / period).round(12).tolist()

    measure = _take(spectrum, tiny, [wave(4)] * 20 + [wave(8)] * 20, [wave(4)] * 40)
    assert measure.value == pytest.approx(0.5)  # half the power lies elsewhere
    assert (measure.details["segment_steps"], measure.details["time_between_steps"]) == (16, 1.0)
    assert _take(spectrum, tiny, [wave(4)] * 19, [wave(4)] * 40).status is Status.SKIPPED
    assert _take(spectrum, tiny, [[1.0] * 16] * 40, [wave(4)] * 40).status is Status.SKIPPED


def test_spectrum_wants_even_spacing(tiny: Tiny) -> None:
    wave = [0.0, 1.0] * 8
    even, odd = [list(range(16))] * 40, [[*range(8), *range(9, 17)]] * 40
    assert _take(spectrum, tiny, [wave] * 40, [wave] * 40, times=(even, even)).value == pytest.approx(0.0)
    assert _take(spectrum, tiny, [wave] * 40, [wave] * 40, times=(odd, even)).status is Status.SKIPPED


def test_lengths_and_gaps_by_hand(tiny: Tiny) -> None:
    times = ([[0, 1, 2], [0, 3]], [[0, 1, 2], [5, 6, 7]])
    values = ([[1.0, 1.0, 1.0], [1.0, 1.0]], [[1.0] * 3, [1.0] * 3])
    assert _take(lengths, tiny, *values, times=times).value == 0.5
    measure = _take(gaps, tiny, *values, times=times)
    assert measure.value == pytest.approx(2 / 3)  # gaps 1, 1, 3 against 1, 1, 1, 1
    assert (measure.details["mean_synthetic"], measure.details["mean_train"]) == (pytest.approx(5 / 3), 1)
    assert _take(gaps, tiny, *values).status is Status.NOT_APPLICABLE


def test_steps_and_positions_by_hand(tiny: Tiny) -> None:
    """Synthetic sequences run backwards: all steps together are the same, at each step number nothing is."""
    synthetic, real = [[1.0, 0.0]] * 60, [[0.0, 1.0]] * 60
    assert _take(steps, tiny, synthetic, real).value == 1.0
    assert _take(positions, tiny, synthetic, real).value == 0.0
    assert _take(positions, tiny, [[0.0, 1.0, 2.0], *[[0.0]] * 59], real).value == 1.0  # one step number is left
    assert _take(positions, tiny, real[:49], real).status is Status.SKIPPED


def test_cross_correlation_by_hand(draw: Callable[..., Any], compared: Callable[..., SequenceComparison]) -> None:
    real = draw(30, 1)
    real["pressure"] = real["pulse"] * 2 - 1
    synthetic = real.assign(pressure=-real["pulse"])
    (measure,) = cross_correlation(compared(synthetic, real.assign(stay=real["stay"] + 1)))
    assert measure.value == pytest.approx(2.0)  # from 1 to -1
    assert measure.details["parts"]["pulse, pressure"]["value"] == pytest.approx(2.0)
