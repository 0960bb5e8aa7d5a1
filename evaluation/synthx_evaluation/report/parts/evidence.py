"""The evidence: measures, plots with their tables, and what rule packs say of them."""

from __future__ import annotations

from synthx_evaluation.report.parts.base import Cell, Figure, Part, Plot, Text, Verdict

__all__ = [
    "Criterion",
    "Evidence",
    "Exhibit",
    "Finding",
]


class Evidence(Part):
    """One measure, rounded once: what is shown is what stands here.

    Parameters
    ----------
    id, version, title, better, status, reason, n, seed
        As in the scorecard (`synthx_evaluation.record.Measure`).
    value, interval, anchor, p_value, detectable
        As in the scorecard, rounded.
    reading : str
        What the figure says, in a sentence for people who know no statistics.
    power : str
        What the measure would have noticed, or how many rows it lacks; empty where that does not arise.
    """

    id: str
    version: str
    title: Text
    better: str
    status: str
    value: Figure | None = None
    interval: tuple[Figure, Figure] | None = None
    anchor: Figure | None = None
    p_value: Figure | None = None
    detectable: Figure | None = None
    n: int = 0
    seed: int = 0
    reason: Text = ""
    reading: Text = ""
    power: Text = ""


class Exhibit(Part):
    """A plot with the table behind it.

    Parameters
    ----------
    id : str
        Stable, usable as an HTML id.
    section : str
        ``privacy``, ``fidelity``, ``utility``, ``augmentation`` or ``bias``.
    measure : str
        Id of the measure that it details; empty where it gathers several.
    plot : Plot
        How it is drawn.
    columns : tuple of str
        Heads of the table.
    rows : tuple of tuple of cells
        Of the same width as `columns`.
    note : str
        What it shows; also the alternative text of the drawing.
    """

    id: str
    section: str
    measure: str = ""
    title: Text
    plot: Plot
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: Text = ""


class Finding(Part):
    """What the evidence says of one criterion of a rule pack.

    Parameters
    ----------
    pack, pack_title, pack_date, pack_source : str
        Id of the pack, its name for people, its ISO date, the address of what it was made from.
    criterion : str
        Id of the criterion, stable within the pack, e.g. ``wp216.singling-out``.
    clause : str
        Where the source says it, e.g. ``Recital 26``.
    text : str
        What is asked, in our words.
    evidence : tuple of str
        Ids of the measures that it rests on.
    measure : str
        Id of the one that decided; empty where none did.
    observed, interval, threshold
        Of that measure, rounded for show; None where there is none.
    comparison : str
        How `observed` has to lie to `threshold`, e.g. ``upper end of the interval at most``; empty where there is none.
    threshold_author, threshold_reason : str
        Who set the threshold and why: regulators rarely set one.
    verdict : Verdict
    reading : str
        One sentence that says why the verdict is what it is.
    needed : str
        Of *not shown*: what would do, e.g. how many rows; else empty.
    """

    pack: str
    pack_title: Text = ""
    pack_date: str = ""
    pack_source: str = ""
    criterion: str
    clause: Text = ""
    text: Text
    evidence: tuple[str, ...] = ()
    measure: str = ""
    observed: Figure | None = None
    interval: tuple[Figure, Figure] | None = None
    threshold: Figure | None = None
    comparison: Text = ""
    threshold_author: Text = ""
    threshold_reason: Text = ""
    verdict: Verdict
    reading: Text = ""
    needed: Text = ""


class Criterion(Part):
    """One line of the index: where the evidence for a criterion stands."""

    pack: str
    criterion: str
    verdict: Verdict
    evidence: tuple[str, ...] = ()
