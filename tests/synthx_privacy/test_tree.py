from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthx_privacy.estimation import shrink
from synthx_privacy.forest import Forest, Potentials, calibrate
from synthx_privacy.measurements import Marginal, Measurements, count
from synthx_privacy.tree import Node, TreeModel, distance

CHAIN = Forest.of(
    [2, 3, 2, 2],
    [(1, 0), (1, 2)],
    [(np.array([0, 1, 1]), np.array([0, 1])), (np.array([0, 1, 2]), np.array([0, 1]))],
)
"""Columns 0 and 2 hang on column 1, whose last two codes are one group for column 0; column 3 stands alone."""


def small_model(target: int | None = 0) -> TreeModel:
    """Three columns, by hand: t in {0, 1}; a given t; b given a and t."""
    a = np.array([[[0.5, 0.25, 0.25]], [[0.1, 0.2, 0.7]]])
    b = np.array([[[0.9, 0.1], [0.3, 0.7]], [[0.5, 0.5], [0.2, 0.8]]])
    none = np.zeros(0, dtype=np.int64)
    nodes = (Node(1, None, none, a), Node(2, 1, np.array([0, 1, 1]), b))
    if target is None:
        nodes = (
            Node(0, None, none, np.array([[[0.4, 0.6]]])),
            Node(1, 0, np.array([0, 1]), a.swapaxes(0, 1)),
            Node(2, 1, np.array([0, 1, 1]), b[:1]),
        )
        return TreeModel((2, 3, 2), None, np.ones(1), nodes, 1000.0)
    return TreeModel((2, 3, 2), target, np.array([0.4, 0.6]), nodes, 1000.0)


def joint_of(model: TreeModel) -> np.ndarray:
    cells = np.array(list(itertools.product(*(range(size) for size in model.sizes))))
    return np.exp(model.log_prob(cells)).reshape(model.sizes)


def chi_square(observed: np.ndarray, probabilities: np.ndarray) -> float:
    """p-value of a chi-square test over the cells that can occur; none may occur elsewhere."""
    from scipy.stats import chisquare

    possible = probabilities > 0
    assert observed[~possible].sum() == 0
    return float(chisquare(observed[possible], probabilities[possible] * observed.sum()).pvalue)


# -- message passing ---------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32 - 1), strata=st.integers(1, 3))
@settings(max_examples=30)
def test_message_passing_equals_enumeration(seed: int, strata: int) -> None:
    rng = np.random.default_rng(seed)
    potentials = Potentials(
        rng.normal(size=strata),
        [rng.normal(size=(strata, size)) * 2 for size in CHAIN.sizes],
        [rng.normal(size=(strata, edge.upper.shape[1], edge.lower.shape[1])) * 2 for edge in CHAIN.edges],
    )
    joint = np.zeros((strata, *CHAIN.sizes))
    for cell in itertools.product(range(strata), *(range(size) for size in CHAIN.sizes)):
        level, codes = cell[0], cell[1:]
        energy = potentials.bias[level] + sum(
            node[level, code] for node, code in zip(potentials.nodes, codes, strict=True)
        )
        for edge, table in zip(CHAIN.edges, potentials.edges, strict=True):
            energy += table[level, edge.parent_groups[codes[edge.parent]], edge.child_groups[codes[edge.child]]]
        joint[cell] = np.exp(energy)
    joint /= joint.sum()
    beliefs = calibrate(CHAIN, potentials)
    by_level = joint.reshape(strata, -1).sum(axis=1)
    np.testing.assert_allclose(beliefs.strata, by_level, atol=1e-10)
    for place, belief in enumerate(beliefs.nodes):
        others = tuple(axis + 1 for axis in range(4) if axis != place)
        np.testing.assert_allclose(belief * by_level[:, None], joint.sum(axis=others), atol=1e-10)
    for edge, belief in zip(CHAIN.edges, beliefs.edges, strict=True):
        others = tuple(axis + 1 for axis in range(4) if axis not in (edge.parent, edge.child))
        pair = joint.sum(axis=others)
        pair = pair if edge.parent < edge.child else pair.swapaxes(1, 2)
        expected = np.einsum("tpc,pg,ch->tgh", pair, edge.upper, edge.lower)
        np.testing.assert_allclose(belief * by_level[:, None, None], expected, atol=1e-10)


def test_a_forest_hangs_every_feature_once_with_parents_first() -> None:
    assert CHAIN.order == (1, 0, 2, 3)
    assert [(edge.parent, edge.child) for edge in CHAIN.edges] == [(1, 0), (1, 2)]
    assert CHAIN.origin == ((0, False), (1, False))


# -- estimation --------------------------------------------------------------------------------------------------------


def measured(joint: np.ndarray, rows: float, sigma: float) -> Measurements:
    """Exact marginals of a joint distribution over (t, a, b, c), with the tree a - b - c given t."""
    names = tuple("tabc")
    wanted = [(0,), (1,), (2,), (3,), (0, 1), (0, 2), (0, 3), (0, 1, 2), (0, 2, 3)]
    marginals = tuple(
        Marginal(
            columns,
            tuple(np.arange(joint.shape[column]) for column in columns),
            rows * joint.sum(axis=tuple(axis for axis in range(4) if axis not in columns)),
            sigma,
        )
        for columns in wanted
    )
    return Measurements(joint.shape, names, 0, marginals)


def tree_joint(rng: np.random.Generator) -> np.ndarray:
    t = np.array([0.7, 0.3])
    a = rng.dirichlet(np.ones(4), size=2)
    b = rng.dirichlet(np.ones(5), size=(2, 4))
    c = rng.dirichlet(np.ones(3), size=(2, 5))
    return np.einsum("t,ta,tab,tbc->tabc", t, a, b, c)


def test_exact_marginals_give_the_true_tree_back() -> None:
    joint = tree_joint(np.random.default_rng(0))
    model = TreeModel.fit(measured(joint, rows=1e6, sigma=1.0), iterations=50)
    assert np.abs(joint_of(model) - joint).sum() / 2 < 0.005
    assert model.rows == pytest.approx(1e6)


def test_descent_brings_the_model_nearer_to_all_noisy_marginals() -> None:
    rng = np.random.default_rng(1)
    joint = tree_joint(rng)
    exact = measured(joint, rows=5_000.0, sigma=30.0)
    noisy = Measurements(
        exact.sizes,
        exact.names,
        exact.target,
        tuple(
            Marginal(held.columns, held.groups, np.rint(held.counts + rng.normal(0, 30, held.counts.shape)), 30.0)
            for held in exact.marginals
        ),
    )
    errors = [np.abs(joint_of(TreeModel.fit(noisy, iterations=steps)) - joint).sum() / 2 for steps in (0, 300)]
    assert errors[1] < errors[0] < 0.12


def test_a_table_of_pure_noise_is_shrunk_to_independence() -> None:
    noise = np.random.default_rng(2).normal(0, 10.0, size=(2, 8, 6))
    free = np.full((2, 8, 6), 100.0)
    np.testing.assert_allclose(shrink(free + 0.9 * noise, free, 10.0), free, atol=12)
    np.testing.assert_allclose(shrink(free + 0.5 * noise, free, 10.0), free, atol=1e-9)


def test_a_clear_dependence_is_hardly_shrunk() -> None:
    free = np.full((1, 2, 2), 1000.0)
    counts = free + np.array([[[800.0, -800.0], [-800.0, 800.0]]])
    # One singular value, 1600 / 10 = 160, becomes sqrt((160**2 / 2 - 2)**2 - 4) / (160 / sqrt 2) * sqrt 2 = 159.975.
    np.testing.assert_allclose(shrink(counts, free, 10.0)[0, 0, 0], 1799.875, atol=1e-3)


def test_levels_that_were_merged_for_a_pair_share_in_proportion_to_their_counts() -> None:
    merged = np.array([0, 1, 1])
    marginals = (
        Marginal((0,), (np.arange(3),), np.array([500.0, 300.0, 200.0]), 1.0),
        Marginal((1,), (np.arange(2),), np.array([600.0, 400.0]), 1.0),
        Marginal((0, 1), (merged, np.arange(2)), np.array([[450.0, 50.0], [150.0, 350.0]]), 1.0),
    )
    model = TreeModel.fit(Measurements((3, 2), ("a", "b"), None, marginals), iterations=100)
    expected = [[0.45, 0.05], [0.15 * 0.6, 0.35 * 0.6], [0.15 * 0.4, 0.35 * 0.4]]
    np.testing.assert_allclose(model.expected((0, 1)), expected, atol=2e-3)


# -- the model ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [0, None])
def test_marginals_and_probabilities_agree_with_the_joint(target: int | None) -> None:
    model = small_model(target)
    joint = joint_of(model)
    assert joint.sum() == pytest.approx(1.0)
    for one, other in itertools.permutations(range(3), 2):
        (rest,) = {0, 1, 2} - {one, other}
        pair = joint.sum(axis=rest)
        pair = pair if one < other else pair.T
        np.testing.assert_allclose(model.expected((one, other)), pair, atol=1e-12)
        np.testing.assert_allclose(model.expected((one,)), pair.sum(axis=1), atol=1e-12)


def test_probability_by_hand() -> None:
    assert joint_of(small_model())[1, 2, 1] == pytest.approx(0.6 * 0.7 * 0.8)


@pytest.mark.parametrize("target", [0, None])
@pytest.mark.parametrize(
    "weights",
    [{}, {2: np.array([0.0, 1.0])}, {0: np.array([3.0, 1.0]), 1: np.array([1.0, 0.0, 5.0]), 2: np.array([1.0, 2.0])}],
)
def test_draws_follow_the_exact_conditional(target: int | None, weights: dict[int, np.ndarray]) -> None:
    model = small_model(target)
    joint = joint_of(model)
    for column, held in weights.items():
        joint = joint * held.reshape([-1 if axis == column else 1 for axis in range(3)])
    rows = model.draw(20_000, weights, np.random.default_rng(3))
    observed = count(rows, (0, 1, 2), tuple(np.arange(size) for size in model.sizes))
    # The seed is fixed, so this never flickers; another seed would fail with probability 1e-3.
    assert chi_square(observed.ravel(), joint.ravel() / joint.sum()) > 1e-3


@pytest.mark.parametrize("known_columns", [(0,), (2,), (0, 2), (1, 2), (1,)])
@pytest.mark.parametrize("target", [0, None])
def test_completion_follows_the_exact_conditional(target: int | None, known_columns: tuple[int, ...]) -> None:
    model = small_model(target)
    weights = {1: np.array([1.0, 2.0, 1.0])}
    joint = joint_of(model)
    if 1 not in known_columns:
        joint = joint * np.array([1.0, 2.0, 1.0])[None, :, None]
    rng = np.random.default_rng(4)
    codes = rng.integers(0, model.sizes, size=(30_000, 3)).astype(np.int32)
    known = np.zeros(codes.shape, dtype=bool)
    known[:, known_columns] = True
    full = model.complete(codes, known, weights, rng)
    np.testing.assert_array_equal(full[known], codes[known])
    for values in itertools.product(*(range(model.sizes[column]) for column in known_columns)):
        members = (codes[:, known_columns] == values).all(axis=1)
        where = [slice(None)] * 3
        for column, value in zip(known_columns, values, strict=True):
            where[column] = slice(value, value + 1)
        probabilities = np.zeros(joint.shape)
        probabilities[tuple(where)] = joint[tuple(where)] / joint[tuple(where)].sum()
        observed = count(full[members], (0, 1, 2), tuple(np.arange(size) for size in model.sizes))
        # At most 6 tests a case, false alarm 1e-4 each; the seed is fixed.
        assert chi_square(observed.ravel(), probabilities.ravel()) > 1e-4


def test_completion_with_mixed_patterns_keeps_what_is_known() -> None:
    model = small_model()
    rng = np.random.default_rng(5)
    codes = rng.integers(0, model.sizes, size=(500, 3)).astype(np.int32)
    known = rng.random(codes.shape) < 0.5
    full = model.complete(codes, known, {}, rng)
    np.testing.assert_array_equal(full[known], codes[known])
    assert (full >= 0).all() and (full < np.array(model.sizes)).all()


def test_weights_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="column 1 leave no code"):
        small_model().draw(5, {1: np.zeros(3)}, np.random.default_rng(0))
    with pytest.raises(ValueError, match="finite and >= 0"):
        small_model().draw(5, {1: np.array([1.0, -1.0, 0.0])}, np.random.default_rng(0))


def test_evidence_of_probability_zero_is_refused() -> None:
    node = Node(1, 0, np.array([0, 1]), np.array([[[1.0, 0.0], [0.0, 1.0]]]))
    root = Node(0, None, np.zeros(0, dtype=np.int64), np.array([[[0.5, 0.5]]]))
    model = TreeModel((2, 2), None, np.ones(1), (root, node), 10.0)
    with pytest.raises(ValueError, match="probability zero"):
        model.draw(5, {0: np.array([1.0, 0.0]), 1: np.array([0.0, 1.0])}, np.random.default_rng(0))


def test_a_seed_repeats_and_no_rows_are_fine() -> None:
    model = small_model()
    one, other = (model.draw(50, {}, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert model.draw(0, {}, np.random.default_rng(7)).shape == (0, 3)


def test_a_hundred_known_neighbours_do_not_underflow() -> None:
    rng = np.random.default_rng(8)
    none = np.zeros(0, dtype=np.int64)
    root = Node(0, None, none, np.full((1, 1, 8), 1 / 8))
    leaves = tuple(
        Node(column, 0, np.arange(8), rng.dirichlet(np.full(16, 0.05), size=(1, 8)) + 1e-9) for column in range(1, 301)
    )
    model = TreeModel((8,) + (16,) * 300, None, np.ones(1), (root, *leaves), 10.0)
    codes = model.draw(200, {}, rng)
    known = np.ones(codes.shape, dtype=bool)
    known[:, 0] = False
    np.testing.assert_array_equal(model.complete(codes, known, {}, rng), codes)


def test_round_trip() -> None:
    model = small_model()
    parts, arrays = model.to_dict()
    again = TreeModel.from_dict(parts, arrays)
    np.testing.assert_array_equal(again.expected((1, 2)), model.expected((1, 2)))
    assert (again.sizes, again.target, again.rows) == (model.sizes, model.target, model.rows)


def test_distance_by_hand() -> None:
    marginals = (Marginal((0,), (np.arange(2),), np.array([60, 40]), 5.0),)
    held = Measurements((2,), ("a",), None, marginals)
    # 10 rows, 5 of each code, stand for 100 rows: 50 and 50; (10 / 5)**2 in both cells.
    assert distance(held, np.array([[0], [1]] * 5)) == pytest.approx(4.0)
