"""The first page: what the report is called, what may be concluded, for whom, and against whom."""

from __future__ import annotations

from synthx_evaluation.report.parts.base import Part, Text, Verdict

__all__ = [
    "Attacker",
    "Header",
    "Scope",
    "Statement",
    "Summary",
]


class Header(Part):
    """What the report is called and who answers for it; empty text where it was not given.

    Parameters
    ----------
    title, owner : str
        Of the synthetic data set.
    date, valid_until : str
        ISO dates; after `valid_until` the conclusions no longer stand.
    software : str
        Name and version of what wrote the report.
    """

    title: Text
    owner: Text = ""
    date: Text = ""
    valid_until: Text = ""
    software: Text


class Statement(Part):
    """One sentence of the summary, with the measures or criteria that carry it."""

    text: Text
    evidence: tuple[str, ...] = ()


class Summary(Part):
    """The first page.

    Parameters
    ----------
    headline : str
        One sentence: how many criteria are met, not met, not shown, for a person.
    verdict : Verdict
        The worst of the findings that synthx judges: one *not met* makes it *not met*, else one *not shown* makes it
        *not shown*; *for a person to judge* where no criterion was judged.
    counts : mapping of verdict to int
        How many findings ended so; every verdict is a key.
    may, may_not : tuple of Statement
        What may and what may not be concluded.
    until : str
        One sentence: until when, and what ends it earlier.
    """

    headline: Text
    verdict: Verdict
    counts: dict[str, int]
    may: tuple[Statement, ...]
    may_not: tuple[Statement, ...]
    until: Text


class Scope(Part):
    """What the synthetic data are for, and who is to have them; empty where it was not given."""

    purpose: Text = ""
    recipients: Text = ""
    out_of_scope: tuple[Text, ...] = ()


class Attacker(Part):
    """Someone the evidence stands against, or does not.

    Parameters
    ----------
    knows, wants : str
        Plain sentences.
    tested_by : tuple of str
        Ids of the measures that play this attacker; empty where none does.
    untested : str
        What of this attacker no measure covers; empty where nothing is left out.
    """

    id: str
    name: Text
    knows: Text
    wants: Text
    tested_by: tuple[str, ...] = ()
    untested: Text = ""
