"""Private sequences: one entity more or less changes nothing but noisy queries, each by its sensitivity at most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synthx
from synthx.errors import PrivacyError
from synthx.models.private.sequences.fit import buy_sequences, check_sequences
from synthx.models.private.sequences.layout import Layout
from synthx.models.private.sequences.runs import Runs, pick
from synthx.models.private.sequences.simulation import imagine
from synthx.models.private.sequences.steps import NEVER, NOT_YET, SEEN, Steps, seen_code
from synthx.models.recurrent_vae import SequenceVAE
from synthx.schema import Column, Kind, Role, Schema
from synthx_privacy import Ledger, Privacy
from synthx_privacy.audit.chance import repeatable
from synthx_privacy.audit.replay import audit_neighbours
from synthx_privacy.tree import TreeModel

from ..made_sequences import INSTANT, few_static_steps

HORIZON = 8


def schema() -> Schema:
    return Schema(
        (
            Column(name="who", kind=Kind.IDENTIFIER, dtype="object", role=Role.ENTITY, format="P-####"),
            Column(name="day", kind=Kind.INTEGER, dtype="int64", role=Role.TIME, lower=0, upper=30),
            Column(name="sex", kind=Kind.CATEGORICAL, static=True, levels=("F", "M")),
            Column(name="ill", kind=Kind.BOOLEAN, dtype="bool", static=True, role=Role.TARGET),
            Column(name="pulse", kind=Kind.INTEGER, dtype="int64", lower=30, upper=150),
            Column(name="iron", kind=Kind.DECIMAL, dtype="float64", nullable=True, lower=0.0, upper=9.9, decimals=1),
            Column(name="ward", kind=Kind.CATEGORICAL, nullable=True, levels=("a", "b")),
        )
    )


def visits(count: int, *, seed: int = 0) -> pd.DataFrame:
    """Return entities of 1 to 10 steps, whose pulse hardly changes; the ill ones have a higher one."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 11, count)
    who = np.repeat(np.arange(count), lengths)
    ill = rng.random(count) < 0.4
    place = np.arange(len(who)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    pulse = (70 + 30 * ill + rng.normal(0, 8, count))[who] + rng.normal(0, 1, len(who))
    return pd.DataFrame(
        {
            "who": [f"P-{each:04d}" for each in who],
            "day": place * rng.integers(1, 3, count)[who],
            "sex": rng.choice(["F", "M"], count)[who],
            "ill": ill[who],
            "pulse": np.rint(pulse).astype(int),
            "iron": np.where(rng.random(len(who)) < 0.5, np.round(rng.normal(5, 1, count)[who], 1), np.nan),
            "ward": pd.Series(rng.choice(["a", "b"], count)[who]).mask(rng.random(len(who)) < 0.1),
        }
    )


def entity(rows: int, **cells: Any) -> pd.DataFrame:
    usual = {"who": "P-9999", "day": 1, "sex": "F", "ill": True, "pulse": 80, "iron": 5.0, "ward": "a"} | cells
    return pd.DataFrame([usual] * rows)


def joined(*frames: pd.DataFrame) -> pd.DataFrame:
    """Return frames one below the other, with the dtypes that pandas gives such cells."""
    return pd.DataFrame({name: pd.Series([c for each in frames for c in each[name]]) for name in frames[0].columns})


NEIGHBOURS = {
    "an ordinary entity": entity(3),
    "the longest sequence": entity(500),
    "a level that no other has": entity(2, ward="z", sex="X"),
    "static cells that vary": joined(entity(1, sex="F"), entity(1, sex="M", ill=False)),
    "times that go backwards": joined(entity(1, day=9), entity(1, day=3), entity(1, day=3)),
    "a time beyond its bounds": entity(2, day=10_000_000),
    "no time at all": entity(2, day=None),
    "text for numbers": entity(2, pulse="many", iron="none"),
    "numbers beyond all bounds": joined(entity(1, pulse=1e300), entity(2, iron=-np.inf)),
    "missing cells": entity(2, sex=None, ill=None, pulse=None, ward=None, iron=None),
    "rows without a key": entity(2, who=None),
}


@pytest.fixture
def hasty_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit trees in few steps: all of it comes after the noise."""
    usual = TreeModel.fit.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(TreeModel, "fit", classmethod(lambda cls, measured: usual(cls, measured, iterations=2)))


def bought(frame: pd.DataFrame) -> dict[str, Any]:
    """Return all that is published of a fit, before a network learns from it."""
    declared, horizon = check_sequences(frame, schema(), Privacy(epsilon=8, unit="who"), HORIZON)
    found = buy_sequences(frame, declared, Privacy(epsilon=8, unit="who"), horizon, ledger=Ledger(), name="test")
    return {
        "entities": found.entities,
        "codec": str(found.codec.to_dict()),
        "beginning": found.beginning[1].to_dict()[1],
        "moves": [[*move.slopes, move.rest, move.repeated] for move in found.moves],
        "imagined": imagine(found, 50, np.random.default_rng(0)).to_csv(),
    }


@pytest.mark.usefixtures("hasty_trees")
def test_an_entity_changes_each_query_by_its_sensitivity_and_nothing_else() -> None:
    frame = visits(400)
    neighbours = {name: joined(frame, more) for name, more in NEIGHBOURS.items()}
    neighbours["the last entity left out"] = frame[frame["who"] != frame["who"].iloc[-1]]
    neighbours["the first entity left out"] = frame[frame["who"] != frame["who"].iloc[0]]
    for finding in audit_neighbours(bought, frame, neighbours):
        assert not finding.is_failure, str(finding)


def test_steps_are_sorted_cut_and_clamped() -> None:
    frame = pd.DataFrame(
        {
            "who": ["b", "a", "b", None, "a", "b"],
            "day": [7, 3, 2, 0, None, 99],
            "sex": "F",
            "ill": True,
            "pulse": [60, 70, 61, 0, 71, 999],
            "iron": [None, 1.0, 2.0, 9.0, None, 3.0],
            "ward": "a",
        }
    )
    runs = Runs.of(frame, Layout.of(schema(), 2))
    assert runs.rows.tolist() == [2, 0, 4, 1]  # the last of b's three is cut off; a's missing time is the lower bound
    assert runs.clock.tolist() == [2, 7, 0, 3]
    assert (runs.lengths.tolist(), runs.cut) == ([2, 2], 1)
    steps = Steps.of(frame, runs, Layout.of(schema(), 2))
    assert steps.values[:, 0].tolist() == [61, 60, 71, 70]
    assert steps.first(1).tolist() == [2.0, 1.0]
    assert steps.stands(1, runs.starts + 1).tolist() == [SEEN + 4 + 2, SEEN + 2]  # a step ago and now, at every other
    assert steps.stands(1, runs.starts).tolist() == [SEEN + 3, NOT_YET]  # at every step so far; not yet
    moves = steps.moves(0)
    assert (moves.values.tolist(), moves.means.tolist(), moves.then.tolist()) == ([61, 71], [61, 71], [60, 70])
    whole = Runs.of(frame, Layout.of(schema(), 9))
    assert Steps.of(frame, whole, Layout.of(schema(), 9)).moves(0).means.tolist() == [61, 60.5, 71]


def test_a_number_that_is_never_there_is_told_apart() -> None:
    frame = entity(3).assign(iron=None)
    layout = Layout.of(schema(), 3)
    steps = Steps.of(frame, Runs.of(frame, layout), layout)
    assert steps.stands(1, np.array([1])).tolist() == [NEVER]


def test_what_was_observed_has_few_codes() -> None:
    ages = np.array([0, 1, 2, 3, 4, 7, 8, 15, 16, 500])
    assert (seen_code(ages, np.zeros(10)) - SEEN).tolist() == [0, 4, 8, 8, 12, 12, 16, 16, 20, 20]
    assert (seen_code(np.zeros(4, int), np.array([0.1, 0.3, 0.5, 1.0])) - SEEN).tolist() == [0, 1, 2, 3]


def test_one_candidate_of_each_entity_is_picked() -> None:
    frame = joined(entity(3, who="a"), entity(2, who="b"), entity(1, who="c"))
    runs = Runs.of(frame, Layout.of(schema(), 5))
    candidates = np.array([True, False, True, False, True, False])
    assert pick(runs, candidates, np.array([0.0, 0.0, 0.0])).tolist() == [0, 4, -1]
    assert pick(runs, candidates, np.array([0.99, 0.99, 0.99])).tolist() == [2, 4, -1]
    assert pick(runs, candidates, np.zeros(3), follow=True).tolist() == [[0, 2], [-1, -1], [-1, -1]]


@pytest.fixture(scope="module")
def model() -> SequenceVAE:
    private = Privacy(epsilon=20, unit="who", new_budget=True)
    with few_static_steps(), repeatable(0):
        return SequenceVAE(privacy=private, horizon=HORIZON, **INSTANT).fit(visits(1_500), schema())


def test_a_private_fit_spends_what_it_may_and_draws_what_the_schema_says(model: SequenceVAE) -> None:
    assert 19 < model.ledger.epsilon() <= 20
    assert {entry.unit for entry in model.ledger.entries} == {"who"}
    frame = model.sample(200, given={"ill": True}, seed=0)
    assert list(frame.columns) == list(schema().names)
    assert frame["ill"].all() and frame["ward"].dropna().isin(["a", "b"]).all()
    assert frame.groupby("who").size().max() <= HORIZON
    assert model.sample(5, length=4, seed=0).groupby("who").size().tolist() == [4] * 5


def test_a_private_model_is_kept_in_a_file_and_goes_on(model: SequenceVAE, tmp_path: Path) -> None:
    model.save(tmp_path / "private.synthx")
    read = synthx.load(tmp_path / "private.synthx")
    assert isinstance(read, SequenceVAE)
    assert read.ledger.epsilon() == model.ledger.epsilon()
    assert (read.horizon, read.privacy.unit if read.privacy else None) == (HORIZON, "who")
    pd.testing.assert_frame_equal(read.sample(3, seed=1), model.sample(3, seed=1))
    more = read.continue_from(entity(2, iron=None, ward="a").assign(day=[1, 2]), steps=2, seed=0)
    assert len(more) == 2


def test_imagined_sequences_keep_what_lasts_and_what_it_depends_on() -> None:
    private = Privacy(epsilon=50, unit="who")
    with repeatable(0):
        found = buy_sequences(visits(3_000), schema(), private, HORIZON, ledger=Ledger(), name="test")
    frame = imagine(found, 2_000, np.random.default_rng(0))
    real, made = (each.groupby("who")["pulse"].agg(["mean", "std"]).mean() for each in (visits(3_000), frame))
    assert made["mean"] == pytest.approx(real["mean"], abs=4)
    assert made["std"] < 5  # within an entity; 19 among all
    of = frame.groupby("ill")["pulse"].mean()
    assert of[True] - of[False] > 20
    never = frame.groupby("who")["iron"].apply(lambda cells: cells.isna().all()).mean()
    expected = visits(3_000).groupby("who")["iron"].apply(lambda cells: cells.isna().all()).mean()
    assert never == pytest.approx(expected, abs=0.06)


def test_refusals_name_the_cure() -> None:
    private = Privacy(epsilon=8, unit="who")
    with pytest.raises(PrivacyError, match="horizon=48"):
        SequenceVAE(privacy=private).fit(visits(300), schema())
    with pytest.raises(PrivacyError, match=r"Privacy\(unit='who'\)"):
        SequenceVAE(privacy=Privacy(epsilon=8), horizon=8).fit(visits(300), schema())
    with pytest.raises(PrivacyError, match="no schema"):
        SequenceVAE(privacy=private, horizon=8).fit(visits(300))
    with pytest.raises(PrivacyError, match="'pulse' declares no bounds"):
        SequenceVAE(privacy=private, horizon=8).fit(visits(300), schema().replace("pulse", upper=None))
    with pytest.raises(PrivacyError, match="the entity's key"):
        SequenceVAE(privacy=Privacy(epsilon=8, unit="ward"), horizon=8).fit(visits(300), schema())
    with pytest.raises(PrivacyError, match="too few to learn from"):
        SequenceVAE(privacy=private, horizon=8).fit(visits(20), schema())
