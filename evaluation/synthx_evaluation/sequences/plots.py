"""Pictures of sequences: trajectories, autocorrelation, a map of all sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from synthx.errors import ParameterError, listed
from synthx.schema import Kind, Schema
from synthx_evaluation.encoding import Floats
from synthx_evaluation.sequences.comparison import SequenceComparison, compare_sequences
from synthx_evaluation.sequences.dynamics import LAGS, autocorrelation_curves
from synthx_evaluation.sequences.features import features_of
from synthx_evaluation.sequences.tensor import Places, Sequences

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = ["plot_sequences"]

# Blue and orange of M. Okabe, K. Ito, "Color universal design", 2008; told apart by colour-blind readers and in grey.
_REAL, _SYNTHETIC = "#0072B2", "#E69F00"
_Side = tuple[str, str, Literal["-", "--"], Literal["o", "^"]]
_SIDES: tuple[_Side, _Side] = (("real", _REAL, "-", "o"), ("synthetic", _SYNTHETIC, "--", "^"))

MOST_COLUMNS = 4
_TRAJECTORIES = 6
_POINTS = 500
_CLIP = 5.0
_NAME = 28
"""Characters of a column's name that a title has room for."""


def plot_sequences(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    schema: Schema,
    *,
    columns: Sequence[str] | None = None,
    embedding: str = "pca",
    seed: int = 0,
) -> Figure:
    """Draw synthetic sequences over real ones.

    For each column a panel with the trajectories of six entities of either side and a panel with the autocorrelation
    at lags 1 to 10; and one map of up to 500 sequences of either side by their features. Takes some five
    seconds for 180,000 rows of 28 numbers; t-SNE some ten more.

    Parameters
    ----------
    synthetic, real : DataFrame
        Long tables of sequences with the schema's columns.
    schema : Schema
        What the columns are; it must name the entity.
    columns : sequence of str, optional
        Numbers that change from step to step; by default the up to four with the fewest missing cells.
    embedding : {"pca", "tsne"}
        How the map is made: principal components, with their share of the real variance, or t-SNE.
    seed : int
        Seed of which sequences are drawn.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot; ``figure.savefig("sequences.png")`` writes it.

    Raises
    ------
    DataError
        As `evaluate_sequences`.
    ParameterError
        If a column is not a number that changes from step to step, or the embedding is unknown.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if embedding not in ("pca", "tsne"):
        raise ParameterError(f"embedding is {embedding!r}", remedy="choose 'pca' or 'tsne'")
    comparison = compare_sequences(
        synthetic, train=real, holdout=None, schema=schema, target=None, protected=(), seed=seed
    )
    places = _places(comparison, columns)
    rows = len(places)
    curves = [autocorrelation_curves(part) for part in (comparison.train, comparison.synthetic)] if rows else []
    figure = Figure(figsize=(13.0, max(4.2, 2.5 * rows + 0.9)), layout=ConstrainedLayoutEngine(w_pad=0.1))
    grid = figure.add_gridspec(max(rows, 1), 3, width_ratios=(1.5, 1.0, 1.35))
    for row, place in enumerate(places):
        _trajectories(figure.add_subplot(grid[row, 0]), comparison, int(place), last=row == rows - 1)
        at = int(np.flatnonzero(comparison.synthetic.numbers == place)[0])
        _autocorrelation(figure.add_subplot(grid[row, 1]), [both[at] for both in curves], last=row == rows - 1)
    atlas = figure.add_subplot(grid[:, 2] if rows else grid[:, :])
    _map(atlas, comparison, embedding, seed)
    handles = [
        _handle(f"{name} ({len(part):,} sequences)", colour, line, mark)
        for (name, colour, line, mark), part in zip(_SIDES, (comparison.train, comparison.synthetic), strict=True)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False, fontsize=12)
    return figure


def _handle(label: str, colour: str, line: Literal["-", "--"], mark: str) -> Line2D:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, linestyle=line, marker=mark, markersize=6, linewidth=2, label=label)


def _places(comparison: SequenceComparison, columns: Sequence[str] | None) -> Places:
    """Return which columns to draw."""
    numbers = comparison.synthetic.numbers
    names = comparison.synthetic.names(numbers)
    if columns is None:
        missing = np.isnan(comparison.train.cells[:, numbers]).sum(axis=0)
        return np.sort(numbers[np.argsort(missing, kind="stable")[:MOST_COLUMNS]])
    for name in columns:
        if name not in names:
            raise ParameterError(
                f"column {name!r} is not a number that changes from step to step",
                remedy=f"choose from {listed(names, name)}" if names else "leave columns out",
            )
    return np.array([numbers[names.index(name)] for name in columns], dtype=np.intp)


# -- panels -----------------------------------------------------------------------------------------------------


def _trajectories(axes: Axes, comparison: SequenceComparison, place: int, *, last: bool) -> None:
    """Draw a few entities of either side; lines skip missing cells."""
    column = comparison.synthetic.columns[place]
    for (_, colour, line, mark), part in zip(_SIDES, (comparison.train, comparison.synthetic), strict=True):
        for entity in _full(part, place):
            rows = slice(part.starts[entity], part.starts[entity] + part.lengths[entity])
            values, times = part.cells[rows, place], part.times[rows]
            seen = ~np.isnan(values)
            marker = mark if seen.sum() <= 12 else ""
            axes.plot(
                (times - times[0])[seen], values[seen], color=colour, linestyle=line, marker=marker, linewidth=1.3,
                markersize=4, alpha=0.85,
            )  # fmt: skip
    axes.set_title(_short(column.name), fontsize=12, loc="left")
    axes.tick_params(labelsize=10)
    axes.margins(x=0.02)
    if last:
        time = comparison.schema.time
        timed = comparison.synthetic.timed and time is not None
        axes.set_xlabel(f"{_elapsed(comparison)} since the first step" if timed else "step", fontsize=11)


def _elapsed(comparison: SequenceComparison) -> str:
    time = comparison.schema.time
    assert time is not None
    return "seconds" if time.kind is Kind.DATETIME else _short(time.name)


def _full(part: Sequences, place: int) -> Places:
    """Return a few entities of which most cells of the column are there, in their random order."""
    seen = np.add.reduceat(~np.isnan(part.cells[:, place]), part.starts, dtype=np.intp)
    enough = np.flatnonzero(seen >= max(1, int(np.median(seen))))
    return enough[:_TRAJECTORIES]


def _autocorrelation(axes: Axes, curves: list[Floats], *, last: bool) -> None:
    """Draw the curves of the real and of the synthetic sequences, each (lags,)."""
    lags = np.arange(1, LAGS + 1)
    for (_, colour, line, mark), curve in zip(_SIDES, curves, strict=True):
        axes.plot(
            lags, curve, color=colour, linestyle=line, marker=mark, markersize=5,
            linewidth=1.8,
        )  # fmt: skip
    axes.axhline(0.0, color="0.6", linewidth=0.8)
    axes.set_ylim(-1.05, 1.05)
    axes.set_xticks([1, 4, 7, 10])
    axes.tick_params(labelsize=10)
    axes.set_title("autocorrelation", fontsize=12, loc="left")
    if last:
        axes.set_xlabel("lag in steps", fontsize=11)


def _map(axes: Axes, comparison: SequenceComparison, embedding: str, seed: int) -> None:
    """Draw one point a sequence by its features."""
    points, labels = _embedded(comparison, embedding, seed)
    for (_, colour, _, mark), part in zip(_SIDES, points[::-1], strict=True):
        axes.scatter(part[:, 0], part[:, 1], s=16, color=colour, marker=mark, alpha=0.5, linewidths=0)
    axes.set_title("sequences by their features", fontsize=12, loc="left")
    axes.set_xlabel(labels[0], fontsize=11)
    axes.set_ylabel(labels[1], fontsize=11)
    axes.tick_params(labelsize=10)


def _embedded(comparison: SequenceComparison, embedding: str, seed: int) -> tuple[list[Floats], tuple[str, str]]:
    """Return two coordinates of up to 500 synthetic and 500 real sequences, and what the axes are."""
    synthetic, real = features_of(comparison).parts
    known = np.where(np.isnan(real).all(axis=0), 0.0, real)
    centre, scale = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    scores = [np.nan_to_num(np.clip((part[:_POINTS] - centre) / scale, -_CLIP, _CLIP)) for part in (synthetic, real)]
    if embedding == "tsne":
        from sklearn.manifold import TSNE

        joined = np.concatenate(scores)
        near = max(1.0, min(30.0, (len(joined) - 1) / 3))
        places = TSNE(n_components=2, perplexity=near, init="pca", random_state=seed).fit_transform(joined)
        return [places[: len(scores[0])], places[len(scores[0]) :]], ("t-SNE 1", "t-SNE 2")
    middle = scores[1].mean(axis=0)
    _, spread, axes = np.linalg.svd(scores[1] - middle, full_matrices=False)  # components of the real sequences
    axes = np.pad(axes, ((0, 2), (0, 0)))[:2]  # fewer than two features or sequences leave an axis at 0
    shares = np.pad(spread**2 / max(float((spread**2).sum()), 1e-300), (0, 2))
    labels = (f"component 1 ({shares[0]:.0%} of the real variance)", f"component 2 ({shares[1]:.0%})")
    return [(part - middle) @ axes.T for part in scores], labels


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
