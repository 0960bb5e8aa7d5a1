from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx.errors import ParameterError
from synthx_evaluation.report.parts import Profile
from synthx_evaluation.report.rounding import figure, rounded, shown
from synthx_evaluation.report.suppression import Disclosure


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [(0.98765432, 4, 0.9877), (12345.6, 3, 12300.0), (0.000123456, 3, 0.000123), (-0.0, 4, 0.0), (0.5, 4, 0.5)],
)
def test_figures_have_so_many_digits(value: float, digits: int, expected: float) -> None:
    assert rounded(value, digits) == expected
    assert str(rounded(-0.0, digits)) == "0.0"
    assert figure(None, digits) is None


@given(st.floats(-1e12, 1e12), st.integers(2, 6))
def test_rounding_twice_is_rounding_once(value: float, digits: int) -> None:
    assert rounded(rounded(value, digits), digits) == rounded(value, digits)


def test_figures_in_sentences_are_grouped() -> None:
    assert [shown(value, 4) for value in (1234567.0, 0.51239, 62.0, 0.00001234)] == [
        "1,235,000", "0.5124", "62", "0.00001234",
    ]  # fmt: skip


INTERNAL = Disclosure(Profile.INTERNAL, 10, frozenset({"town"}))
SHARED = Disclosure(Profile.SHAREABLE, 10, frozenset({"town"}), frozenset({"sex"}), private=True)


def test_small_counts_are_suppressed() -> None:
    assert [INTERNAL.count(n) for n in (None, 0, 1, 9, 10, 4321)] == [None, 0, "<10", "<10", 10, 4321]


def test_a_guarantee_covers_the_number_of_rows() -> None:
    assert [SHARED.count(n) for n in (9, 4321, 12)] == ["<10", 4300, 12]
    assert (SHARED.rows(987), INTERNAL.rows(987)) == (990, 987)


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([50, 40, 30], [False, False, False]),
        ([50, 40, 3], [False, True, True]),  # the total would tell the 3
        ([50, 4, 3], [False, True, True]),
        ([3], [True]),
        ([], []),
    ],
)
def test_no_suppressed_group_can_be_worked_out_from_the_rest(counts: list[float], hidden: list[bool]) -> None:
    assert INTERNAL.withheld(counts) == hidden


@given(st.lists(st.integers(0, 30), max_size=8))
def test_never_is_one_group_alone_withheld(counts: list[int]) -> None:
    hidden = INTERNAL.withheld(counts)
    assert sum(hidden) != 1 or len(counts) == 1
    assert all(gone for count, gone in zip(counts, hidden, strict=True) if count < 10)


def test_levels_are_named_only_inside_or_where_they_are_public() -> None:
    assert INTERNAL.labels("town", ["Bath", "Ayr"]) == ["Bath", "Ayr"]
    assert SHARED.labels("town", ["Bath", "Ayr"]) == ["group 1", "group 2"]
    assert SHARED.labels("sex", ["f", "m"]) == ["f", "m"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("the target 'town' is decimal", "the target 'town' is decimal"),
        ("'town' has one class, 'Ayr'", "'town' has one class, (a value, withheld)"),
        ('it holds "O\'Hara" twice', "it holds (a value, withheld) twice"),
        ("needs 50 rows, the smallest has 7", "needs 50 rows, the smallest has <10"),
        ("needs 100, there are 1,160, 160 and 4", "needs 100, there are 1,160, 160 and <10"),
        ("there are 0 of them", "there are 0 of them"),
    ],
)
def test_reasons_carry_no_cell_and_no_small_count(reason: str, expected: str) -> None:
    assert INTERNAL.sentence(reason) == expected


def test_the_smallest_cell_is_at_least_one() -> None:
    with pytest.raises(ParameterError, match="smallest cell is 0"):
        Disclosure(Profile.INTERNAL, 0)
