from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import synthx
from synthx.codec.sequence.long import LongTable, step_schema
from synthx.codec.sequence.steps import StepCodec
from synthx.models.sequences.distinct import distinct_steps

RNG = np.random.default_rng(0)


def distinct(frame: pd.DataFrame) -> int:
    schema = synthx.Schema.detect(frame, entity=frame.columns[0])
    long = LongTable.of(frame, schema)
    codec = StepCodec.fit(long.steps, step_schema(schema), long.starts, rare_threshold=5)
    return distinct_steps(codec.encode(long.steps, long.starts), long.starts)


def test_windows_hold_little_more_than_their_series() -> None:
    series = pd.DataFrame({"a": RNG.normal(0, 1, 500).cumsum(), "b": RNG.integers(0, 5, 500)})
    windows, _ = synthx.cut_windows(series, 24)
    assert len(windows) == 477 * 24
    assert distinct(windows) == round(477 * 24 * 498 / (477 * 22))  # 498 runs of three, each of 22 places a window


def test_sequences_of_their_own_are_all_distinct() -> None:
    frame = pd.DataFrame({"who": np.repeat(np.arange(50), 10), "a": RNG.normal(0, 1, 500)})
    assert distinct(frame) == 500


@pytest.mark.parametrize("length", [1, 2])
def test_sequences_too_short_to_tell_count_as_they_are(length: int) -> None:
    frame = pd.DataFrame({"who": np.repeat(np.arange(50), length), "a": RNG.integers(0, 9, 50 * length)})
    frame = pd.concat([frame, frame.assign(who=99).iloc[:1].assign(a=3)])
    assert distinct(frame) == len(frame)


def test_missing_cells_are_alike_and_words_count() -> None:
    cells = np.where(np.arange(300) % 3 == 0, np.nan, np.arange(300.0))
    one = pd.DataFrame({"who": 0, "a": cells, "b": RNG.choice(["x", "y"], 300)})
    frame = pd.concat([one.assign(who=who) for who in range(10)])
    assert distinct(frame) == 300  # ten times the same
    other = frame.assign(b=np.where(frame["who"] == 3, "z", frame["b"]))
    assert distinct(other) == 600
