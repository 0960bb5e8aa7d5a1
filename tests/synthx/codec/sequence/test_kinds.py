from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx.codec.sequence.kinds import MOST_KINDS, Kinds, choose_kinds, last_of_kind

ENTITIES, STEPS = 100, 30
ROWS = ENTITIES * STEPS
HOLDERS = np.repeat(np.arange(ENTITIES), STEPS)


def numbers(values: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return a column of numbers as it is asked for: its values, and their codes in ten bins."""
    return [(values, np.searchsorted(np.quantile(values, np.linspace(0.1, 0.9, 9)), values))]


def payments(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return purposes, banks and amounts: rent always goes to the same bank, and is the same for each entity."""
    rng = np.random.default_rng(seed)
    purpose = rng.integers(0, 3, ROWS)
    rent, bank = rng.integers(500, 900, ENTITIES)[HOLDERS], rng.integers(0, 8, ENTITIES)[HOLDERS]
    amount = np.where(purpose == 1, rent, rng.integers(1, 500, ROWS)).astype(float)
    return purpose, np.where(purpose == 1, bank, 8), amount


class TestLastOfKind:
    def test_by_hand(self) -> None:
        kinds, holders = np.array([0, 1, 0, 0, 1, 0, 1]), np.array([0, 0, 0, 0, 1, 1, 1])
        assert last_of_kind(kinds, holders).tolist() == [-1, -1, 0, 2, -1, -1, 4]

    @settings(max_examples=100)
    @given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=40))
    def test_it_is_what_a_plain_loop_finds(self, steps: list[tuple[int, int]]) -> None:
        steps = sorted(steps, key=lambda step: step[0])
        expected, last = [], {}
        for row, step in enumerate(steps):
            expected.append(last.get(step, -1))
            last[step] = row
        holders, kinds = np.array(steps).T
        assert last_of_kind(kinds, holders).tolist() == expected


class TestKinds:
    KINDS = Kinds(("what", "how"), np.array([[2, 0], [0, 1], [2, 5]]))

    def test_steps_are_of_the_kind_that_their_codes_tell_or_of_kind_0(self) -> None:
        asked = np.array([[0, 1], [2, 0], [2, 5], [2, 1], [0, 0], [9, 9]])
        assert self.KINDS.of(asked).tolist() == [2, 1, 3, 0, 0, 0]
        assert len(self.KINDS) == 4

    def test_they_survive_json(self) -> None:
        back = Kinds.from_dict(json.loads(json.dumps(self.KINDS.to_dict())))
        assert back.columns == self.KINDS.columns
        assert np.array_equal(back.codes, self.KINDS.codes)


class TestChoose:
    def test_what_recurs_tells_its_kind(self) -> None:
        purpose, bank, amount = payments()
        noise = np.random.default_rng(1).integers(0, 4, ROWS)
        kinds = choose_kinds(
            {"noise": noise, "purpose": purpose, "bank": bank}, numbers(amount), HOLDERS, rare_threshold=10
        )
        assert kinds is not None
        assert kinds.columns == ("purpose",)
        assert kinds.codes.tolist() == [[0], [1], [2]]

    def test_two_columns_may_tell_it_together(self) -> None:
        rng = np.random.default_rng(0)
        one, other = rng.integers(0, 2, ROWS), rng.integers(0, 3, ROWS)
        usual = rng.integers(0, 1_000, (ENTITIES, 2, 3))[HOLDERS, one, other].astype(float)
        noise = rng.integers(0, 4, ROWS)
        kinds = choose_kinds({"one": one, "noise": noise, "other": other}, numbers(usual), HOLDERS, rare_threshold=10)
        assert kinds is not None
        assert kinds.columns == ("one", "other")
        assert len(kinds) == 7

    @pytest.mark.parametrize("seed", range(5))
    def test_noise_has_no_kinds(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        discrete = {name: rng.integers(0, levels, ROWS) for name, levels in (("a", 2), ("b", 5), ("c", 12))}
        assert choose_kinds(discrete, numbers(rng.normal(size=ROWS)), HOLDERS, rare_threshold=10) is None

    def test_there_are_none_without_discrete_columns(self) -> None:
        assert choose_kinds({}, numbers(np.arange(float(ROWS))), HOLDERS, rare_threshold=10) is None

    def test_a_kind_that_few_entities_share_is_not_listed(self) -> None:
        purpose, bank, amount = payments()
        purpose[HOLDERS < 9] = np.where(purpose[HOLDERS < 9] == 2, 7, purpose[HOLDERS < 9])
        discrete = {"purpose": purpose, "bank": bank}
        few = choose_kinds(discrete, numbers(amount), HOLDERS, rare_threshold=10)
        all_of_them = choose_kinds(discrete, numbers(amount), HOLDERS, rare_threshold=9)
        assert few is not None
        assert few.codes.tolist() == [[0], [1], [2]]
        assert all_of_them is not None
        assert all_of_them.codes.tolist() == [[0], [1], [2], [7]]

    def test_there_are_never_more_than_a_few_and_those_most_share(self) -> None:
        rng = np.random.default_rng(0)
        shop = np.minimum(rng.geometric(0.05, ROWS), 60)
        usual = rng.integers(1, 10_000, (ENTITIES, 61))
        amount = usual[HOLDERS, shop].astype(float)
        kinds = choose_kinds({"shop": shop}, numbers(amount), HOLDERS, rare_threshold=10)
        assert kinds is not None
        assert len(kinds) == MOST_KINDS
        assert set(range(1, 15)) <= set(kinds.codes[:, 0].tolist())
