from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from synthx.errors import DataError, ParameterError, UnsupportedError
from synthx.schema import Column, Kind, Role, Schema
from synthx_evaluation import Scorecard, Status
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.membership import Learn, shadow_attack, shadow_game, shadows
from synthx_evaluation.membership.battery import Scores
from synthx_evaluation.membership.targets import Targets
from synthx_evaluation.statistics import epsilon_bound

IDS = ["MIA-SHADOW", "MIA-SHADOW-TPR-10", "MIA-SHADOW-TPR-1", "MIA-SHADOW-EPSILON"]
NAMES = [f"x{j}" for j in range(4)]
SCHEMA = Schema(tuple(Column(name=name, kind=Kind.DECIMAL) for name in NAMES))


def people(rows: int, seed: int) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(rows, 4)), columns=NAMES)


def learn_honestly(rows: pd.DataFrame, seed: int) -> Callable[[int, int], pd.DataFrame]:
    """Write the population, which was known beforehand: parameters that were fitted would leak a little."""
    return people


def attacked(synthetic: pd.DataFrame, train: pd.DataFrame, holdout: pd.DataFrame | None, **changes: Any) -> Scorecard:
    given: dict[str, Any] = {
        "learn": learn_honestly, "schema": SCHEMA, "shadows": 6, "targets": 100, "permutations": 99, **changes,
    }  # fmt: skip
    card = shadow_attack(synthetic, train=train, holdout=holdout, **given)
    assert [measure.id for measure in card] == IDS
    return card


@pytest.fixture
def plain_battery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Score rows by their distance to the nearest synthetic one alone, so that tests are fast."""

    def attack(comparison: Comparison, targets: Targets) -> Scores:
        gaps = np.linalg.norm(targets.rows[:, None] - targets.synthetic[None], axis=2)
        values = np.column_stack([-gaps.min(axis=1), -np.sort(gaps, axis=1)[:, 4]])
        return Scores(("MIA-DCR", "MIA-DCR"), ("plain", "fifth"), values)

    for module in (shadows, shadow_game):
        monkeypatch.setattr(module, "attack", attack)


# -- what is found ----------------------------------------------------------------------------------------------


def test_a_leak_behind_rows_that_are_written_anyway() -> None:
    # The generator knows seven rows in ten from elsewhere, and writes them whether it learned them or not. Of the
    # others it copies those that it learned. Whoever sees the rows alone takes the known ones for members.
    train, holdout = people(400, 1), people(400, 2)
    everybody = pd.concat([train, holdout], ignore_index=True)

    def is_known(rows: pd.DataFrame) -> pd.Series:
        return (rows["x0"] * 1e6).round() % 10 >= 3

    def learn(rows: pd.DataFrame, seed: int) -> Callable[[int, int], pd.DataFrame]:
        written = pd.concat([everybody[is_known(everybody)], rows[~is_known(rows)]], ignore_index=True)

        def write(count: int, draw: int) -> pd.DataFrame:
            generator = np.random.default_rng(draw)
            noise = np.where(is_known(written), 0.05, 0.1)[:, None] * generator.normal(size=(len(written), 4))
            return (written + noise).sample(count, replace=True, random_state=draw, ignore_index=True)

        return write

    measure = attacked(learn(train, 0)(2_000, 1), train, holdout, learn=learn, targets=300)["MIA-SHADOW"]
    assert measure.p_value == 0.01
    assert measure.details["without_shadows"]["p_value"] > 0.05
    assert measure.details["on_the_shadows"]["mean"] > 0.55


def test_an_honest_generator_is_not_accused() -> None:
    train, holdout = people(150, 1), people(150, 2)
    measure = attacked(learn_honestly(train, 0)(150, 5), train, holdout)["MIA-SHADOW"]
    assert measure.p_value is not None
    assert measure.p_value > 0.05
    assert measure.interval is not None
    assert measure.interval[0] <= 0.5
    assert measure.details["n_is"] == "the most exposed members and non-members"


@pytest.mark.usefixtures("plain_battery")
def test_p_values_are_uniform_without_a_leak() -> None:
    found = []
    for seed in range(40):
        train, holdout = people(110, 2 * seed), people(120, 2 * seed + 1)
        synthetic = learn_honestly(train, 0)(110, 10_000 + seed)
        found.append(attacked(synthetic, train, holdout, seed=seed)["MIA-SHADOW"].p_value)
    assert kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) <= 0.05) <= 0.12  # at most 4 of 40, where 2 are expected


@pytest.mark.usefixtures("plain_battery")
def test_a_bound_of_epsilon() -> None:
    train, holdout = people(200, 1), people(200, 2)

    def copy(rows: pd.DataFrame, seed: int) -> Callable[[int, int], pd.DataFrame]:
        return lambda count, draw: rows.sample(count, replace=True, random_state=draw, ignore_index=True)

    card = attacked(copy(train, 0)(2_000, 1), train, holdout, learn=copy, epsilon=1.0, delta=1e-6, targets=200)
    bound = card["MIA-SHADOW-EPSILON"]
    members, called = bound.details["members"], bound.details["called_members"]
    assert called["non_members"] == 0
    assert called["members"] >= members - 2  # a row may be left out of the draw
    # Two rows change where a member and a non-member change places: half of what the rates show is proved.
    assert bound.value == 0.5 * epsilon_bound(called["members"], members, 0, 200 - members, 2e-6)
    most = bound.details["most_that_could_be_shown"]
    assert most == 0.5 * epsilon_bound(members, members, 0, 200 - members, 2e-6)
    assert bound.value > 1.0  # the promise is broken
    assert card["MIA-SHADOW"].value == pytest.approx(1.0, abs=0.01)
    honest = attacked(people(200, 3), train, holdout, epsilon=1.0)["MIA-SHADOW-EPSILON"]
    assert honest.value is not None
    assert honest.value < 0.5
    assert attacked(people(200, 3), train, holdout)["MIA-SHADOW-EPSILON"].status is Status.NOT_APPLICABLE


# -- who learns what --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("plain_battery")
def test_shadows_learn_all_but_half_of_the_targets() -> None:
    train, holdout = people(120, 1), people(140, 2)
    learned: list[set[float]] = []

    def learn(rows: pd.DataFrame, seed: int) -> Callable[[int, int], pd.DataFrame]:
        assert list(rows) == NAMES
        learned.append(set(rows["x0"]))
        return learn_honestly(rows, seed)

    card = attacked(people(100, 3), train, holdout, learn=learn)
    members = card["MIA-SHADOW"].details["members"]
    assert [len(rows) for rows in learned] == [120 - members + 50] * 6
    always = set.intersection(*learned)
    assert len(always) == 120 - members
    assert always < set(train["x0"])
    for one, other in ((0, 1), (2, 3), (4, 5)):  # opposite halves
        assert learned[one] & learned[other] == always
        assert len((learned[one] | learned[other]) & set(holdout["x0"])) == 100 - members
    assert learned[0] != learned[2]


@pytest.mark.usefixtures("plain_battery")
def test_an_attack_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    train, holdout, synthetic = people(120, 1), people(140, 2), people(120, 3)
    seeds: list[int] = []

    def stopped_after(count: int) -> Learn:
        def learn(rows: pd.DataFrame, seed: int) -> Callable[[int, int], pd.DataFrame]:
            if len(seeds) == count:
                raise KeyboardInterrupt
            seeds.append(seed)
            return learn_honestly(rows, seed)

        return learn

    said: list[str] = []
    given: dict[str, Any] = {
        "work": tmp_path / "work", "settings": {"width": 8},
        "progress": lambda stage, share, message: said.append(f"{stage}: {message}"),
    }  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        attacked(synthetic, train, holdout, learn=stopped_after(2), **given)
    assert said[0] == "shadow models: the first of 6 tells how long the others take"
    assert said[2].startswith("cost: 1 of 6 shadows are there, 5 more take about ")
    said.clear()
    went_on = attacked(synthetic, train, holdout, learn=stopped_after(6), **given)
    assert said[0].startswith("cost: 2 of 6 shadows are there, 4 more take about ")
    assert len(set(seeds)) == 6
    assert went_on.measures == attacked(synthetic, train, holdout).measures
    # Another table of as many rows is judged by the same shadows, and more shadows are added to them.
    attacked(people(120, 4), train, holdout, learn=stopped_after(6), **given)
    attacked(synthetic, train, holdout, learn=stopped_after(8), shadows=8, **given)
    assert len(set(seeds)) == 8
    for change in ({"settings": {"width": 9}}, {"seed": 1}, {"targets": 110}):
        with pytest.raises(DataError, match="shadows of another attack"):
            attacked(synthetic, train, holdout, **{**given, **change})
    with pytest.raises(DataError, match="real rows is"):
        attacked(synthetic, people(120, 9), holdout, **given)


# -- what cannot be told ----------------------------------------------------------------------------------------


def test_what_cannot_be_told() -> None:
    alone = attacked(people(100, 1), people(100, 2), None)
    assert {measure.status for measure in alone} == {Status.SKIPPED}
    assert "not assessable without a holdout" in alone["MIA-SHADOW"].reason
    few = attacked(people(100, 1), people(100, 2), people(90, 3))
    assert few["MIA-SHADOW"].reason.startswith("needs 50 training and synthetic rows and 100 holdout rows")
    json = few.to_json()
    assert "NaN" not in json


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shadows": 5}, "shadows is 5"), ({"shadows": 4}, "shadows is 4"), ({"targets": 99}, "targets is 99"),
        ({"epsilon": 0.0}, "epsilon is 0.0"), ({"seed": -1}, "seed is -1"),
    ],
)  # fmt: skip
def test_numbers_out_of_range(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        attacked(people(100, 1), people(100, 2), people(100, 3), **change)


@pytest.mark.usefixtures("plain_battery")
def test_bad_tables_and_shadows() -> None:
    train, holdout = people(120, 1), people(140, 2)
    with pytest.raises(DataError, match="shadow 0 wrote 3 rows where 120 were asked for"):
        attacked(people(120, 3), train, holdout, learn=lambda rows, seed: lambda count, draw: people(3, draw))
    with pytest.raises(DataError, match="the synthetic table lacks column 'x1'"):
        attacked(people(120, 3), train, holdout, learn=lambda rows, seed: lambda count, draw: people(120, 1)[["x0"]])
    with pytest.raises(DataError, match="120 holdout rows stand in the training table"):
        attacked(people(120, 3), train, train.copy())
    visits = Schema((Column(name="who", kind=Kind.INTEGER, role=Role.ENTITY), *SCHEMA))
    with pytest.raises(UnsupportedError, match="sequences"):
        attacked(*(frame.assign(who=1) for frame in (train, train, holdout)), schema=visits)
