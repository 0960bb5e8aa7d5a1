from __future__ import annotations

import pytest

from synthx_evaluation.report.pages.figures import printed
from synthx_evaluation.report.record import Cell


@pytest.mark.parametrize(
    ("value", "text"),
    [(16200, "16,200"), (0.50, "0.5"), (1e-5, "0.00001"), (-1234.5, "-1,234.5"), (-0.0, "0"), (1e-12, "1e-12"),
     (2.0, "2"), (None, "–"), (True, "yes"), ("<10", "<10")],
)  # fmt: skip
def test_a_cell_is_printed_with_its_own_digits(value: Cell, text: str) -> None:
    assert printed(value) == text
