"""Quality against seconds: one point a run, one label a model, the anchors as lines.

Left, how well a classifier tells the rows from real ones; right, how well pairs of columns (of sequences, features of
each sequence) agree. Colours are those of
M. Okabe, K. Ito, "Color Universal Design" (2008), which the colour-blind tell apart; the shape of a point says the same
again.
"""

from __future__ import annotations

import dataclasses
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from synthx._figures import check_plot_output, save_figure
from synthx.benchmarking.candidates import Family, parse
from synthx.benchmarking.job import Status
from synthx.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw", "write_plot"]

_GREY = "#5f5f5f"
_LOOKS = {Family.OURS: ("#0072b2", "o"), Family.SDV: ("#d55e00", "s")}
_LINES = {"bootstrap": (0, (1, 1.5)), "independent": (0, (5, 2))}
_ANCHOR_TITLES = {"bootstrap": "bootstrap of\nreal rows", "independent": "independent\ncolumns"}
_LABEL_SIZE = 9.0
_CAPTION_WIDTH = 150
_LEAST_SECONDS = 0.1


@dataclasses.dataclass(frozen=True, slots=True)
class _Panel:
    measure: str
    title: str
    best: float


_PANELS = (
    _Panel("c2st", "Told apart from real rows (c2st)\n0.5 is best: a classifier can only guess", 0.5),
    _Panel("trend", "Pair trends\n1 is best: every pair of columns as in real rows", 1.0),
)
_SEQUENCE_PANELS = (
    _Panel("c2st", "Told apart from real sequences (c2st)\n0.5 is best: a classifier can only guess", 0.5),
    _Panel("features", "Features of sequences\n1 is best: lengths, levels, trends, moves as in real ones", 1.0),
)


def write_plot(frame: pd.DataFrame, path: str | Path, *, force: bool = False) -> None:
    """Draw the rows of `synthx.benchmarking.Results` into a file.

    Raises
    ------
    OutputError
        As `check_plot_output`, or if the disk is full.
    """
    check_plot_output(path, force=force)
    save_figure(draw(frame), path, force=force)


def draw(frame: pd.DataFrame) -> Figure:
    """Return the figure; runs that did not end well are named below it."""
    from matplotlib.figure import Figure

    frame = frame.assign(family=[_family(name) for name in frame["model"]])
    well = frame[frame["status"] == Status.OK]
    well = well.assign(seconds=(well["fit_seconds"] + well["sample_seconds"]).clip(lower=_LEAST_SECONDS))
    figure = Figure(figsize=(11.5, 5.4), layout="constrained")
    wanted = _SEQUENCE_PANELS if "features" in frame.columns else _PANELS
    pairs = zip(figure.subplots(1, len(wanted)), wanted, strict=True)
    panels = [(axes, panel, well[well[panel.measure].notna()]) for axes, panel in pairs]
    for axes, panel, runs in panels:
        _draw_panel(axes, panel, runs)
    figure.supxlabel(_caption(frame[frame["status"] != Status.OK]), fontsize=9, color=_GREY)
    figure.draw_without_rendering()  # labels are placed where the layout has put the points
    for axes, panel, runs in panels:
        _label(axes, panel, runs[runs["family"] != Family.ANCHOR])
    return figure


def _caption(absent: pd.DataFrame) -> str:
    lines = ["seconds to fit and to sample; one point a seed"]
    if len(absent):
        named = (absent["model"] + " (" + absent["status"] + ")").unique()
        lines += textwrap.wrap(f"Not shown: {', '.join(named)}", _CAPTION_WIDTH)
    return "\n".join(lines)


def _family(name: str) -> Family:
    try:
        return parse(name).family
    except ParameterError:  # a file of a version that knew other models
        return Family.OURS


# -- panels -----------------------------------------------------------------------------------------------------


def _draw_panel(axes: Axes, panel: _Panel, runs: pd.DataFrame) -> None:
    axes.set_title(panel.title, fontsize=10, loc="left")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda seconds, _: f"{seconds:,g}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    points = runs[runs["family"] != Family.ANCHOR]
    _frame_points(axes, panel, runs, points)
    for name in _LINES:
        _draw_anchor(axes, name, runs.loc[runs["model"] == name, panel.measure])
    for _, group in points.groupby("model", sort=False):
        colour, marker = _LOOKS[Family(group["family"].iloc[0])]
        axes.scatter(group["seconds"], group[panel.measure], color=colour, marker=marker, s=44, alpha=0.85, zorder=3)
        axes.plot(group["seconds"], group[panel.measure], color=colour, linewidth=0.8, alpha=0.5)


def _frame_points(axes: Axes, panel: _Panel, runs: pd.DataFrame, points: pd.DataFrame) -> None:
    """Set the limits: room for labels on both sides, and the best value just inside."""
    seconds = points["seconds"] if len(points) else pd.Series([1.0, 100.0])
    axes.set_xlim(seconds.min() / 2.5, max(seconds.max() * 12.0, seconds.min() * 10.0))
    far = max(float((runs[panel.measure] - panel.best).abs().max()), 0.02) if len(runs) else 0.1
    if panel.best == 1.0:
        axes.set_ylim(1.0 - 1.08 * far, 1.0 + 0.04 * far)
    else:
        axes.set_ylim(panel.best + 1.08 * far, panel.best - 0.08 * far)  # upside down: better is higher


def _draw_anchor(axes: Axes, name: str, values: pd.Series) -> None:
    """Draw an anchor as a line, and as a band where seeds differ; its name stands in the margin."""
    if values.empty:
        return
    axes.axhspan(values.min(), values.max(), color=_GREY, alpha=0.12, linewidth=0)
    axes.axhline(values.mean(), color=_GREY, linestyle=_LINES[name], linewidth=1.1)
    axes.annotate(
        _ANCHOR_TITLES[name],
        (1.0, values.mean()),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=_LABEL_SIZE - 1,
        color=_GREY,
    )


# -- labels -----------------------------------------------------------------------------------------------------


def _label(axes: Axes, panel: _Panel, points: pd.DataFrame) -> None:
    """Write each model's name beside its slowest point: none over another, nor over another's point."""
    if points.empty:
        return
    places = points.sort_values("seconds").drop_duplicates("model", keep="last")
    size = _LABEL_SIZE * axes.figure.dpi / 72  # dots
    x, y = axes.transData.transform(np.column_stack([places["seconds"], places[panel.measure]])).T
    widths = 0.62 * size * (2 + places["model"].str.len().to_numpy())
    left = taken(x, y, widths, 0.8 * size)
    begins = np.where(left, x - widths, x)
    order = np.argsort(begins, kind="stable")
    shifts = np.zeros(len(places))
    for group in side_by_side(begins[order], (begins + widths)[order]):
        shifts[order[group]] = spread(y[order[group]], 1.2 * size) - y[order[group]]
    for i, (name, family, seconds, value) in enumerate(
        places[["model", "family", "seconds", panel.measure]].to_numpy()
    ):
        axes.annotate(
            name,
            (seconds, value),
            xytext=(-8 if left[i] else 8, _LABEL_SIZE * shifts[i] / size),
            textcoords="offset points",
            ha="right" if left[i] else "left",
            va="center",
            fontsize=_LABEL_SIZE,
            color=_LOOKS[family][0],
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5},  # lines stay behind
        )


def taken(x: np.ndarray, y: np.ndarray, widths: np.ndarray, reach: float) -> np.ndarray:
    """Return which points have another point to the right of them where their label would stand.

    >>> taken(np.array([0.0, 5.0, 5.0]), np.array([0.0, 1.0, 99.0]), np.array([9.0, 9.0, 9.0]), 2.0).tolist()
    [True, False, False]
    """
    across, up = x[None, :] - x[:, None], np.abs(y[None, :] - y[:, None])
    return np.asarray(((across > 0) & (across < widths[:, None]) & (up < reach)).any(axis=1))


def side_by_side(begins: np.ndarray, ends: np.ndarray) -> list[np.ndarray]:
    """Return the groups of stretches (begins ascending) that touch, directly or through others.

    >>> [group.tolist() for group in side_by_side(np.array([0, 5, 20]), np.array([9, 12, 30]))]
    [[0, 1], [2]]
    """
    apart = begins[1:] > np.maximum.accumulate(ends)[:-1]
    return np.split(np.arange(len(begins)), np.flatnonzero(apart) + 1)


def spread(places: np.ndarray, gap: float) -> np.ndarray:
    """Return places at least `gap` apart, in the order they had, moved as little as possible (least squares).

    Numbers with a least distance are numbers in ascending order once the distances are taken off: isotonic regression.

    >>> spread(np.array([1.0, 0.0, 10.0]), 3.0).tolist()
    [2.0, -1.0, 10.0]
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    spaced = np.empty(len(places))
    spaced[order] = isotonic_regression(places[order] - steps).x + steps
    return spaced
