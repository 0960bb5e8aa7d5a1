"""Drawn numbers keep to their range and their order, now and at the end of the line that they set out on."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from synthx.codec.numeric import Grid, NumericCodec
from synthx.codec.sequence.history import History
from synthx.codec.sequence.limits import Limits
from synthx.codec.sequence.moves import Corners, NumberCodec
from synthx.codec.sequence.references import Reference
from synthx.codec.sequence.rhythm import Beat, Rhythm
from synthx.codec.structure.rules import Order

NAN, NOTHING = float("nan"), np.empty(0)
LEVELS = NumericCodec(True, np.array([0.0, 20.0]), NOTHING, NOTHING, Grid())
BENDING = NumberCodec(LEVELS, Reference(0, straight=True), LEVELS, (0.0, 20.0), 1e-9, Corners(Grid(), 0.0, 20.0))
"""A number between 0 and 20 that goes straight on between two beats."""
EVEN = (0.0, 0.25, 0.25, 0.25, 0.25)


def limits(
    *rules: Order, beats: tuple[Beat, ...] = (Beat((0, 1), 4, EVEN, strict=True),), number: NumberCodec = BENDING
) -> Limits:
    codec: Any = SimpleNamespace(
        numbers={"a": number, "b": number},
        rhythm=Rhythm(beats),
        table=SimpleNamespace(structure=SimpleNamespace(rules=rules)),
    )
    return Limits(codec)


def kept(
    found: Limits,
    number: int,
    drawn: float,
    *,
    since: int,
    last: tuple[float, float],
    now: float = NAN,
    went: bool = False,
) -> float:
    """Return what a drawn number becomes; `now` is the other one at the same step, `went` whether both moved before."""
    values = np.array([[now, NAN]] if number else [[NAN, NAN]])
    turns = np.full((1, len(found.rhythm.beats)), since)
    history = History.empty(1, 2)._replace(values=np.array([last]), swings=np.full((1, 2), 1.0 if went else NAN))
    return float(found.keep(number, np.array([drawn]), values, history, turns)[0])


class TestRange:
    @pytest.mark.parametrize(
        ("since", "drawn", "expected"),
        [
            (4, 14.0, 12.5),  # four steps go on from 10 to at most 20
            (8, 12.0, 12.0),
            (4, 4.0, 7.5),
            (6, 18.0, 15.0),  # two steps are left until the beat
            (7, 18.0, 18.0),  # one
            (0, 18.0, 18.0),  # who knows
            (4, NAN, NAN),
        ],
    )
    def test_a_line_ends_within_the_range(self, since: int, drawn: float, expected: float) -> None:
        assert kept(limits(), 0, drawn, since=since, last=(10, 10)) == pytest.approx(expected, nan_ok=True)

    def test_nothing_is_asked_of_a_first_value(self) -> None:
        assert kept(limits(), 0, 18.0, since=4, last=(NAN, NAN)) == 18

    def test_nor_of_numbers_that_may_turn_any_time(self) -> None:
        loose = Beat((0, 1), 4, EVEN, strict=False)
        assert kept(limits(beats=(loose,)), 0, 18.0, since=4, last=(10, 10)) == 18
        assert kept(limits(beats=()), 0, 18.0, since=4, last=(10, 10)) == 18


class TestCorners:
    WHOLE = dataclasses.replace(BENDING, corners=Corners(Grid(1.0, 0.0, 0), 0.0, 20.0))

    @pytest.mark.parametrize(
        ("since", "drawn", "expected"),
        [
            (4, 10.7, 10.75),  # to 13 in four steps
            (6, 10.7, 10.5),  # to 11 in two
            (7, 10.7, 11.0),
            (0, 10.7, 10.7),
            (4, 16.1, 12.5),
        ],
    )
    def test_a_line_ends_where_corners_are(self, since: int, drawn: float, expected: float) -> None:
        assert kept(limits(number=self.WHOLE), 0, drawn, since=since, last=(10, 10)) == expected

    def test_a_first_value_is_a_corner_or_on_the_way_to_one(self) -> None:
        nothing = (NAN, NAN)
        found = limits(number=self.WHOLE)
        assert kept(found, 0, 10.7, since=7, last=nothing) == 11
        assert kept(found, 0, 10.7, since=4, last=nothing) == 10.75
        assert kept(found, 0, 10.7, since=0, last=nothing) == 10.7
        assert np.isnan(kept(found, 0, NAN, since=4, last=nothing))

    def test_a_line_under_way_stays(self) -> None:
        found = limits(number=self.WHOLE)
        assert kept(found, 0, 10.7, since=6, last=(10, 10), went=True) == 10.7
        assert kept(found, 0, 10.7, since=8, last=(10, 10), went=True) == 10.75

    def test_rounding_does_not_add_up(self) -> None:
        found = limits(number=dataclasses.replace(self.WHOLE, crooked=1e-3))
        assert kept(found, 0, 10.501, since=6, last=(10, 10), went=True) == 10.5  # to 11.002 as it goes
        assert kept(found, 0, 10.502, since=6, last=(10, 10), went=True) == 10.502


class TestOrder:
    ABOVE, BELOW = Order("a", "b"), Order("b", "a")

    def test_the_later_one_keeps_above_until_the_beat(self) -> None:
        found = limits(self.ABOVE)
        assert kept(found, 1, 3.0, since=4, last=(0, 3), now=1.0) == pytest.approx(3.25)  # both are 4 at the beat
        assert kept(found, 1, 3.5, since=4, last=(0, 3), now=1.0) == 3.5
        assert kept(found, 1, 5.0, since=4, last=(0, 3), now=6.0) == 8.25  # both are at 24 then

    def test_the_later_one_keeps_below(self) -> None:
        found = limits(self.BELOW)
        assert kept(found, 1, 4.0, since=6, last=(3, 3), now=2.0) == 2.0  # not above it now
        assert kept(found, 1, 1.0, since=6, last=(3, 0), now=1.0) == pytest.approx(-0.5)  # nor at the beat, at -1

    def test_at_one_step_where_nothing_is_known_of_a_line(self) -> None:
        assert kept(limits(self.ABOVE), 1, 3.0, since=4, last=(NAN, NAN), now=7.0) == 7
        assert kept(limits(self.ABOVE, beats=()), 1, 3.0, since=4, last=(0, 0), now=7.0) == 7
        assert np.isnan(kept(limits(self.ABOVE), 1, NAN, since=4, last=(0, 0), now=7.0))
        assert kept(limits(self.ABOVE), 1, 3.0, since=4, last=(0, 0), now=NAN) == 3

    def test_the_earlier_one_is_free(self) -> None:
        assert kept(limits(self.ABOVE), 0, 12.0, since=0, last=(10, 3)) == 12
