from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx_evaluation.report.sealing.canonical import canonical, digest


@pytest.mark.parametrize(
    ("value", "text"),
    [  # RFC 8785, appendix B, and ECMA-262
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (4.50, "4.5"),
        (2e-3, "0.002"),
        (1e-27, "1e-27"),
        (1e30, "1e+30"),
        (1e21, "1e+21"),
        (999999999999999900000.0, "999999999999999900000"),
        (333333333.33333329, "333333333.3333333"),
        (9007199254740992.0, "9007199254740992"),
        (-1.0e-7, "-1e-7"),
        (0.000001, "0.000001"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (-12.5, "-12.5"),
        (2**53 + 1, "9007199254740992"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(value: float, text: str) -> None:
    assert canonical(value) == text.encode()


def test_keys_are_in_the_order_of_their_utf_16_code_units() -> None:
    value = {"\u20ac": "Euro", "\r": "CR", "\ufb33": "Hebrew", "1": "One", "\U0001f600": "Face", "\u00f6": "o"}
    names = list(json.loads(canonical(value)))  # RFC 8785, section 3.2.3
    assert names == ["\r", "1", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


def test_nothing_but_the_values_changes_the_hash() -> None:
    assert canonical({"b": [True, None], "a": "é"}) == '{"a":"é","b":[true,null]}'.encode()
    assert digest({"b": 1, "a": 2.0}) == digest({"a": 2, "b": 1.0}) == hashlib.sha256(b'{"a":2,"b":1}').hexdigest()
    assert digest({"a": 2}) != digest({"a": 3})


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, b"bytes"])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical(value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    )
)  # fmt: skip
def test_it_reads_back_as_what_it_was(value: Any) -> None:
    assert json.loads(canonical(value)) == value
    assert canonical(json.loads(canonical(value))) == canonical(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_has_one_text(value: float) -> None:
    text = canonical(value)
    assert float(text) == value
    assert canonical(json.loads(text)) == text
