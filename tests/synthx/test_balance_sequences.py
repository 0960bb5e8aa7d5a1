"""More entities with a rare label, and the traditional ways to make them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthx.balance import SequenceOverSampler, jitter, scaling, time_warping
from synthx.errors import DataError, ParameterError, PrivacyError, SchemaError, UnsupportedError
from synthx.models.autoregressive import TabularAR
from synthx.models.recurrent_vae import SequenceVAE
from synthx.schema import Kind, Schema
from synthx_privacy.privacy import Privacy

INSTANT: dict[str, Any] = {"steps": 4, "prior_steps": 2, "latent": 3, "hidden": 16, "width": 4, "units": 8}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = TabularAR.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setattr(TabularAR.__init__, "__kwdefaults__", {**defaults, "steps": 20, "width": 16, "hidden": 16})


def accounts(key: str = "number") -> tuple[pd.DataFrame, Schema]:
    """Return forty accounts of 3 to 6 steps, eight of them with fraud."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 7, 40)
    of_row = np.repeat(np.arange(40), lengths)
    frame = pd.DataFrame(
        {
            "account": of_row + 100 if key == "number" else [f"A{place}" for place in of_row],
            "day": np.concatenate([np.arange(length) for length in lengths]),
            "fraud": np.where(of_row % 5 == 0, "yes", "no"),
            "amount": rng.normal(100, 10, len(of_row)).round(2),
            "count": pd.array(rng.integers(1, 30, len(of_row)), dtype="Int64"),
            "shop": rng.choice(["a", "b"], len(of_row)),
        }
    )
    frame.loc[frame.index[::11], "count"] = pd.NA
    return frame, Schema.detect(frame, entity="account", time="day", target="fraud")


@pytest.mark.parametrize("key", ["number", "text"])
def test_new_entities_of_the_rare_label_follow_the_real_steps(key: str) -> None:
    frame, schema = accounts(key)
    made = SequenceOverSampler(SequenceVAE(**INSTANT), sampling_strategy=0.5, random_state=0)
    balanced = made.fit_resample(frame, schema)
    pd.testing.assert_frame_equal(balanced.iloc[: len(frame)], frame)
    new = balanced[made.synthetic_mask_]
    assert made.synthetic_mask_.sum() == len(balanced) - len(frame)
    assert new["account"].nunique() == 8  # 32 accounts without fraud, 8 with: half is 16
    assert set(new["fraud"]) == {"yes"}
    assert not set(new["account"]) & set(frame["account"])
    assert balanced.dtypes.equals(frame.dtypes)
    assert made.report_ == {"yes": 8}


def test_a_label_that_few_entities_have_is_still_known() -> None:
    frame, schema = accounts()
    kept = frame[(frame["fraud"] == "no") | (frame["account"] < 111)]
    made = SequenceOverSampler(SequenceVAE(**INSTANT), sampling_strategy={"yes": 6}, random_state=0)
    balanced = made.fit_resample(kept.reset_index(drop=True), schema)
    assert balanced.loc[balanced["fraud"] == "yes", "account"].nunique() == 6


def test_what_cannot_be_balanced_is_refused() -> None:
    frame, schema = accounts()
    made = SequenceOverSampler(SequenceVAE(**INSTANT), random_state=0)
    with pytest.raises(SchemaError, match="the target 'shop' changes from step to step"):
        made.fit_resample(frame, schema.with_target("shop"))
    with pytest.raises(SchemaError, match="the schema names no target"):
        made.fit_resample(frame, schema.replace("fraud", role=None))
    with pytest.raises(SchemaError, match="the schema names no entity"):
        made.fit_resample(frame, schema.replace("account", role=None))
    with pytest.raises(DataError, match="the class 'yes' has one entity"):
        lone = frame[(frame["fraud"] == "no") | (frame["account"] == 100)].reset_index(drop=True)
        made.fit_resample(lone, schema)
    with pytest.raises(ParameterError, match="asks for 3 rows of the class 'yes', which has 8"):
        SequenceOverSampler(sampling_strategy={"yes": 3}).fit_resample(frame, schema)
    with pytest.raises(UnsupportedError, match="TabularAR is no model of sequences"):
        SequenceOverSampler(TabularAR()).fit_resample(frame, schema)  # type: ignore[arg-type]
    with pytest.raises(PrivacyError, match="holds the real steps themselves"):
        SequenceOverSampler(SequenceVAE(privacy=Privacy(epsilon=1), horizon=5)).fit_resample(frame, schema)


# -- the traditional ways -----------------------------------------------------------------------------------------


def one_ramp() -> tuple[pd.DataFrame, Schema]:
    frame = pd.DataFrame(
        {"k": 1, "t": range(5), "x": [0.0, 10.0, 20.0, 30.0, 40.0], "n": [0, 1, 2, 3, 4], "s": list("aabbc")}
    )
    schema = Schema.detect(pd.concat([frame, frame.assign(k=2)]), entity="k", time="t", static=())
    schema = schema.replace("x", kind=Kind.DECIMAL, decimals=None).replace("n", kind=Kind.INTEGER)
    return frame, schema


@pytest.mark.parametrize("way", [jitter, scaling, time_warping])
def test_no_strength_changes_nothing(way: Any) -> None:
    frame, schema = one_ramp()
    rows, of_row = way(frame, schema, 3, strength=0.0, seed=0)
    assert of_row.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    for copy in range(3):
        part = rows[of_row == copy].reset_index(drop=True)
        pd.testing.assert_frame_equal(part[["t", "x", "n", "s"]], frame[["t", "x", "n", "s"]])


def test_jitter_is_as_strong_as_it_was_asked_to_be() -> None:
    frame, schema = one_ramp()
    rows, _ = jitter(frame, schema, 2_000, strength=0.1, seed=0)
    noise = rows["x"].to_numpy() - np.tile(frame["x"], 2_000)
    assert noise.std() == pytest.approx(0.1 * frame["x"].std(ddof=0), rel=0.05)
    assert rows["n"].dtype == frame["n"].dtype


def test_scaling_takes_one_factor_an_entity() -> None:
    frame, schema = one_ramp()
    rows, of_row = scaling(frame, schema, 50, strength=0.2, seed=0)
    factor = rows["x"].to_numpy().reshape(50, 5)[:, 1:] / frame["x"].to_numpy()[1:]
    assert np.ptp(factor, axis=1).max() < 1e-9
    assert 0.1 < factor[:, 0].std() < 0.3
    assert len(of_row) == 250


def test_time_warping_keeps_the_ends_and_the_order() -> None:
    frame, schema = one_ramp()
    rows, _ = time_warping(frame, schema, 50, strength=0.2, seed=0)
    x = rows["x"].to_numpy().reshape(50, 5)
    assert x[:, [0, -1]].tolist() == [[0.0, 40.0]] * 50
    assert (np.diff(x, axis=1) > 0).all()
    assert x[:, 2].std() > 1
    assert rows["s"].tolist() == list("aabbc") * 50


def test_gaps_stay_gaps() -> None:
    frame, schema = accounts()
    rows, _ = jitter(frame, schema, 40, seed=0)
    assert rows["count"].isna().mean() == pytest.approx(1 / 11, abs=0.06)
    assert rows["count"].dtype == "Int64"


def test_senseless_wishes_are_refused() -> None:
    frame, schema = one_ramp()
    with pytest.raises(ParameterError, match="0 entities were asked for"):
        jitter(frame, schema, 0)
    with pytest.raises(ParameterError, match="strength is 1"):
        scaling(frame, schema, 1, strength=1)
    with pytest.raises(DataError, match="there is no entity"):
        time_warping(frame.iloc[:0], schema, 1)
