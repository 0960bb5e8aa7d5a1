"""Scorecards of several synthetic tables side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from synthx.errors import ParameterError
from synthx_evaluation.record import Better, Measure
from synthx_evaluation.scorecard import Scorecard

__all__ = ["compare_scorecards", "compare_scorecards_text"]

_SAME = ("reference", "target")


def compare_scorecards(cards: Mapping[str, Scorecard]) -> pd.DataFrame:
    """Return the figures of several synthetic tables side by side.

    Parameters
    ----------
    cards : mapping of str to Scorecard
        A name for each, e.g. the generator's; all measured against the same real rows.

    Returns
    -------
    DataFrame
        One row a measure, with its id as index, in the order of the first card, then of the others. Columns have two
        levels: ``("", "title")``, ``("", "better")``, and for each name ``value``, ``low``, ``high``, ``anchor`` and
        ``p_value``, NaN where a card has none. ``("", "best")`` is the name of the card that stands best, empty where
        fewer than two have a value or the best are equal.

    Raises
    ------
    ParameterError
        If no card is given, two were measured against other real rows, or a measure has two versions.
    """
    if not cards:
        raise ParameterError("no scorecard is given", remedy="give at least one")
    _check(cards)
    measures: dict[str, Measure] = {}
    for card in cards.values():
        measures = {measure.id: measure for measure in card} | measures
    order = list(dict.fromkeys(measure.id for card in cards.values() for measure in card))
    columns: dict[tuple[str, str], list[Any]] = {
        ("", "title"): [measures[code].title for code in order],
        ("", "better"): [str(measures[code].better) for code in order],
    }
    for name, card in cards.items():
        frame = card.to_frame().set_index("id").reindex(order)
        for field in ("value", "low", "high", "anchor", "p_value"):
            columns[name, field] = frame[field].astype("float64").tolist()
    columns["", "best"] = [_best(cards, measures[code]) for code in order]
    return pd.DataFrame(columns, index=pd.Index(order, name="id"))


def compare_scorecards_text(cards: Mapping[str, Scorecard]) -> str:
    """Return the same as an aligned table: a column a card, a star at the best, and what real rows score.

    Raises
    ------
    ParameterError
        As `compare_scorecards`.
    """
    frame = compare_scorecards(cards)
    names = list(cards)
    lines = [["", *names, "real rows", ""]]
    for code in frame.index:
        row = frame.loc[code]
        if row[[(name, "value") for name in names]].isna().all():
            continue
        best = row["", "best"]
        figures = [_figure(row[name, "value"]) + ("*" if name == best else " ") for name in names]
        lines.append([row["", "title"], *figures, _anchor(row, names), f"{row['', 'better']} is better"])
    widths = [max(len(line[i]) for line in lines) for i in range(len(names) + 2)]
    text = []
    for line in lines:
        figures = [cell.rjust(width) for cell, width in zip(line[1:-1], widths[1:], strict=True)]
        cells = [line[0].ljust(widths[0]), *figures]
        text.append("  ".join([*cells, line[-1]]).rstrip())
    rule = "-" * max(map(len, text))
    return "\n".join([text[0], rule, *text[1:]])


def _check(cards: Mapping[str, Scorecard]) -> None:
    (first, base), *others = cards.items()
    versions = {measure.id: measure.version for measure in base}
    for name, card in others:
        for field in _SAME:
            if card.context.get(field) != base.context.get(field):
                raise ParameterError(
                    f"the {field} of {name!r} is {card.context.get(field)!r}, that of {first!r} is "
                    f"{base.context.get(field)!r}",
                    remedy="measure all against the same rows",
                )
        held, base_held = (dict(part.context.get("rows", {})).get("holdout") for part in (card, base))
        if held != base_held:
            raise ParameterError(
                f"{name!r} was measured against {held} holdout rows, {first!r} against {base_held}",
                remedy="measure all against the same rows",
            )
        for measure in card:
            known = versions.setdefault(measure.id, measure.version)
            if known != measure.version:
                raise ParameterError(
                    f"measure {measure.id} has version {measure.version} in {name!r} and {known} in another",
                    remedy="measure again with one version of synthx",
                )


def _best(cards: Mapping[str, Scorecard], measure: Measure) -> str:
    values = {name: card[measure.id].value for name, card in cards.items() if measure.id in card}
    known = {name: _loss(value, measure.better) for name, value in values.items() if value is not None}
    if len(known) < 2:
        return ""
    ranked = sorted(known, key=lambda name: known[name])
    return ranked[0] if known[ranked[0]] < known[ranked[1]] else ""


def _loss(value: float, better: Better) -> float:
    return {Better.HIGHER: -value, Better.LOWER: value, Better.HALF: abs(value - 0.5)}[better]


def _figure(value: float) -> str:
    return "" if np.isnan(value) else f"{round(value, 4) + 0.0:.4f}"


def _anchor(row: pd.Series, names: list[str]) -> str:
    """Return what real rows score; a range where the cards' sizes make a difference."""
    shown = sorted({row[name, "anchor"] for name in names if not np.isnan(row[name, "anchor"])})
    ends = list(dict.fromkeys(_figure(value) for value in (shown[0], shown[-1]))) if shown else []
    return " to ".join(ends)
