"""What is drawn too often or too seldom is found, and mended."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
import torch

from synthx.codec.sequence.long import LongTable
from synthx.codec.sequence.steps import StepCodec
from synthx.models.recurrent_vae import SequenceVAE
from synthx.models.sequences.steadying import Frequencies, Steadying, frequencies
from synthx.models.sequences.under_way import Chance
from synthx.schema import Column, Kind, Schema

STARTS = np.array([0, 4, 9])


class TestFrequencies:
    def test_all_steps_but_the_first_of_each_sequence_count(self) -> None:
        lamp = ["off", "on", "on", "off", "on", "off", "off", "off", "on", "off", "off", "on"]
        column = Column(name="lamp", kind=Kind.CATEGORICAL, dtype="object", levels=("off", "on"))
        frame = pd.DataFrame({"lamp": lamp})
        codec = StepCodec.fit(frame, Schema([column]), STARTS, rare_threshold=1)
        ((counts, _),) = frequencies(codec, codec.encode(frame, STARTS), STARTS)
        assert counts[-2:].tolist() == [5, 4]
        assert counts.sum() == 9

    def test_steps_in_which_a_number_is_not_to_turn_do_not_count(self) -> None:
        sequences, steps = 40, 12
        rng = np.random.default_rng(0)
        place = np.tile(np.arange(steps), sequences)
        held = np.repeat(rng.normal(0, 1, sequences * steps // 4), 4).round(3)
        frame = pd.DataFrame({"held": held, "free": rng.normal(0, 1, len(held))})
        schema = Schema([Column(name=name, kind=Kind.DECIMAL, dtype="float64") for name in frame])
        starts = np.arange(sequences) * steps
        codec = StepCodec.fit(frame, schema, starts, rare_threshold=5)
        assert [beat.strict for beat in codec.rhythm.beats] == [True]
        found = frequencies(codec, codec.encode(frame, starts), starts)
        counts = {name: each.counts for name, each in zip(codec.names, found, strict=True)}
        assert counts["held"].sum() == ((place > 0) & (place % 4 == 0)).sum()
        assert counts["free"].sum() == (place > 0).sum()

    def test_errors_are_those_of_sequences_and_not_of_steps(self) -> None:
        values, sequence = np.array([0, 0, 0, 1, 1, 1, 0, 1]), np.array([0, 0, 0, 1, 1, 1, 3, 3])
        found = Frequencies.of(values, sequence, 3)
        assert found.counts.tolist() == [4, 4, 0]
        assert found.errors.tolist() == pytest.approx([np.sqrt(1.5**2 + 1.5**2), np.sqrt(1.5**2 + 1.5**2), 0])

    def test_what_lacks_is_told_less_what_is_chance(self) -> None:
        found = Frequencies(np.array([90, 290, 20]), np.array([30.0, 0.0, 3.0]))
        lacking = found.lacking(np.array([19, 19, 2]))  # as shares of 400: 190, 190 and 20
        first = np.log(200 / 100)
        assert lacking.tolist() == pytest.approx([first * (1 - 0.3**2 / first**2), np.log(200 / 300), 0])
        assert Frequencies(np.array([90, 310]), np.array([80.0, 0.0])).lacking(np.array([1, 1]))[0] == 0
        assert Frequencies(np.array([0, 400]), np.zeros(2)).lacking(np.array([1, 1])).tolist() == [
            1,
            pytest.approx(np.log(210 / 410)),
        ]


def begin(model: SequenceVAE, frame: pd.DataFrame) -> Steadying:
    sampler = copy.deepcopy(model._sampler())
    chance = Chance(torch.Generator().manual_seed(0), np.random.default_rng(0))
    sampler.network.steps.shift.zero_()

    def latent(static: torch.Tensor) -> torch.Tensor:
        return model._latent(torch.randn(len(static), model.latent, generator=chance.generator), static)

    return Steadying(sampler, model._code(LongTable.of(frame, model.schema_)), latent, chance)


def test_a_planted_bias_is_taken_away(sequences: SequenceVAE, stays: pd.DataFrame) -> None:
    steadying = begin(sequences, stays)
    steps, column = steadying.sampler.network.steps, steadying.sampler.codec.names.index("ward")
    start = steps.starts[steadying.sampler.digits.first[column]]
    steps.bias[start] += 3.0
    steadying.round(3_000)
    assert steps.shift[start] < -0.3
    off = [steadying.round(3_000) for _ in range(6)]
    spoilt = begin(sequences, stays)
    spoilt.sampler.network.steps.bias[start] += 3.0
    assert np.mean(off[-2:]) < 0.6 * spoilt.round(3_000)
    others = steps.shift[start + 1 : start + steps.sizes[steadying.sampler.digits.first[column]]]
    assert float(steps.shift[start] - others.mean()) == pytest.approx(-3, abs=0.6)  # -2.9 to -3.0 with three seeds


def test_values_of_no_training_step_stay_as_they_are(sequences: SequenceVAE, stays: pd.DataFrame) -> None:
    """A score moves by at most `RATE * FARTHEST` a round, and not at all where both counts are zero."""
    steadying = begin(sequences, stays)
    wanted = np.concatenate(steadying.wanted)
    steadying.round(3_000)
    shift = steadying.sampler.network.steps.shift
    assert shift.abs().max() <= 0.7
    assert int((shift == 0).sum()) >= int((wanted == 0).sum()) - 5
