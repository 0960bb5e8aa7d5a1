from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthx.schema import Column, Kind, Schema
from synthx_evaluation.encoding import encode
from synthx_evaluation.membership.agreement import agreement, number_cells
from synthx_evaluation.membership.density import density, domias
from synthx_evaluation.membership.distance import closest, log_ratio
from synthx_evaluation.membership.influence import influence
from synthx_evaluation.neighbours import Geometry, Neighbours, Points, nearest

NONE = np.array([], dtype=np.intp)
LINE = Geometry("line", 2, 2.0, (), NONE, NONE)


def on_a_line(*cells: float) -> Points:
    return Points(np.array(cells)[:, None], np.zeros((0, len(cells)), dtype=np.int16))


def found(*distances: list[float]) -> Neighbours:
    rows = np.array(distances)
    return Neighbours(rows, np.zeros(rows.shape, dtype=np.intp))


def test_distances_by_hand() -> None:
    to_synthetic, to_reference = found([0.5, 2.0], [1.0, 1.0]), found([1.0, 2.0], [0.5, 4.0])
    assert closest(to_synthetic).tolist() == [-0.5, -1]
    np.testing.assert_allclose(log_ratio(to_synthetic, to_reference, 1), np.log([2, 0.5]), atol=1e-8)
    np.testing.assert_allclose(log_ratio(to_synthetic, to_reference, 2), np.log([1, 4]), atol=1e-8)
    np.testing.assert_allclose(log_ratio(to_synthetic, to_reference, 9), np.log([1, 4]), atol=1e-8)


def test_a_copy_has_a_finite_ratio_above_all_others() -> None:
    ratio = log_ratio(found([0.0], [0.001], [1.0], [0.0]), found([1.0], [1.0], [1.0], [0.0]), 1)
    assert np.isfinite(ratio).all()
    assert ratio.argmax() == 0
    assert ratio[3] == ratio[2] == 0  # equal rows on both sides: no sign of a leak
    assert np.isfinite(log_ratio(found([0.0]), found([0.0]), 1)).all()


def test_densities_rank_rows_far_out() -> None:
    # Two rows far from everything; the first is nearer to a synthetic row than to a reference row.
    rows, synthetic, reference = on_a_line(60.0, -60.0), on_a_line(0.0, 10.0), on_a_line(-10.0, 0.0)
    one, other = (nearest(rows, part, LINE, 1, width=1.0) for part in (synthetic, reference))
    floored = [
        np.exp(-((rows.numbers - part.numbers.T) ** 2) / 2).sum(axis=1) + 1e-20 for part in (synthetic, reference)
    ]
    assert np.ptp(np.log(floored[0]) - np.log(floored[1])) == 0  # the usual floor makes all such rows alike
    np.testing.assert_allclose(domias(one, other), [550, -550], rtol=1e-6)  # (60^2 - 50^2) / 2
    np.testing.assert_allclose(density(one), [-1250, -1800], rtol=1e-6)


def test_influence_is_what_fitting_again_gives() -> None:
    generator = np.random.default_rng(0)
    rows, synthetic, reference = (on_a_line(*generator.normal(size=n)) for n in (6, 15, 12))
    width, k = 0.4, 3

    def log_density(at: Points, of: Points) -> np.ndarray:
        kernel = np.exp(-((at.numbers - of.numbers.T) ** 2) / (2 * width**2))
        return np.asarray(np.log(kernel.mean(axis=1)))

    expected = []
    for x in range(6):
        near = np.argsort(np.abs(synthetic.numbers[:, 0] - rows.numbers[x, 0]))[:k]
        with_x = Points(np.concatenate([reference.numbers, rows.numbers[[x]]]), np.zeros((0, 13), dtype=np.int16))
        at = synthetic.take(near)
        expected.append((log_density(at, with_x) - log_density(at, reference)).sum())
    at_synthetic = nearest(synthetic, reference, LINE, 1, width=width).log_kernel
    assert at_synthetic is not None
    gain = influence(nearest(rows, synthetic, LINE, k), at_synthetic, LINE, width, reference=12)
    np.testing.assert_allclose(gain, expected, rtol=1e-5)


def test_agreement_by_hand() -> None:
    rows, others = np.array([[1, 1], [2, 9]], dtype=np.int32), np.array([[1, 1, 3], [5, 2, 2]], dtype=np.int32)
    # Rows (1, 2) and (1, 9); others (1, 5), (1, 2), (3, 2).
    assert agreement(rows, others, np.array([1.0, 2.0])).tolist() == [3, 1]


def test_cells_are_numbered_by_what_they_hold() -> None:
    frame = pd.DataFrame({"x": [0.1 + 0.2, 0.5, np.nan, np.nan], "y": ["a", "a", "a", "a"]})
    schema = Schema((Column(name="x", kind=Kind.DECIMAL), Column(name="y", kind=Kind.CATEGORICAL)))
    tables = encode(schema, synthetic=frame, train=frame)
    (cells, other), weights = number_cells(tables, tables.train, np.array([[0.3, 0.0], [np.nan, 0.0]]))
    assert cells[0, 0] == other[0, 0]
    assert cells[0, 2] == cells[0, 3] == other[0, 1]
    assert len(set(cells[0].tolist())) == 3
    assert weights == pytest.approx([2 * 0.25 * np.log(4) + 0.5 * np.log(2), 0])
