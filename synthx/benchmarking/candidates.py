"""What can be run by name: our models, SDV's, and the anchors; some of them on tables, some on sequences."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from synthx.adapters.sdv_models import SDV_MODELS, SDVModel
from synthx.adapters.sdv_models import missing as sdv_missing
from synthx.adapters.sdv_sequences import SDV_SEQUENCE_MODELS, SDVSequenceModel
from synthx.benchmarking.anchors import ANCHORS, Anchor
from synthx.benchmarking.sequence_anchors import SEQUENCE_ANCHORS, SequenceAnchor
from synthx.errors import ParameterError, UnsupportedError
from synthx.models.registry import MODELS, model_class
from synthx.schema import Schema
from synthx.training import Progress

if TYPE_CHECKING:
    from synthx.models.base import Synthesizer

__all__ = [
    "Candidate",
    "Family",
    "Generator",
    "Shape",
    "build",
    "default_names",
    "fitting",
    "missing",
    "parse",
    "parse_all",
]

_REFINE = "refine"
_SEQUENCE_MODELS = ("sequence-vae",)
"""Those of our models that learn sequences; the others learn tables."""


class Shape(StrEnum):
    """What a long frame holds."""

    TABLE = "table"
    SEQUENCES = "sequences"
    """There is an entity with several rows."""


class Family(StrEnum):
    """Where a candidate comes from."""

    OURS = "synthx"
    SDV = "SDV"
    ANCHOR = "anchor"


_NAMES: dict[Shape, dict[Family, tuple[str, ...]]] = {
    Shape.TABLE: {
        Family.OURS: tuple(name for name in MODELS if name not in _SEQUENCE_MODELS),
        Family.SDV: tuple(SDV_MODELS),
        Family.ANCHOR: tuple(ANCHORS),
    },
    Shape.SEQUENCES: {
        Family.OURS: tuple(name for name in MODELS if name in _SEQUENCE_MODELS),
        Family.SDV: tuple(SDV_SEQUENCE_MODELS),
        Family.ANCHOR: tuple(SEQUENCE_ANCHORS),
    },
}


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be run.

    Parameters
    ----------
    name : str
        As it was asked for, e.g. ``ar+refine``.
    base : str
        The name without additions.
    family : Family
        Where it comes from.
    refine : bool
        Whether its rows are to be refined.
    """

    name: str
    base: str
    family: Family
    refine: bool = False

    @property
    def heeds_limit(self) -> bool:
        """Whether it is told the time limit and stops by itself, so that its figures depend on the limit."""
        return self.family is Family.OURS

    def takes(self, shape: Shape) -> bool:
        """Whether it can learn data of that shape; the anchors take both."""
        return self.base in _NAMES[shape][self.family]


def default_names(shape: Shape = Shape.TABLE) -> tuple[str, ...]:
    """Return what is run where nothing is named: what takes minutes, not hours."""
    names = _NAMES[shape]
    quick = ("sdv-gaussian-copula",) if shape is Shape.TABLE else ()
    return (*names[Family.OURS], *quick, *names[Family.ANCHOR])


def parse(name: str) -> Candidate:
    """Return the candidate of a name.

    Raises
    ------
    ParameterError
        If there is none.
    """
    base, plus, addition = name.partition("+")
    families = {known: family for names in _NAMES.values() for family in names for known in names[family]}
    family = families.get(base)
    if family is None:
        known = ", ".join(sorted(families, key=lambda known: list(Family).index(families[known])))
        raise ParameterError(f"there is no model {base!r} to compare", remedy=f"choose from {known}")
    if plus and addition != _REFINE:
        raise ParameterError(f"the model {name!r} has an unknown addition", remedy=f"write {base} or {base}+{_REFINE}")
    return Candidate(name, base, family, refine=bool(plus))


def parse_all(names: Iterable[str] | None) -> tuple[Candidate, ...]:
    """Return the candidates of several names; the default ones of tables for None.

    Raises
    ------
    ParameterError
        If there is no such model, none at all, or one is named twice.
    """
    if isinstance(names, str):
        raise ParameterError(f"models is the text {names!r}", remedy="give a list of names")
    chosen = tuple(parse(name) for name in (default_names() if names is None else names))
    if not chosen:
        raise ParameterError("no model is named", remedy=f"name some, such as {', '.join(default_names()[:3])}")
    for candidate in chosen:
        if chosen.count(candidate) > 1:
            raise ParameterError(f"the model {candidate.name!r} is named twice", remedy="name it once")
    return chosen


def fitting(candidates: tuple[Candidate, ...] | None, shape: Shape) -> tuple[Candidate, ...]:
    """Return the candidates if each can learn data of that shape; the default ones for None.

    Raises
    ------
    ParameterError
        If one cannot.
    """
    if candidates is None:
        return parse_all(default_names(shape))
    for candidate in candidates:
        if not candidate.takes(shape):
            known = ", ".join(name for names in _NAMES[shape].values() for name in names)
            if shape is Shape.SEQUENCES:
                problem = f"{candidate.base} learns single rows, and here an entity has several"
                raise ParameterError(problem, remedy=f"choose from {known}, or name no entity")
            problem = f"{candidate.base} learns sequences, and here no entity has several rows"
            raise ParameterError(problem, remedy=f"name the entity (--entity), or choose from {known}")
    return candidates


# -- building ---------------------------------------------------------------------------------------------------


class Generator(ABC):
    """What every candidate can do. What is counted are rows of a table, or entities of sequences."""

    @abstractmethod
    def fit(self, frame: pd.DataFrame, schema: Schema, progress: Progress) -> None:
        """Learn a table or sequences."""

    def prepare(self, count: int) -> None:  # noqa: B027 - most have nothing to prepare
        """Do what must precede sampling and is no part of its cost."""

    @abstractmethod
    def sample(self, count: int) -> pd.DataFrame:
        """Draw new rows, or the rows of new entities."""


def missing(candidate: Candidate) -> str:
    """Return which library a candidate lacks; empty where it can run."""
    return sdv_missing() if candidate.family is Family.SDV else ""


def build(candidate: Candidate, *, seed: int, max_minutes: float | None, shape: Shape = Shape.TABLE) -> Generator:
    """Return a candidate, ready to learn.

    Parameters
    ----------
    candidate : Candidate
    seed : int
    max_minutes : float, optional
        For models that can stop in time.
    shape : Shape
        Of the data, which decides what an anchor does.

    Raises
    ------
    UnsupportedError
        If it cannot refine and is asked to, or its library is missing.
    """
    if candidate.family is Family.OURS:
        return _Ours(_our_model(candidate, seed, max_minutes), seed)
    if candidate.refine:
        raise _cannot_refine(candidate)
    if candidate.family is Family.SDV:
        if shape is Shape.SEQUENCES:
            return _SequencePeer(SDVSequenceModel(candidate.base, seed=seed))
        return _Peer(SDVModel(candidate.base, seed=seed))
    if shape is Shape.SEQUENCES:
        return _SequencesAnchored(SEQUENCE_ANCHORS[candidate.base], seed)
    return _Anchored(ANCHORS[candidate.base], seed)


def _our_model(candidate: Candidate, seed: int, max_minutes: float | None) -> Synthesizer:
    model = model_class(candidate.base)
    if candidate.refine and _REFINE not in model().get_params():
        raise _cannot_refine(candidate)
    settings = {"seed": seed, "max_minutes": max_minutes} | ({_REFINE: True} if candidate.refine else {})
    return model(**settings)


def _cannot_refine(candidate: Candidate) -> UnsupportedError:
    return UnsupportedError(f"{candidate.base} has no setting {_REFINE!r}", remedy=f"run it as {candidate.base!r}")


class _Ours(Generator):
    def __init__(self, model: Synthesizer, seed: int) -> None:
        self._model, self._seed = model, seed

    def fit(self, frame: pd.DataFrame, schema: Schema, progress: Progress) -> None:
        self._model.fit(frame, schema, progress=progress)

    def sample(self, count: int) -> pd.DataFrame:
        return self._model.sample(count, seed=self._seed)


class _Peer(Generator):
    def __init__(self, model: SDVModel) -> None:
        self._model = model

    def fit(self, frame: pd.DataFrame, schema: Schema, progress: Progress) -> None:
        self._model.fit(frame, schema)

    def prepare(self, count: int) -> None:
        self._model.skip(count)

    def sample(self, count: int) -> pd.DataFrame:
        return self._model.sample(count)


class _Anchored(Generator):
    def __init__(self, draw: Anchor, seed: int) -> None:
        self._draw, self._generator = draw, np.random.default_rng(seed)

    def fit(self, frame: pd.DataFrame, schema: Schema, progress: Progress) -> None:
        self._frame = frame

    def sample(self, count: int) -> pd.DataFrame:
        return self._draw(self._frame, count, self._generator)


class _SequencePeer(Generator):
    def __init__(self, model: SDVSequenceModel) -> None:
        self._model = model

    def fit(self, frame: pd.DataFrame, schema: Schema, progress: Progress) -> None:
        self._model.fit(frame, schema)

    def sample(self, count: int) -> pd.DataFrame:
        return self._model.sample(count)


class _SequencesAnchored(Generator):
    def __init__(self, draw: SequenceAnchor, seed: int) -> None:
        self._draw, self._generator = draw, np.random.default_rng(seed)

    def fit(self, frame: pd.DataFrame, schema: Schema, progress: Progress) -> None:
        self._frame, self._schema = frame, schema

    def sample(self, count: int) -> pd.DataFrame:
        return self._draw(self._frame, self._schema, count, self._generator)
