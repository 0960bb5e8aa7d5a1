from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx_privacy.grouping import merge_levels, resolutions
from synthx_privacy.ledger import Ledger
from synthx_privacy.marginals import measure, plan_marginals
from synthx_privacy.measurements import Measurements, as_distribution
from synthx_privacy.privacy import Privacy
from synthx_privacy.selection import Candidates, choose_tree, score_pairs
from synthx_privacy.tree import TreeModel


@dataclasses.dataclass
class Frozen:
    """Stands in for an account whose mechanisms give back fixed answers, or exact ones at first."""

    plan: dict[str, Any]
    answers: list[Any] = dataclasses.field(default_factory=list)
    queries: list[tuple[str, np.ndarray, float]] = dataclasses.field(default_factory=list)
    replay: bool = False

    def deviation(self, phase: str) -> float:
        return float(self.plan[phase].noise_multiplier)

    def noisy_counts(self, account: Frozen, phase: str, counts: np.ndarray, sensitivity: float = 1.0) -> np.ndarray:
        return self._answer(phase, counts, sensitivity, np.asarray(counts))

    def select(self, account: Frozen, phase: str, scores: np.ndarray, sensitivity: float = 1.0) -> int:
        return self._answer(phase, scores, sensitivity, int(np.argmax(scores)))

    def _answer(self, phase: str, query: np.ndarray, sensitivity: float, exact: Any) -> Any:
        assert phase in self.plan
        self.queries.append((phase, np.asarray(query, dtype=np.float64), sensitivity))
        if not self.replay:
            self.answers.append(exact)
        return self.answers[len(self.queries) - 1]


def bought(
    monkeypatch: pytest.MonkeyPatch,
    codes: np.ndarray,
    sizes: list[int],
    answers: list[Any] | None = None,
    **options: Any,
) -> tuple[Measurements, Frozen]:
    target = options.pop("target", None)
    plan = plan_marginals(len(sizes), rho=1e6, target=target is not None, have_histograms="histograms" in options)
    account = Frozen(plan, answers or [], replay=answers is not None)
    monkeypatch.setattr("synthx_privacy.mechanisms.noisy_counts", account.noisy_counts)
    monkeypatch.setattr("synthx_privacy.mechanisms.select", account.select)
    names = [f"column {index}" for index in range(len(sizes))]
    ordered = options.pop("ordered", [False] * len(sizes))
    held = measure(account, codes, sizes, names, target=target, ordered=ordered, **options)  # type: ignore[arg-type]
    return held, account


def tree_table(rows: int, seed: int = 0) -> np.ndarray:
    """t; a given t; b given a; c given a; d given t."""
    rng = np.random.default_rng(seed)
    t = (rng.random(rows) < 0.3).astype(int)
    a = np.clip(rng.normal(3 + 2 * t, 1.5, rows).round(), 0, 7).astype(int)
    b = np.clip(a // 2 + rng.integers(0, 2, rows), 0, 3)
    c = (a + rng.integers(0, 3, rows)) % 5
    d = np.clip(rng.poisson(1 + t), 0, 3)
    return np.stack([t, a, b, c, d], axis=1)


SIZES = [2, 8, 4, 5, 4]


# -- the plan ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [False, True])
@pytest.mark.parametrize("have", [False, True])
@pytest.mark.parametrize("columns", [1, 2, 3, 10])
def test_the_plan_composes_to_rho(columns: int, target: bool, have: bool) -> None:
    plan = plan_marginals(columns, rho=0.3, target=target, have_histograms=have)
    spent = sum(
        0.5 / event.noise_multiplier**2 if hasattr(event, "noise_multiplier") else event.epsilon**2 / 8
        for event in plan.values()
    )
    assert spent == pytest.approx(0.3 if plan else 0.0)
    assert sum(phase.startswith("choice") for phase in plan) == max(0, columns - 1 - target)


def test_the_plan_by_name() -> None:
    assert list(plan_marginals(4, rho=1.0, target=True)) == [
        "histogram of each column",
        "histogram of each column by target",
        "choice of pair 1",
        "choice of pair 2",
        "histograms of pairs",
    ]


# -- merging -----------------------------------------------------------------------------------------------------------


def test_rare_levels_share_a_group() -> None:
    np.testing.assert_array_equal(
        merge_levels(np.array([50, -3, 40, 2, 30]), most=9, fewest=10, ordered=False), [0, 3, 1, 3, 2]
    )
    np.testing.assert_array_equal(merge_levels(np.array([5, 4, 3, 2]), most=2, fewest=0, ordered=False), [0, 1, 1, 1])
    np.testing.assert_array_equal(merge_levels(np.array([5, 4]), most=2, fewest=0, ordered=False), [0, 1])


def test_neighbours_are_merged_and_a_heavy_level_stays_apart() -> None:
    np.testing.assert_array_equal(
        merge_levels(np.array([4, 4, 90, 4, 4, 1]), most=10, fewest=8, ordered=True), [0, 0, 1, 2, 2, 2]
    )


@given(st.lists(st.integers(-20, 500), min_size=2, max_size=70), st.booleans(), st.floats(0, 60))
def test_every_merging_is_one_of_the_finer(counts: list[int], ordered: bool, fewest: float) -> None:
    maps = resolutions(np.array(counts), most=(32, 16, 8, 4), fewest=fewest, ordered=ordered)
    for groups in maps:
        assert sorted(set(groups.tolist())) == list(range(groups.max() + 1))
        assert not ordered or (np.diff(groups) >= 0).all()
    for fine, coarse in itertools.pairwise(maps):
        assert all(len(set(coarse[fine == group].tolist())) == 1 for group in set(fine.tolist()))


def test_noisy_counts_become_probabilities() -> None:
    np.testing.assert_allclose(as_distribution(np.array([[6.0, 4.0, -2.0], [-1.0, -1.0, 0.0]]))[0], [5 / 8, 3 / 8, 0])
    np.testing.assert_allclose(as_distribution(np.array([-1.0, -1.0, 0.0, 0.0])), [0.25] * 4)


# -- the scores --------------------------------------------------------------------------------------------------------


def scored(codes: np.ndarray) -> Candidates:
    estimates = [np.array([[4.0, 3.0, 5.0], [2.0, 2.0, 1.0]]), np.array([[6.0, 6.0], [2.5, 2.5]]), np.ones((2, 4)) * 2]
    maps = [[np.arange(3), np.array([0, 1, 1])], [np.arange(2)] * 2, [np.arange(4), np.array([0, 0, 1, 1])]]
    return score_pairs(codes[:, 1:], estimates, maps, features=(0, 1, 2), strata=codes[:, 0])


rows_of_codes = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=40
)


@given(rows_of_codes, st.data())
@settings(max_examples=60)
def test_scores_of_neighbours_differ_by_at_most_one(rows: list[tuple[int, ...]], data: st.DataObject) -> None:
    codes = np.array(rows)
    fewer = np.delete(codes, data.draw(st.integers(0, len(codes) - 1)), axis=0)
    one, other = scored(codes), scored(fewer)
    np.testing.assert_array_equal(one.pairs, other.pairs)
    np.testing.assert_array_equal(one.cells, other.cells)
    assert np.abs(one.gaps - other.gaps).max() <= 1 + 1e-9


def test_a_gap_by_hand() -> None:
    # 4 rows, a = b. Independence expects 1 in each of the 4 cells; the counts are 2, 0, 0, 2.
    codes = np.array([[0, 0], [0, 0], [1, 1], [1, 1]])
    candidates = score_pairs(
        codes, [np.array([[2.0, 2.0]])] * 2, [[np.arange(2)]] * 2, features=(0, 1), strata=np.zeros(4, dtype=int)
    )
    assert candidates.gaps.tolist() == [4.0]
    assert candidates.cells.tolist() == [4]


def test_no_cycle_is_closed_and_noise_is_not_bought() -> None:
    candidates = Candidates(
        np.array([[0, 1], [1, 2], [0, 2], [2, 3]]), np.zeros(4, dtype=int), np.full(4, 10), np.array([90, 80, 85, 9.0])
    )
    seen: list[np.ndarray] = []

    def best(turn: int, scores: np.ndarray) -> int:
        seen.append(scores)
        return int(np.argmax(scores))

    assert choose_tree(candidates, columns=4, penalty=lambda cells: 1.0 * cells, select=best) == [0, 2]
    assert [scores.tolist() for scores in seen] == [[80, 70, 75, -1, 0], [70, 75, -1, 0], [-1, 0]]


# -- measuring ---------------------------------------------------------------------------------------------------------


def test_what_is_measured_of_a_table_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = np.array([[0, 0, 0]] * 4 + [[0, 1, 1]] * 4 + [[1, 0, 1]] * 2 + [[1, 1, 0]] * 2)
    held, account = bought(monkeypatch, codes, [2, 2, 2], target=0)
    assert [marginal.columns for marginal in held.marginals] == [(0,), (1,), (2,), (0, 1), (0, 2), (0, 1, 2)]
    assert [marginal.counts.tolist() for marginal in held.marginals[:5]] == [
        [8, 4],
        [6, 6],
        [6, 6],
        [[4, 4], [2, 2]],
        [[4, 4], [2, 2]],
    ]
    assert held.pairs[0].counts.tolist() == [[[4, 0], [0, 4]], [[0, 2], [2, 0]]]
    assert held.rows == pytest.approx(12)
    assert [round(sensitivity, 6) for _, _, sensitivity in account.queries] == [1.732051, 1.414214, 1.0, 1.0]


def test_sigma_is_the_multiplier_times_the_sensitivity(monkeypatch: pytest.MonkeyPatch) -> None:
    held, account = bought(monkeypatch, tree_table(200), SIZES, target=0)
    first = account.plan["histogram of each column"].noise_multiplier
    assert held.marginals[0].sigma == pytest.approx(first * math.sqrt(5))
    assert held.pairs[0].sigma == pytest.approx(
        account.plan["histograms of pairs"].noise_multiplier * math.sqrt(len(held.pairs))
    )


def test_histograms_that_are_given_are_not_bought_again(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = tree_table(200)
    given_ones = [np.bincount(codes[:, column], minlength=size) for column, size in enumerate(SIZES)]
    held, account = bought(monkeypatch, codes, SIZES, target=0, histograms=given_ones, histogram_sigma=3.0)
    assert held.one_way(1).counts.tolist() == given_ones[1].tolist()
    assert held.one_way(1).sigma == 3.0
    assert "histogram of each column" not in {phase for phase, _, _ in account.queries}


def test_codes_out_of_range_are_clamped(monkeypatch: pytest.MonkeyPatch) -> None:
    held, _ = bought(monkeypatch, np.array([[0, 1], [9, -4]]), [2, 2])
    assert [marginal.counts.tolist() for marginal in held.marginals[:2]] == [[1, 1], [1, 1]]


@given(data=st.data())
@settings(max_examples=15)
def test_neighbours_ask_the_same_within_the_stated_sensitivity(data: st.DataObject) -> None:
    codes = tree_table(60, seed=data.draw(st.integers(0, 50)))
    fewer = np.delete(codes, data.draw(st.integers(0, 59)), axis=0)
    target = data.draw(st.sampled_from([0, None]))
    ordered = [False, True, True, False, True]
    with pytest.MonkeyPatch.context() as patch:
        held, one = bought(patch, codes, SIZES, target=target, ordered=ordered)
        again, other = bought(patch, fewer, SIZES, one.answers, target=target, ordered=ordered)
    assert [phase for phase, _, _ in one.queries] == [phase for phase, _, _ in other.queries]
    for (phase, query, sensitivity), (_, neighbour, _) in zip(one.queries, other.queries, strict=True):
        norm = np.abs(query - neighbour).max() if phase.startswith("choice") else np.linalg.norm(query - neighbour)
        assert norm <= sensitivity + 1e-9
    plain, arrays = held.to_dict()
    plain_again, arrays_again = again.to_dict()
    assert plain == plain_again
    assert all(np.array_equal(arrays[name], arrays_again[name]) for name in arrays)


@pytest.mark.parametrize("target", [0, None])
def test_a_huge_budget_gives_the_tree_back(monkeypatch: pytest.MonkeyPatch, target: int | None) -> None:
    codes = tree_table(20_000)
    held, _ = bought(monkeypatch, codes, SIZES, target=target)
    model = TreeModel.fit(held, iterations=50)
    for one in range(5):
        for other in range(one):
            if target is None and 4 in (one, other):
                continue
            true = np.zeros((SIZES[one], SIZES[other]))
            np.add.at(true, (codes[:, one], codes[:, other]), 1 / len(codes))
            assert np.abs(model.expected((one, other)) - true).sum() / 2 < 0.03


def test_round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    held, _ = bought(monkeypatch, tree_table(300), SIZES, target=0)
    again = Measurements.from_dict(*held.to_dict())
    assert [marginal.columns for marginal in again.marginals] == [marginal.columns for marginal in held.marginals]
    np.testing.assert_array_equal(again.pairs[0].counts, held.pairs[0].counts)
    np.testing.assert_array_equal(again.pairs[0].groups[1], held.pairs[0].groups[1])
    assert (again.sizes, again.names, again.target, again.rows) == (held.sizes, held.names, held.target, held.rows)


@pytest.mark.parametrize("target", [0, None])
def test_one_column_needs_no_pairs(monkeypatch: pytest.MonkeyPatch, target: int | None) -> None:
    held, _ = bought(monkeypatch, np.array([[0], [1], [1], [1]]), [2], target=target)
    model = TreeModel.fit(held)
    np.testing.assert_allclose(model.expected((0,)), [0.25, 0.75], atol=1e-6)
    assert model.draw(10, {}, np.random.default_rng(0)).shape == (10, 1)


def test_the_real_ledger_is_charged_for_what_was_bought() -> None:
    plan = plan_marginals(5, rho=0.05, target=True)
    ledger = Ledger()
    account = ledger.open(Privacy(epsilon=3.0, delta=1e-6), plan, fit="tree", delta=1e-6)
    held = measure(account, tree_table(2_000), SIZES, list("tabcd"), target=0, ordered=[False] * 5)
    account.close()
    spent = [entry.phase for entry in ledger.entries]
    assert all(entry.spent for entry in ledger.entries)
    assert [phase for phase in plan if phase in spent] == spent
    assert {"histogram of each column", "histogram of each column by target", "choice of pair 1"} <= set(spent)
    assert 0 < ledger.epsilon(1e-6) <= 3.0
    codes = TreeModel.fit(held).draw(1_000, {}, np.random.default_rng(0))
    assert codes.min() >= 0 and (codes.max(axis=0) < SIZES).all()


@pytest.mark.parametrize("target", [0, None])
@pytest.mark.parametrize("rows", [0, 1, 30])
def test_a_table_that_drowns_in_noise_still_gives_a_model(rows: int, target: int | None) -> None:
    plan = plan_marginals(5, rho=0.001, target=target is not None)
    account = Ledger().open(Privacy(epsilon=1.0, delta=1e-6), plan, fit="tree", delta=1e-6)
    held = measure(account, tree_table(rows), SIZES, list("tabcd"), target=target, ordered=[False, True] * 2 + [True])
    model = TreeModel.fit(held, iterations=50)
    assert sum(model.expected((1,))) == pytest.approx(1.0)
    assert model.draw(20, {3: np.eye(5)[2]}, np.random.default_rng(0))[:, 3].tolist() == [2] * 20
