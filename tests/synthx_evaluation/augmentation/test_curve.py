from __future__ import annotations

import numpy as np
import pytest

from synthx_evaluation.augmentation.curve import Curve, Worth

CURVE = Curve(np.array([25.0, 50.0, 100.0, 200.0]), np.array([0.1, 0.2, 0.4, 0.5]))


def test_worth_is_read_off_the_curve() -> None:
    assert CURVE.worth(0.4, 50).cases == pytest.approx(50.0)
    assert CURVE.worth(0.3, 50).cases == pytest.approx(np.sqrt(50 * 100) - 50)  # half way, on a logarithmic scale
    assert str(CURVE.worth(0.4, 50)) == "about 50"


def test_no_gain_is_worth_nothing() -> None:
    assert CURVE.worth(0.2, 50) == CURVE.worth(0.05, 50) == Worth(0.0)


def test_beyond_the_curve_is_more_than_can_be_told() -> None:
    assert CURVE.worth(0.6, 50) == Worth(150.0, at_least=True)
    assert str(CURVE.worth(0.6, 50)) == "more than 150"


def test_a_curve_that_falls_is_flat() -> None:
    uneven = Curve(np.array([25.0, 50.0, 100.0]), np.array([0.3, 0.2, 0.4]))
    assert uneven.worth(0.3, 50) == Worth(0.0)
    assert uneven.worth(0.35, 50).cases == pytest.approx(np.sqrt(50 * 100) - 50)


def test_a_curve_of_one_point_tells_only_that_it_may_be_more() -> None:
    assert Curve(np.array([50.0]), np.array([0.2])).worth(0.3, 50) == Worth(0.0, at_least=True)
