"""A rule pack: what a regulation or standard asks, in lines that evidence can answer.

A pack is data, so that law can change without the code and a team can write its own. A line asks one thing in one of
three ways: of measures with a threshold, of a fact that the report states, or of a person. There is nothing in a pack
that is executed.
"""

from __future__ import annotations

import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from synthx_evaluation.report.record import Verdict

__all__ = ["FactTest", "Line", "MeasureTest", "Pack", "PersonTest", "Quantity", "Reference"]

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
MeasureId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9.-]*$")]
Limit = Annotated[float, Field(allow_inf_nan=False)]


class Quantity(StrEnum):
    """Which figure of a measure is held against the threshold."""

    VALUE = "value"
    BEHIND_REAL = "behind real"
    """How much worse than real rows in the same place: 0 is as good, whichever way the measure points."""
    POSITION = "position"
    """Between guessing (0) and models trained on real rows (1); measures of utility alone have one."""


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reference(_Rule):
    """What a pack was made from.

    Parameters
    ----------
    title : str
        Of the text.
    address : str
        Where it can be read.
    date : date
        Of the text, not of the pack.
    note : str
        What has changed since, or what the reader has to check; empty where there is nothing.
    """

    title: Words
    address: Annotated[str, StringConstraints(pattern=r"^https://\S+$")]
    date: datetime.date
    note: str = ""


class MeasureTest(_Rule):
    """A threshold on measures; the worst of them decides.

    Parameters
    ----------
    measures : tuple
        Ids. Of a list within the list, the first that was taken stands for all (rows or sequences, say).
    quantity : Quantity
        Which figure is held against the threshold.
    at_most, at_least : float
        The threshold; one of the two.
    alarm : float, optional
        A p-value at or below it makes the line *not met*, however small the effect.
    ideal : float, optional
        What a generator blind to single rows scores with rows without end; for the sizes that are told. By default
        0.5 where that is best, else what real rows score.
    author, reason : str
        Who chose the threshold, and why.
    """

    kind: Literal["measures"]
    measures: tuple[MeasureId | Annotated[tuple[MeasureId, ...], Field(min_length=2)], ...] = Field(min_length=1)
    quantity: Quantity = Quantity.VALUE
    at_most: Limit | None = None
    at_least: Limit | None = None
    alarm: Annotated[float, Field(gt=0, lt=1)] | None = None
    ideal: Limit | None = None
    author: Words
    reason: Words

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give one of at_most and at_least")
        return self

    @property
    def limit(self) -> float:
        limit = self.at_most if self.at_most is not None else self.at_least
        assert limit is not None
        return limit

    @property
    def ids(self) -> tuple[str, ...]:
        """Every measure that may be looked at."""
        return tuple(one for entry in self.measures for one in ((entry,) if isinstance(entry, str) else entry))


class FactTest(_Rule):
    """Something that the report must state.

    Parameters
    ----------
    fact : str
        Its name, of `synthx_evaluation.report.criteria.facts.FACTS`.
    stated : bool
        It is enough that it is there.
    at_most, at_least : float, optional
        Bounds of a number.
    one_of : tuple, optional
        What it may be.
    otherwise : Verdict
        The verdict where the report states something else; where it states nothing, it is *not shown*.
    author, reason : str
        Who asks for it, and why.
    """

    kind: Literal["fact"]
    fact: Identifier
    stated: Literal[True] | None = None
    at_most: Limit | None = None
    at_least: Limit | None = None
    one_of: Annotated[tuple[bool | int | float | str, ...], Field(min_length=1)] | None = None
    otherwise: Verdict = Verdict.NOT_MET
    author: Words
    reason: Words

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if sum(given is not None for given in (self.stated, self.at_most, self.at_least, self.one_of)) != 1:
            raise ValueError("give one of stated, at_most, at_least and one_of")
        if self.otherwise is Verdict.MET:
            raise ValueError("otherwise cannot be 'met'")
        return self


class PersonTest(_Rule):
    """Something that no measure can show.

    Parameters
    ----------
    who : str
        Whose judgement it is.
    consider : tuple of str
        Ids of the measures that they should read.
    """

    kind: Literal["person"]
    who: Words
    consider: tuple[MeasureId, ...] = ()


class Line(_Rule):
    """One criterion.

    Parameters
    ----------
    id : str
        Stable within the pack.
    source : str
        Which of the pack's sources says it.
    clause : str
        Where in the source.
    text : str
        What is asked, in our words.
    test : MeasureTest, FactTest or PersonTest
        How it is answered.
    """

    id: Identifier
    source: Identifier
    clause: Words
    text: Words
    test: Annotated[MeasureTest | FactTest | PersonTest, Field(discriminator="kind")]


class Pack(_Rule):
    """All that is asked by one regulation or standard.

    Parameters
    ----------
    id, title : str
        For machines and for people.
    date : date
        When the pack was last held against its sources.
    scope : str
        What it covers, and what it leaves to others.
    sources : mapping of str to Reference
        By short name.
    criteria : tuple of Line
        In the order of the report.
    """

    id: Identifier
    title: Words
    date: datetime.date
    scope: Words
    sources: dict[Identifier, Reference] = Field(min_length=1)
    criteria: tuple[Line, ...] = Field(min_length=1)
