"""A tape of queries and answers, so that an audit can record a fit and replay its answers on neighbouring data."""

from __future__ import annotations

import contextlib
import contextvars
import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

from synthx.errors import PrivacyError

__all__ = ["Release", "Tape", "active", "answered", "note", "playing", "recording", "replaying"]


@dataclasses.dataclass(frozen=True)
class Release:
    """One query and what was answered.

    Parameters
    ----------
    phase, kind : str
        What it was for, and which mechanism answered.
    query : array, or dict of level to count
        What the data said; never to be published.
    sensitivity : float
        What one unit was said to change it by at most: in L2 for counts and values, in any score for a selection.
    output : object
        What was published.
    """

    phase: str
    kind: str
    query: Any
    sensitivity: float
    output: Any


@dataclasses.dataclass
class Tape:
    """Releases in the order in which they were made."""

    releases: list[Release] = dataclasses.field(default_factory=list)

    def add(self, release: Release) -> None:
        self.releases.append(release)

    def __iter__(self) -> Iterator[Release]:
        return iter(self.releases)

    def __len__(self) -> int:
        return len(self.releases)

    def __getitem__(self, index: int) -> Release:
        return self.releases[index]


@dataclasses.dataclass
class _Deck:
    """Where releases are recorded, and where answers come from if they are replayed."""

    record: Tape
    source: Tape | None = None


_DECK: contextvars.ContextVar[_Deck | None] = contextvars.ContextVar("synthx_privacy_tape", default=None)


@contextlib.contextmanager
def recording(tape: Tape | None = None) -> Iterator[Tape]:
    """Record each release of the body on a tape; it holds what the data said, so it is as private as the data."""
    with _deck(_Deck(Tape() if tape is None else tape)) as record:
        yield record


@contextlib.contextmanager
def replaying(tape: Tape) -> Iterator[Tape]:
    """Answer each query of the body from a tape; yield a second tape with the queries that are asked now.

    Raises
    ------
    PrivacyError
        In the body, if it asks for another phase or mechanism than the tape has next: its course depends on the data.
    """
    with _deck(_Deck(Tape(), source=tape)) as record:
        yield record


@contextlib.contextmanager
def _deck(deck: _Deck) -> Iterator[Tape]:
    token = _DECK.set(deck)
    try:
        yield deck.record
    finally:
        _DECK.reset(token)


def active() -> bool:
    """Tell whether releases are recorded or replayed, so that what costs a copy is copied for a tape only."""
    return _DECK.get() is not None


def playing() -> bool:
    """Tell whether answers come from a tape."""
    deck = _DECK.get()
    return deck is not None and deck.source is not None


def answered(phase: str, kind: str) -> Any:
    """Return the taped answer of the query that comes next; ask only while `playing`."""
    deck = _DECK.get()
    assert deck is not None and deck.source is not None
    turn = len(deck.record)
    if turn >= len(deck.source) or (deck.source[turn].phase, deck.source[turn].kind) != (phase, kind):
        taped = f"{deck.source[turn].phase!r}" if turn < len(deck.source) else "nothing more"
        raise PrivacyError(
            f"query {turn + 1} is for {phase!r} where the tape has {taped}",
            remedy="make the course of the fit independent of the data",
        )
    return copy.deepcopy(deck.source[turn].output)


def note(phase: str, kind: str, query: Any, sensitivity: float, output: Any) -> None:
    """Record a release, if anything records."""
    deck = _DECK.get()
    if deck is not None:
        deck.record.add(Release(phase, kind, copy.deepcopy(query), float(sensitivity), copy.deepcopy(output)))
