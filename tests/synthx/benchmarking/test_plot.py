"""The plot: who is on it, where the labels stand, and that files come out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthx.benchmarking.plot import draw, side_by_side, spread, taken
from synthx.benchmarking.results import Results
from synthx.errors import OutputError

SIGNATURES = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.mark.parametrize("suffix", SIGNATURES)
def test_a_file_of_each_kind(results: Results, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"plot{suffix}"
    results.plot(path)
    assert path.read_bytes().startswith(SIGNATURES[suffix])
    with pytest.raises(OutputError, match="exists already"):
        results.plot(path)


def test_sequences_are_drawn_by_their_features(results: Results) -> None:
    rows = [{"model": "sdv-par", "seed": 0, "status": "ok", "c2st": 0.9, "features": 0.7, "fit_seconds": 9.0}]
    figure = draw(Results.of([{**rows[0], "sample_seconds": 1.0}], sequences=True).frame)
    assert [axes.get_title(loc="left").splitlines()[0] for axes in figure.axes] == [
        "Told apart from real sequences (c2st)",
        "Features of sequences",
    ]


def test_an_unknown_kind_is_refused(results: Results, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"end its name in \.png or \.svg or \.pdf"):
        results.plot(tmp_path / "plot.jpg")


def test_every_model_is_labelled_once_and_the_anchors_are_lines(results: Results) -> None:
    for axes in draw(results.frame).axes:
        labels = [text.get_text() for text in axes.texts]
        assert sorted(labels) == ["bootstrap of\nreal rows", "gan", "independent\ncolumns", "sdv-ctgan"]
        assert axes.get_xscale() == "log"


def test_runs_without_figures_are_named_below(results: Results) -> None:
    assert "Not shown: sdv-tvae (timed out)" in draw(results.frame).get_supxlabel()


def test_better_is_higher_on_both_sides(results: Results) -> None:
    detection, trend = draw(results.frame).axes
    bottom, top = detection.get_ylim()
    assert bottom > 0.95 > 0.5 > top
    assert trend.get_ylim()[0] < 0.85 < 1 < trend.get_ylim()[1]


@pytest.mark.parametrize("keep", ["sdv-tvae", "bootstrap", "gan"])
def test_few_runs_can_be_drawn_too(results: Results, keep: str) -> None:
    draw(results.frame[results.frame["model"] == keep])
    draw(results.frame.iloc[:0])


def test_labels_that_would_touch_are_parted() -> None:
    assert spread(np.array([1.0, 0.0, 10.0]), 3.0).tolist() == [2.0, -1.0, 10.0]
    assert [group.tolist() for group in side_by_side(np.array([0, 5, 20]), np.array([9, 12, 30]))] == [[0, 1], [2]]
    x, y = np.array([0.0, 5.0, 5.0]), np.array([0.0, 1.0, 99.0])
    assert taken(x, y, np.full(3, 9.0), 2.0).tolist() == [True, False, False]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12))
def test_spread_keeps_the_order_and_the_gap(places: list[float]) -> None:
    spaced = spread(np.array(places), 2.0)
    order = np.argsort(places, kind="stable")
    assert (np.diff(spaced[order]) > 2.0 - 1e-9).all()
    assert np.isclose(spaced.mean(), np.mean(places))  # least squares: nothing is moved as a whole
