"""Plots as inline SVG: one drawing a row, so that the text beside it wraps, scales and is read aloud as text.

Positions across are percentages of the width, so that a drawing fits a phone and a sheet of paper without shrinking its
strokes. An axis carries no round numbers but its two ends, which are figures of the data (a range frame: E. R. Tufte,
"The Visual Display of Quantitative Information", 1983): every number of a page stands in the JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from synthx_evaluation.report.pages.figures import printed
from synthx_evaluation.report.record import Cell, Exhibit, Plot

__all__ = ["CHANCE", "Drawing", "DrawnRow", "Scale", "draw", "sample"]

CHANCE = 0.5
"""What an attack, or a classifier of real against synthetic, scores by guessing."""

_MARGIN = 2.0
"""Percent of the width kept free at both ends, so that a mark at the end is whole."""

_HEIGHT = 18
_MIDDLE = _HEIGHT / 2

_STYLE = {
    "axis": 'stroke="#cfd5d8" stroke-width="1"',
    "range": 'stroke="#8fb7d8" stroke-width="7"',
    "bar": 'stroke="#1f5c8d" stroke-width="9"',
    "anchor": 'stroke="#a34a00" stroke-width="2.5"',
    "chance": 'stroke="#1b232d" stroke-width="1.25" stroke-dasharray="3 2"',
    "dot": 'fill="#1f5c8d"',
    "line": 'fill="none" stroke="#1f5c8d" stroke-width="1"',
}
"""What a mark looks like on paper; the style sheet overrides it on screens, where a scheme may be dark."""


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """A line from `low` to `high`, drawn from left to right.

    Examples
    --------
    >>> Scale(0.0, 2.0).at(1.0)
    '50.00%'
    """

    low: float
    high: float

    @classmethod
    def over(cls, values: Iterable[float | None]) -> Scale:
        """Return the shortest scale that holds all values; None is skipped."""
        known = [value for value in values if value is not None]
        return cls(min(known, default=0.0), max(known, default=1.0))

    def at(self, value: float) -> str:
        """Return where a value lies, as a percentage of the width."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return f"{_MARGIN + share * (100 - 2 * _MARGIN):.2f}%"


@dataclasses.dataclass(frozen=True, slots=True)
class DrawnRow:
    """One row of a plot: what it is, how it is drawn, and its figure in print."""

    label: str
    svg: Markup
    figure: str


@dataclasses.dataclass(frozen=True, slots=True)
class Drawing:
    """A plot, row by row.

    Parameters
    ----------
    kind : Plot
        How it is drawn.
    rows : tuple of DrawnRow
        One for each row of the exhibit; a curve is a single one.
    low, high : str
        Ends of the axis in print; empty where the axis needs none.
    anchored, chance : bool
        Whether the legend has to explain the mark of real rows, and that of chance.
    """

    kind: Plot
    rows: tuple[DrawnRow, ...]
    low: str = ""
    high: str = ""
    anchored: bool = False
    chance: bool = False


def draw(exhibit: Exhibit, *, chance: bool = False) -> Drawing | None:
    """Return the plot of an exhibit, or None where it is only a table.

    Parameters
    ----------
    exhibit : Exhibit
        Its rows, shaped as its `Plot` says.
    chance : bool
        Whether 0.5 is marked as chance.
    """
    match exhibit.plot if exhibit.rows else Plot.NONE:
        case Plot.INTERVALS:
            return _intervals(exhibit, chance)
        case Plot.BARS:
            return _bars(exhibit)
        case Plot.CURVE:
            return _curve(exhibit)
        case _:
            return None


def _intervals(exhibit: Exhibit, chance: bool) -> Drawing:
    """Draw rows of name, value, low, high, anchor: a dot on a bar, and a tick for real rows."""
    figures = [tuple(map(_number, row[1:5])) for row in exhibit.rows]
    scale = Scale.over([*(figure for row in figures for figure in row), CHANCE if chance else None])
    rows = tuple(
        DrawnRow(printed(row[0]), _interval(numbers, scale, _spoken(exhibit.columns, row), chance), printed(row[1]))
        for row, numbers in zip(exhibit.rows, figures, strict=True)
    )
    anchored = any(len(row) > 3 and row[3] is not None for row in figures)
    return Drawing(Plot.INTERVALS, rows, printed(scale.low), printed(scale.high), anchored, chance)


def _interval(numbers: Sequence[float | None], scale: Scale, spoken: str, chance: bool) -> Markup:
    value, low, high, anchor = (*numbers, None, None, None, None)[:4]
    marks = [_line("axis", scale.at(scale.low), scale.at(scale.high))]
    if chance:
        marks.append(_tick("chance", scale.at(CHANCE), _MIDDLE))
    if low is not None and high is not None:
        marks.append(_line("range", scale.at(low), scale.at(high)))
    if anchor is not None:
        marks.append(_tick("anchor", scale.at(anchor), 6))
    if value is not None:
        marks.append(_dot(scale.at(value), _MIDDLE))
    return _svg(marks, spoken)


def _bars(exhibit: Exhibit) -> Drawing:
    """Draw rows of name, value and, where there is one, the figure of real rows: a bar from zero, and a tick."""
    figures = [tuple(map(_number, row[1:3])) for row in exhibit.rows]
    scale = Scale.over([0.0, *(figure for row in figures for figure in row)])
    rows = []
    for row, numbers in zip(exhibit.rows, figures, strict=True):
        value, anchor = (*numbers, None)[:2]
        marks = [_line("axis", scale.at(scale.low), scale.at(scale.high))]
        if value is not None:
            marks.append(_line("bar", scale.at(min(0.0, value)), scale.at(max(0.0, value))))
        if anchor is not None:
            marks.append(_tick("anchor", scale.at(anchor), 7))
        rows.append(DrawnRow(printed(row[0]), _svg(marks, _spoken(exhibit.columns, row)), printed(row[1])))
    return Drawing(Plot.BARS, tuple(rows), anchored=any(len(row) > 1 and row[1] is not None for row in figures))


def _curve(exhibit: Exhibit) -> Drawing:
    """Join points of x and y, in the order of the rows."""
    points = [(x, y) for x, y, *_ in (map(_number, row) for row in exhibit.rows) if x is not None and y is not None]
    across, up = Scale.over(x for x, _ in points), Scale.over(y for _, y in points)
    path = " ".join(f"{_inside(x, across):.2f},{100 - _inside(y, up):.2f}" for x, y in points)
    spoken = f"{exhibit.title}: {exhibit.columns[1]} from {printed(up.low)} to {printed(up.high)}"
    svg = Markup(
        '<svg class="curve" role="img" aria-label="{}" viewBox="0 0 100 100" preserveAspectRatio="none">'
        '<polyline class="line" {} points="{}"/></svg>'
    ).format(spoken, Markup(_STYLE["line"]), path)
    label = f"{exhibit.columns[1]}: {printed(up.low)} to {printed(up.high)}"
    return Drawing(Plot.CURVE, (DrawnRow(label, svg, ""),), printed(across.low), printed(across.high))


def _inside(value: float, scale: Scale) -> float:
    return float(scale.at(value).removesuffix("%"))


def _number(cell: Cell) -> float | None:
    """Return a cell as a position; text such as ``<10`` has none."""
    return float(cell) if isinstance(cell, (int, float)) and not isinstance(cell, bool) else None


def _spoken(columns: Sequence[str], row: Sequence[Cell]) -> str:
    """Return a row as a sentence, the alternative text of its drawing."""
    cells = [f"{column} {printed(cell)}" for column, cell in zip(columns[1:], row[1:], strict=True) if cell is not None]
    return f"{printed(row[0])}: {', '.join(cells)}"


def _svg(marks: Sequence[Markup], spoken: str) -> Markup:
    return Markup('<svg class="track" role="img" aria-label="{}" width="100%" height="{}">{}</svg>').format(
        escape(spoken), _HEIGHT, Markup("").join(marks)
    )


def _line(kind: str, start: str, end: str, middle: float = _MIDDLE) -> Markup:
    return _stroke(kind, start, end, middle, middle)


def _tick(kind: str, at: str, reach: float, middle: float = _MIDDLE) -> Markup:
    return _stroke(kind, at, at, middle - reach, middle + reach)


def _stroke(kind: str, left: str, right: str, top: float, bottom: float) -> Markup:
    line = '<line class="{}" {} x1="{}" x2="{}" y1="{:g}" y2="{:g}"/>'
    return Markup(line).format(kind, Markup(_STYLE[kind]), left, right, top, bottom)


def _dot(at: str, middle: float) -> Markup:
    return Markup('<circle class="dot" {} cx="{}" cy="{:g}" r="4.5"/>').format(Markup(_STYLE["dot"]), at, middle)


def sample(mark: str) -> Markup:
    """Return one mark by itself, for the legend; the words beside it are its alternative text."""
    drawn = {
        "dot": lambda: _dot("11", 7),
        "anchor": lambda: _tick(mark, "11", 6, 7),
        "chance": lambda: _tick(mark, "11", 6, 7),
    }.get(mark, lambda: _line(mark, "2", "20", 7))()
    svg = '<svg class="sample" width="22" height="14" aria-hidden="true" focusable="false">{}</svg>'
    return Markup(svg).format(drawn)
