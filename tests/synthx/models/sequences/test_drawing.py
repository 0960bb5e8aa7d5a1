"""Drawing sequences: by the probabilities that are learned, from where sequences stand."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
import torch

from synthx.codec.sequence.extent import Extent
from synthx.codec.sequence.long import LongTable
from synthx.models.recurrent_vae import SequenceVAE
from synthx.models.sequences.batches import Batch
from synthx.models.sequences.likelihood import step_likelihood
from synthx.models.sequences.under_way import Chance, Given


def chance(*, alike: bool = False, seed: int = 0) -> Chance:
    return Chance(torch.Generator().manual_seed(seed), np.random.default_rng(seed), alike=alike)


def check_likelihood(model: SequenceVAE, some: pd.DataFrame) -> None:
    """Teacher forcing and drawing are two programs; state, features, time, kinds and gaps must agree in both."""
    coded = model._code(LongTable.of(some, model.schema_))
    known = model._on_device(coded, torch.device("cpu"))
    latent = torch.linspace(-1, 1, model.latent).expand(len(known), -1)
    sampler = copy.deepcopy(model._sampler())
    sampler.network.steps.shift.zero_()  # of drawing only
    for one in range(len(known)):
        chosen = known.pick(torch.tensor([one]))
        length = int(chosen.lengths)
        learned, _ = step_likelihood(model.network_, Batch(chosen, 0, length), latent[:1], None)
        under_way = sampler.begin(
            chosen.static,
            latent[:1],
            Extent(coded.lengths[[one]], coded.steps.clock[coded.starts[[one]]], coded.spans[[one]]),
            chance(),
            coded.steps.turns[coded.starts[[one]]],
        )
        total = 0.0
        for row in range(coded.starts[one], coded.starts[one] + length):
            codes = coded.steps.codes[[row]].astype(np.int64)
            given = Given(codes, coded.steps.values[[row]], np.ones(codes.shape, bool))
            drawn, values, likelihood = sampler.step(under_way, chance(), given)
            assert drawn.tolist() == codes.tolist()
            assert np.array_equal(values, coded.steps.values[[row]], equal_nan=True)
            widths = [
                np.log(number.widths[codes[0, sampler.codec.names.index(name)]])
                for name, number in sampler.codec.numbers.items()
            ]
            total += float(likelihood) + sum(widths)
        assert total == pytest.approx(float(learned), rel=1e-4)


def test_given_steps_are_as_likely_as_in_training(sequences: SequenceVAE, stays: pd.DataFrame) -> None:
    check_likelihood(sequences, stays[stays["patient"] < "P-90005"])


def test_given_steps_are_as_likely_as_in_training_where_kinds_are_told_apart(
    accounts: SequenceVAE, paid: pd.DataFrame
) -> None:
    assert accounts.steps_.kinds is not None
    low, high = accounts.steps_.numbers["balance"].bounds or (0, 0)
    usual = paid["balance"].between(low, high).groupby(paid["account"]).transform("all")  # nothing beyond all codes
    check_likelihood(accounts, paid[usual & paid["account"].isin(paid.loc[usual, "account"].unique()[:5])])


def test_what_recurs_recurs_and_what_adds_up_adds_up(accounts: SequenceVAE) -> None:
    """Whatever is learned: rents are at one distance from the last rent, balances from the last balance and amount."""
    drawn = accounts.sample(200, seed=0)
    rent = drawn[drawn["what"] == "rent"].groupby("account")["amount"]
    assert (rent.nunique() == 1).all()
    assert drawn["amount"].groupby(drawn["account"]).nunique().mean() > 3
    move = drawn["balance"].groupby(drawn["account"]).diff()
    low, high = accounts.steps_.numbers["balance"].bounds or (0, 0)
    kept = move.notna() & (drawn["balance"] > low + 10) & (drawn["balance"] < high - 10)  # rounded to tens
    assert kept.mean() > 0.5
    expected = drawn["amount"] * np.where(drawn["what"] == "wage", 1, -1)
    assert np.array_equal(move[kept], expected[kept])


def test_sequences_have_the_lengths_that_are_asked_for(sequences: SequenceVAE) -> None:
    sampler, lengths = sequences._sampler(), np.array([2, 9, 1, 5])
    static = torch.zeros(4, len(sequences.static_.digits.sizes), dtype=torch.long)
    codes, values = sampler.draw(
        static, torch.zeros(4, sequences.latent), Extent(lengths, np.zeros(4), np.full(4, 30.0)), chance()
    )
    assert codes.shape == (17, len(sampler.codec.names))
    assert values.shape == (17, len(sampler.codec.numbers))
    day = np.split(values[:, 0], [2, 11, 12])
    assert all((np.diff(part) >= 0).all() for part in day)


def test_beginnings_are_those_of_whole_sequences(sequences: SequenceVAE) -> None:
    sampler, extent = sequences._sampler(), Extent(np.full(3, 5), np.zeros(3), np.full(3, 30.0))
    static = torch.zeros(3, len(sequences.static_.digits.sizes), dtype=torch.long)
    whole, _ = sampler.draw(static, torch.zeros(3, sequences.latent), extent, chance())
    begun, values = sampler.draw(static, torch.zeros(3, sequences.latent), extent, chance(), most=2)
    assert begun.tolist() == whole[[0, 1, 5, 6, 10, 11]].tolist()
    assert len(values) == 6


def test_scores_are_shifted_but_not_those_of_the_first_step(sequences: SequenceVAE) -> None:
    sampler = copy.deepcopy(sequences._sampler())
    static = torch.zeros(50, len(sequences.static_.digits.sizes), dtype=torch.long)
    extent = Extent(np.full(50, 3), np.zeros(50), np.full(50, 30.0))
    column = sampler.codec.names.index("ward")
    code = sampler.network.steps.starts[sampler.digits.first[column]] + sampler.codec.sizes[column] - 1
    drawn = []
    for shift in (0.0, 50.0):
        sampler.network.steps.shift[code] = shift
        drawn.append(sampler.draw(static, torch.zeros(50, sequences.latent), extent, chance())[0][:, column])
    before, after = (codes.reshape(50, 3) for codes in drawn)
    assert np.array_equal(before[:, 0], after[:, 0])
    assert (after[:, 1:] == sampler.codec.sizes[column] - 1).all() and not (before == after).all()


def test_alike_draws_equal_sequences_from_equal_places(sequences: SequenceVAE) -> None:
    sampler, lengths = sequences._sampler(), np.full(3, 6)
    static = torch.zeros(3, len(sequences.static_.digits.sizes), dtype=torch.long)
    latent, spans = torch.zeros(3, sequences.latent), np.full(3, 30.0)
    for alike in (True, False):
        _, values = sampler.draw(static, latent, Extent(lengths, np.zeros(len(lengths)), spans), chance(alike=alike))
        first, second, third = np.split(values, 3)
        assert np.array_equal(first, second, equal_nan=True) == alike
        assert np.array_equal(second, third, equal_nan=True) == alike


def test_picking_repeats_and_drops_sequences_under_way(sequences: SequenceVAE) -> None:
    sampler = sequences._sampler()
    static = torch.zeros(3, len(sequences.static_.digits.sizes), dtype=torch.long)
    latent = torch.arange(3.0)[:, None].expand(-1, sequences.latent)
    extent = Extent(np.array([4, 5, 6]), np.zeros(3), np.array([10.0, 20.0, 30.0]))
    under_way = sampler.begin(static, latent, extent, chance())
    picked = under_way.pick(np.array([2, 2, 0]))
    assert picked.lengths.tolist() == [6, 6, 4] and picked.spans.tolist() == [30.0, 30.0, 10.0]
    assert picked.condition[:, -1].tolist() == [2.0, 2.0, 0.0]
    assert picked.state is None
    sampler.step(under_way, chance())
    picked = under_way.pick(np.array([1]))
    assert picked.state is not None and under_way.state is not None
    assert torch.equal(picked.state[:, 0], under_way.state[:, 1])
    assert picked.place.tolist() == [1]
    assert picked.clock.tolist() == picked.began.tolist()


def test_levels_open_a_sequence_and_moves_go_on(sequences: SequenceVAE) -> None:
    sampler, count = sequences._sampler(), 200
    static = torch.zeros(count, len(sequences.static_.digits.sizes), dtype=torch.long)
    extent = Extent(np.full(count, 2), np.zeros(count), np.full(count, 9.0))
    under_way = sampler.begin(static, torch.randn(count, sequences.latent), extent, chance())
    column, number = sampler.codec.names.index("day"), sampler.codec.numbers["day"]
    assert number.move is not None
    for moved in (False, True):
        codes, _, _ = sampler.step(under_way, chance())
        assert ((codes[:, column] >= number.level.size) == moved).all()
