from __future__ import annotations

import numpy as np
import pytest

from synthx.condition import Window
from synthx.errors import ConditionError
from synthx.models.conditions import check_met, confine


def test_offsets_move_into_the_part_of_their_bin_that_is_allowed() -> None:
    window = Window(np.array([0.5, 1.0]), low=np.array([0.5, 0.0]), high=np.array([1.0, 1.0]))
    offsets = np.array([[0.2, 0.2], [0.2, 0.4]])
    assert confine(offsets, np.array([[0, 0], [0, 1]]), {1: window}).tolist() == [[0.2, 0.6], [0.2, 0.4]]
    assert offsets[0, 1] == 0.2


def test_drawing_goes_on_until_it_is_known_to_be_in_vain() -> None:
    check_met(0, 199_999, rows="rows", remedy="widen them")
    check_met(20, 200_000, rows="rows", remedy="widen them")
    with pytest.raises(ConditionError, match=r"only 19 of 200,000 rows met all conditions at once"):
        check_met(19, 200_000, rows="rows", remedy="widen them")
