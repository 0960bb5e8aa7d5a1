"""The standing prose, read from the YAML files beside this one."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml

from synthx_evaluation.report.parts import Attacker, Method, SignOff, Term

__all__ = [
    "attackers",
    "described",
    "glossary",
    "ledger_texts",
    "limit_text",
    "method",
    "outside_the_model",
    "section_of",
    "signers",
]

_FOLDER = Path(__file__).parent


@functools.cache
def _read(name: str) -> Any:
    return yaml.safe_load((_FOLDER / name).read_text(encoding="utf-8"))


def described(code: str) -> dict[str, str]:
    """Return what is written about a measure: the entry of its id, or else of the longest beginning of it.

    Codes that nobody described are empty: a scorecard may hold measures of a user's own.
    """
    entries: dict[str, dict[str, str]] = _read("measures.yaml")
    parts = code.split("-")
    beginnings = ("-".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((entries[beginning] for beginning in beginnings if beginning in entries), {})


def section_of(code: str) -> str:
    """Return the section that a measure belongs to; fidelity where nobody said."""
    return described(code).get("section", "fidelity")


def method(code: str, title: str) -> Method:
    """Return how a measure is computed."""
    entry = described(code)
    return Method(
        id=code,
        title=title,
        text=entry.get("text", "Not described: a measure of the user's own."),
        formula=entry.get("formula", ""),
        source=entry.get("source", ""),
    )


def attackers(measured: set[str]) -> tuple[Attacker, ...]:
    """Return the attackers, each with those of its measures that have a value."""
    listed = []
    for values in _read("texts.yaml")["attackers"]:
        tested = tuple(code for code in values["tested_by"] if code in measured)
        untested = values["untested"]
        if values["tested_by"] and not tested:
            untested = f"Not tested here: no measure that plays this attacker has a value. {untested}"
        listed.append(Attacker(**{**values, "tested_by": tested, "untested": untested}))
    return tuple(listed)


def ledger_texts() -> dict[str, Any]:
    """Return the prose of the differential privacy statement."""
    return dict(_read("texts.yaml")["ledger"])


def outside_the_model() -> tuple[str, ...]:
    """Return what no figure can tell."""
    return tuple(_read("texts.yaml")["outside_the_model"])


def limit_text(code: str) -> str:
    """Return what a limit says."""
    return str(_read("texts.yaml")["limits"][code])


def signers() -> tuple[SignOff, ...]:
    """Return the empty sign-off blocks."""
    return tuple(SignOff(**values) for values in _read("texts.yaml")["sign_off"])


def glossary() -> tuple[Term, ...]:
    """Return the glossary, in alphabetical order."""
    return tuple(Term(**values) for values in _read("texts.yaml")["glossary"])
