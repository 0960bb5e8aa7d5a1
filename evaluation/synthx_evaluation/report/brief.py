"""What only people can say, as they write it down: purpose, recipients, classes of columns, controls, signers."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, Field, ValidationError

from synthx.errors import DataError, ParameterError
from synthx_evaluation.report.parts import Control, Part, SignOff

__all__ = ["DISCLOSURE_CLASSES", "Brief"]

DISCLOSURE_CLASSES = ("direct identifier", "quasi-identifier", "sensitive", "other")


def _iso(text: str) -> str:
    """Return an ISO date, or empty text."""
    if text:
        datetime.date.fromisoformat(text)
    return text


Date = Annotated[str, AfterValidator(_iso)]


class _Loader(yaml.SafeLoader):
    """Reads days as the text that they are written as."""


_Loader.yaml_implicit_resolvers = {
    first: [resolver for resolver in resolvers if resolver[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Brief(Part):
    """What a report is told about its purpose; everything may be left out, and is then named as missing.

    Parameters
    ----------
    title, owner, purpose, recipients : str
        Plain words.
    date, valid_until : str
        ISO dates; nothing reads the clock.
    out_of_scope : tuple of str
        Uses that the data are not meant for.
    columns : mapping of str to str
        Name of a column -> ``direct identifier``, ``quasi-identifier``, ``sensitive`` or ``other``.
    candidates_made, candidates_scored : int, optional
        How many synthetic tables were made, and how many of them scored on real rows, before this one was chosen.
    candidates_source : str
        Where these numbers are from.
    controls : tuple of Control
        What is done about the risk that remains.
    sign_off : tuple of SignOff
        Blocks to sign, in the place of the usual three.
    """

    title: str = ""
    owner: str = ""
    purpose: str = ""
    recipients: str = ""
    date: Date = ""
    valid_until: Date = ""
    out_of_scope: tuple[str, ...] = ()
    columns: dict[str, str] = Field(default_factory=dict)
    candidates_made: int | None = Field(default=None, ge=1)
    candidates_scored: int | None = Field(default=None, ge=0)
    candidates_source: str = "stated by the owner"
    controls: tuple[Control, ...] = ()
    sign_off: tuple[SignOff, ...] = ()

    @classmethod
    def of(cls, values: object, *, origin: str) -> Brief:
        """Check values that a person wrote.

        Raises
        ------
        ParameterError
            If a field is unknown or has the wrong form, naming it and where it was written; or if the last day of
            validity is before the date of the report.
        """
        if values is not None and not isinstance(values, dict):  # which may be a table, and is not quoted
            raise ParameterError(
                f"{origin} does not hold fields such as `title: People`",
                remedy=f"use the fields {', '.join(cls.model_fields)}",
            )
        try:
            brief = cls.model_validate(values if values is not None else {})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ParameterError(
                f"{origin} cannot be used: {place!r} is {first.get('input')!r} ({first['msg']})",
                remedy=f"use the fields {', '.join(cls.model_fields)}, and dates such as 2026-01-31",
            ) from None
        unknown = next((name for name, kind in brief.columns.items() if kind not in DISCLOSURE_CLASSES), None)
        if unknown is not None:
            raise ParameterError(
                f"{origin} calls column {unknown!r} {brief.columns[unknown]!r}",
                remedy=f"choose one of {', '.join(DISCLOSURE_CLASSES)}",
            )
        if brief.date and brief.valid_until and brief.valid_until < brief.date:
            raise ParameterError(
                f"the report of {brief.date} would be valid until {brief.valid_until}, which is earlier",
                remedy="give a later day",
            )
        return brief

    @classmethod
    def read(cls, path: str | Path) -> Brief:
        """Read a YAML file of these fields.

        Raises
        ------
        DataError
            If it cannot be read.
        ParameterError
            As `of`.
        """
        try:
            values = yaml.load(Path(path).read_text(encoding="utf-8"), _Loader)
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise DataError(f"the brief {str(path)!r} cannot be read ({why})", remedy="give a YAML file") from None
        except yaml.YAMLError as error:
            where = " ".join(str(error).split())
            raise DataError(f"the brief {str(path)!r} is not YAML ({where})", remedy="mend that line") from None
        return cls.of(values, origin=f"the brief {str(path)!r}")
