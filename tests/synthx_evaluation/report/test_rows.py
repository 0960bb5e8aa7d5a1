from __future__ import annotations

import pytest

from synthx_evaluation.record import Better, Definition
from synthx_evaluation.report.parts import Profile
from synthx_evaluation.report.rows import row
from synthx_evaluation.report.suppression import Disclosure

STRONGEST = Definition("MIA-MAX", "1.0", "Strongest membership attack (AUC)", Better.HALF)
START = "Shown a training row and a row never seen, the strongest attacker names the training row 53.11% of the time;"


@pytest.mark.parametrize(
    ("p_value", "end"),
    [
        (0.4, "With real rows in the place of synthetic ones the figure is 0.51."),
        (0.002, "The difference is no chance (p = 0.002)."),
        (4e-31, "The difference is no chance (p below 0.001)."),
    ],
)
def test_a_small_leak_that_was_found_does_not_read_like_none(p_value: float, end: str) -> None:
    measure = STRONGEST.computed(0.5311, anchor=0.51, n=6_000, seed=0, p_value=p_value, detectable=0.52)
    shown = row(measure, Disclosure(profile=Profile.INTERNAL))
    assert shown.reading.startswith(START)
    assert shown.reading.endswith(end)


@pytest.mark.parametrize(("value", "words"), [(-0.00976, "less often"), (0.00976, "more often"), (0.0, "more often")])
def test_a_difference_is_worded_by_its_sign(value: float, words: str) -> None:
    linked = Definition("DISC-LINK", "1.0", "Linkability", Better.LOWER)
    shown = row(linked.computed(value, n=6_000, seed=0), Disclosure(profile=Profile.INTERNAL))
    points = "0.976" if value else "0"
    assert shown.reading.startswith(f"Two halves of a training row are linked {words} than those of a row never seen")
    assert shown.reading.endswith(f", by {points} percentage points.")
