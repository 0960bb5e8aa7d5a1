"""The rest: limits, controls, signatures of people, methods, reproduction, fingerprints, glossary."""

from __future__ import annotations

from synthx_evaluation.report.parts.base import Part, Text

__all__ = [
    "Control",
    "Fingerprint",
    "Limit",
    "Method",
    "Reproduction",
    "SignOff",
    "Term",
]


class Limit(Part):
    """Something that the evidence cannot tell, or a check that was not made, with its reason."""

    id: str
    text: Text
    evidence: tuple[str, ...] = ()


class Control(Part):
    """What people do about the risk that remains: written by the owner, not by synthx."""

    text: Text
    owner: Text = ""


class SignOff(Part):
    """One block to sign: printed empty where name or date is not given."""

    role: Text
    name: Text = ""
    credential: Text = ""
    date: Text = ""
    statement: Text = ""


class Method(Part):
    """How a measure is computed.

    Parameters
    ----------
    id : str
        Of the measure.
    formula : str
        In plain text; empty where words do.
    source : str
        Authors, year, arXiv or DOI; empty where it is our own definition.
    """

    id: str
    title: Text
    text: Text
    formula: Text = ""
    source: Text = ""


class Reproduction(Part):
    """How to get the same figures again.

    Parameters
    ----------
    command : str
        A command line, with the names of the files that the reader has to put in.
    seeds : mapping of str to int
    versions : mapping of str to str
        Of the libraries that took the measures.
    """

    command: str
    seeds: dict[str, int]
    versions: dict[str, str]


class Fingerprint(Part):
    """A keyed digest of one table: whoever holds the key can check that it is the same table, nobody else learns it."""

    table: str
    algorithm: str = "HMAC-SHA-256"
    digest: str


class Term(Part):
    """One word of the glossary."""

    term: Text
    text: Text
