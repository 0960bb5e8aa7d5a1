from __future__ import annotations

import numpy as np
import pytest

from synthx_evaluation.record import Better, Definition, Measure, Status, plain

SHAPE = Definition("T-SHAPE", "1.0", "Shapes", Better.HIGHER)


def test_a_computed_measure_holds_plain_values() -> None:
    measure = SHAPE.computed(
        np.float64(0.5), n=3, seed=1, interval=(np.float64(0.4), np.float64(0.6)), details={"a": (np.int64(1), None)}
    )
    assert type(measure.value) is float
    assert measure.details == {"a": [1, None]}
    assert measure.to_dict() == {
        "id": "T-SHAPE", "version": "1.0", "title": "Shapes", "better": "higher", "status": "computed", "value": 0.5,
        "interval": [0.4, 0.6], "anchor": None, "p_value": None, "detectable": None, "n": 3, "seed": 1, "reason": "",
        "details": {"a": [1, None]},
    }  # fmt: skip
    assert Measure.from_dict(measure.to_dict()) == measure


def test_a_test_has_a_p_value() -> None:
    measure = SHAPE.computed(0.5, n=3, seed=1, p_value=np.float64(0.25), detectable=0.75)
    assert (measure.p_value, measure.detectable) == (0.25, 0.75)
    old = {name: value for name, value in measure.to_dict().items() if name not in ("p_value", "detectable")}
    assert Measure.from_dict(old).p_value is None
    with pytest.raises(ValueError, match="which is no probability"):
        SHAPE.computed(0.5, n=3, seed=1, p_value=1.5)


def test_an_absent_measure_says_why() -> None:
    measure = SHAPE.skipped("too few rows")
    assert (measure.status, measure.value, measure.reason) == (Status.SKIPPED, None, "too few rows")
    assert Measure.from_dict(measure.to_dict()) == measure


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan")])
def test_a_silent_nan_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not a figure"):
        SHAPE.computed(value, n=1, seed=0)
    with pytest.raises(ValueError, match="not a figure"):
        SHAPE.computed(1.0, n=1, seed=0, details={"columns": [{"value": value}]})


def test_status_and_value_must_agree() -> None:
    with pytest.raises(ValueError, match="its reason is ''"):
        SHAPE.not_applicable("")
    with pytest.raises(ValueError, match="its value is 1"):
        Measure(id="a", version="1", title="", better=Better.LOWER, status=Status.SKIPPED, value=1.0, reason="too few")


def test_plain_refuses_what_json_cannot_hold() -> None:
    assert plain({1: (True, "x", Better.HALF)}) == {"1": [True, "x", "nearer 0.5"]}
    with pytest.raises(ValueError, match="ndarray has no JSON form"):
        plain(np.zeros(2))
