"""Plots with their tables, picked from the details of measures.

Each exhibit names the fields that it takes: what it does not name never reaches a page, so that a detail which holds a
cell of a real row cannot slip in. No exhibit has an axis of a column's values, only of shares, distances and scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from synthx_evaluation.record import Better
from synthx_evaluation.report.parts import Cell, Evidence, Exhibit, Plot
from synthx_evaluation.report.suppression import Disclosure
from synthx_evaluation.scorecard import Scorecard

__all__ = ["exhibits"]

_MOST_ROWS = 30
_INTERVAL_HEADS = ("Measure", "Value", "Low", "High", "Real rows")


def exhibits(
    card: Scorecard, sections: Mapping[str, Sequence[Evidence]], disclosure: Disclosure
) -> tuple[Exhibit, ...]:
    """Return the exhibits of a report, section after section."""
    details = {measure.id: measure.details for measure in card if measure.value is not None}
    found = [*_overviews(sections), *_of_details(details, disclosure), *_groups(details, card.context, disclosure)]
    order = list(sections)
    return tuple(sorted(found, key=lambda exhibit: order.index(exhibit.section)))


# -- gathered from the rows ------------------------------------------------------------------------------------------


def _is_attack(row: Evidence) -> bool:
    return row.id.startswith("MIA-") and row.better == Better.HALF


def _is_excess(row: Evidence) -> bool:
    return row.id.startswith(("DISC-", "MIA-", "SEQ-COPIES")) and row.better == Better.LOWER


def _is_unit(row: Evidence) -> bool:
    return row.value is not None and 0 <= row.value <= 1


_OVERVIEWS: tuple[tuple[str, str, str, Callable[[Evidence], bool]], ...] = (
    ("privacy", "attacks", "Membership attacks: how often the training row is named (0.5 is guessing)", _is_attack),
    ("privacy", "excess", "Success on training rows beyond rows never seen (0 is none)", _is_excess),
    ("fidelity", "agreement", "Likeness beside real rows (higher is better)",
     lambda row: _is_unit(row) and row.better == Better.HIGHER),
    ("utility", "scores", "Scores of models on real rows (higher is better)",
     lambda row: _is_unit(row) and row.better == Better.HIGHER),
    ("bias", "gaps", "Differences between groups (lower is better)",
     lambda row: _is_unit(row) and row.better == Better.LOWER),
)  # fmt: skip


def _overviews(sections: Mapping[str, Sequence[Evidence]]) -> Iterator[Exhibit]:
    for section, name, title, wanted in _OVERVIEWS:
        rows = [row for row in sections.get(section, ()) if row.value is not None and wanted(row)]
        if not rows:
            continue
        cells: list[tuple[Cell, ...]] = []
        for row in rows:
            low, high = row.interval or (None, None)
            cells.append((row.title, row.value, low, high, row.anchor))
        yield Exhibit(
            id=f"{section}-{name}",
            section=section,
            title=title,
            plot=Plot.INTERVALS,
            columns=_INTERVAL_HEADS,
            rows=tuple(cells),
            note="Each line is a 95% confidence interval around the value; the mark beside it is what real rows score.",
        )


# -- from the details of one measure -----------------------------------------------------------------------------


def _of_details(details: Mapping[str, Mapping[str, Any]], disclosure: Disclosure) -> Iterator[Exhibit]:
    for code in ("FID-SHAPE", "SEQ-STEPS", "SEQ-STATIC", "SEQ-FEATURES"):
        columns = details.get(code, {}).get("columns", {})
        rows = [
            (name, disclosure.figure(values["value"]), disclosure.figure(values.get("anchor")))
            for name, values in columns.items()
            if isinstance(values, Mapping) and isinstance(values.get("value"), float)
        ]
        if rows:
            yield _bars(
                code, "fidelity", "Likeness column by column, the worst first", "Column", rows, worst_first=True
            )
    worst = details.get("FID-PAIRS-ASSOC", {}).get("worst", ())
    pairs = [(" and ".join(p["columns"]), disclosure.figure(p["value"]), disclosure.figure(p["anchor"])) for p in worst]
    if pairs:
        yield _bars("FID-PAIRS-ASSOC", "fidelity", "The pairs of columns that agree least", "Columns", pairs)
    away = [
        (item["column"], disclosure.figure(item["auc_drop"]), None)
        for item in details.get("FID-C2ST", {}).get("giveaways", ())
    ]
    if away:
        yield Exhibit(
            id="detail-FID-C2ST",
            section="fidelity",
            measure="FID-C2ST",
            title="What gives synthetic rows away",
            plot=Plot.BARS,
            columns=("Column", "Loss of AUC without it"),
            rows=tuple((name, value) for name, value, _ in away),
            note="How much worse the classifier gets when the column is shuffled.",
        )
    yield from _attack_rates(details, disclosure)


def _bars(
    code: str,
    section: str,
    title: str,
    head: str,
    rows: Sequence[tuple[str, float | None, float | None]],
    *,
    worst_first: bool = False,
) -> Exhibit:
    listed = sorted(rows, key=lambda row: (row[1] or 0.0, row[0])) if worst_first else rows
    left = len(listed) - _MOST_ROWS
    more = f" {left:,} more are in the scorecard." if left > 0 else ""
    return Exhibit(
        id=f"detail-{code}",
        section=section,
        measure=code,
        title=title,
        plot=Plot.BARS,
        columns=(head, "Synthetic rows", "Real rows"),
        rows=tuple(listed[:_MOST_ROWS]),
        note=f"1 is full agreement with rows that the generator never saw.{more}",
    )


def _attack_rates(details: Mapping[str, Mapping[str, Any]], disclosure: Disclosure) -> Iterator[Exhibit]:
    """Yield the success of each disclosure attack on training rows beside its success on rows never seen."""
    rows: list[tuple[Cell, ...]] = []
    for code in ("DISC-SINGLE-1", "DISC-SINGLE-M", "DISC-LINK", "DISC-INFER-NEAREST", "DISC-INFER-MODEL"):
        found = details.get(code, {})
        if "attack" in found and "control" in found:
            rates = [disclosure.figure(found[side]["rate"]) for side in ("attack", "control")]
            rows.append((code, *rates))
    if rows:
        yield Exhibit(
            id="privacy-rates",
            section="privacy",
            title="How often disclosure attacks succeed",
            plot=Plot.BARS,
            columns=("Attack", "On training rows", "On rows never seen"),
            rows=tuple(rows),
            note="What succeeds equally on both is knowledge about the population, and no leak of training rows.",
        )


# -- groups of people ------------------------------------------------------------------------------------------------


def _groups(
    details: Mapping[str, Mapping[str, Any]], context: Mapping[str, Any], disclosure: Disclosure
) -> Iterator[Exhibit]:
    for number, (column, found) in enumerate(details.get("BIAS-SHARE", {}).get("columns", {}).items(), 1):
        yield from _shares(column, number, found["groups"], context, disclosure)
    exposed = details.get("MIA-GROUPS", {}).get("groups", ())
    kept = [one for one in exposed if min(one["members"], one["non_members"]) >= disclosure.smallest_cell]
    by_column: dict[str, list[Mapping[str, Any]]] = {}
    for one in kept:
        by_column.setdefault(one["column"], []).append(one)
    rows = [
        (f"{column}: {label}", disclosure.figure(one["auc"]), disclosure.figure(one["fresh_rows_auc"]))
        for column, group in by_column.items()
        for label, one in zip(disclosure.labels(column, [one["group"] for one in group]), group, strict=True)
    ]
    if rows:
        yield Exhibit(
            id="detail-MIA-GROUPS",
            section="privacy",
            measure="MIA-GROUPS",
            title="The strongest membership attack, group by group",
            plot=Plot.BARS,
            columns=("Group", "AUC", "AUC on fresh real rows"),
            rows=tuple(rows),
            note=f"Groups of fewer than {disclosure.smallest_cell} rows are left out.",
        )


def _shares(
    column: str,
    number: int,
    groups: Mapping[str, Mapping[str, Any]],
    context: Mapping[str, Any],
    disclosure: Disclosure,
) -> Iterator[Exhibit]:
    """Yield the shares of a protected column's groups, those of few rows left out."""
    sizes = context.get("rows", {})
    tables = [("synthetic", sizes.get("synthetic")), ("reference", sizes.get(context.get("reference", "holdout")))]
    counts = [min(values[side] * (rows or 0) for side, rows in tables) for values in groups.values()]
    hidden = disclosure.withheld(counts)
    rows = [
        (label, disclosure.figure(values["synthetic"]), disclosure.figure(values["reference"]))
        for label, values, small in zip(disclosure.labels(column, groups), groups.values(), hidden, strict=True)
        if not small
    ]
    if rows:
        yield Exhibit(
            id=f"detail-BIAS-SHARE-{number}",
            section="bias",
            measure="BIAS-SHARE",
            title=f"Shares of the groups of {column}",
            plot=Plot.BARS,
            columns=("Group", "Synthetic rows", "Real rows"),
            rows=tuple(rows),
            note=f"Groups of fewer than {disclosure.smallest_cell} rows are left out, and one more if that is one.",
        )
