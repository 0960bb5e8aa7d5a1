"""The loss of sequences: what the encoder sees, chunks that carry their state, memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from synthx.models.recurrent_vae import SequenceVAE
from synthx.models.sequences.batches import CHUNK, Batch, Sequences
from synthx.models.sequences.likelihood import MOST_SEEN, SequenceLikelihood, posterior, step_likelihood

from ..made_sequences import coded, fitted, series


@pytest.fixture(scope="module")
def model() -> SequenceVAE:
    return fitted(series([30, 40] * 8))


def phase(model: SequenceVAE, sequences: Sequences) -> SequenceLikelihood:
    torch.manual_seed(0)
    return SequenceLikelihood(
        model._start(sequences),
        sequences,
        sequences,
        steps=12 * CHUNK,
        learning_rate=1e-3,
        dropout=0.0,
        hidden_steps=0.1,
        beta=0.5,
    )


@torch.no_grad()
def in_chunks(model: SequenceVAE, sequences: Sequences, ends: list[int]) -> float:
    """Return the log-likelihood of sequences that are cut before some steps."""
    latent = torch.linspace(-1, 1, model.latent).expand(len(sequences), -1)
    total, state, first = 0.0, None, 0
    for end in ends:
        likelihood, state = step_likelihood(model.network_, Batch(sequences, first, end - first), latent, state)
        total, first = total + float(likelihood), end
    return total


class TestChunks:
    def test_the_likelihood_in_chunks_is_that_in_one_piece(self, model: SequenceVAE) -> None:
        sequences = coded(model, series([400, 1, 260, 128], seed=1))
        whole = in_chunks(model, sequences, [400])
        assert in_chunks(model, sequences, [128, 256, 384, 400]) == pytest.approx(whole, rel=1e-5)
        assert in_chunks(model, sequences, [1, 399, 400]) == pytest.approx(whole, rel=1e-5)

    def test_the_state_matters(self, model: SequenceVAE) -> None:
        sequences = coded(model, series([256], seed=1))
        latent = torch.zeros(1, model.latent)
        with torch.no_grad():
            _, state = step_likelihood(model.network_, Batch(sequences, 0, 128), latent, None)
            carried, _ = step_likelihood(model.network_, Batch(sequences, 128, 128), latent, state)
            forgotten, _ = step_likelihood(model.network_, Batch(sequences, 128, 128), latent, None)
        assert float(carried) != float(forgotten)

    def test_sequences_side_by_side_do_not_touch(self, model: SequenceVAE) -> None:
        sequences = coded(model, series([20, 3, 11], seed=1))
        alone = sum(in_chunks(model, sequences.pick(torch.tensor([one])), [20]) for one in range(3))
        assert in_chunks(model, sequences, [20]) == pytest.approx(alone, rel=1e-5)

    def test_memory_of_a_step_does_not_grow_with_length(self, model: SequenceVAE) -> None:
        def kept(length: int) -> int:
            """Return how many numbers a step keeps for its gradient."""
            learning = phase(model, coded(model, series([length] * 12, seed=1)))
            numbers = 0

            def keep(tensor: Tensor) -> Tensor:
                nonlocal numbers
                numbers += tensor.numel()
                return tensor

            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                learning.step(0.5)
            return numbers

        assert kept(2_000) == pytest.approx(kept(400), rel=0.02)


class TestPosterior:
    def test_it_has_a_place_for_each_sequence(self, model: SequenceVAE) -> None:
        sequences = coded(model, series([1, 30, 7]))
        mean, log_variance = posterior(model.network_, sequences)
        assert mean.shape == log_variance.shape == (3, model.latent)
        assert torch.isfinite(mean).all()

    def test_sequences_side_by_side_do_not_touch(self, model: SequenceVAE) -> None:
        sequences = coded(model, series([1, 30, 7, 300]))
        together, _ = posterior(model.network_, sequences.pick(torch.tensor([0, 1, 2])))
        for one in range(3):
            alone, _ = posterior(model.network_, sequences.pick(torch.tensor([one])))
            assert torch.allclose(alone[0], together[one], atol=1e-5)
        beside_a_long_one, _ = posterior(model.network_, sequences)
        assert torch.allclose(beside_a_long_one[:3], together, atol=1e-5)

    def test_of_a_long_sequence_evenly_spread_steps_are_read(self, model: SequenceVAE) -> None:
        frame = series([MOST_SEEN * 2 - 1])
        sequences = coded(model, frame)
        every_second = Sequences(
            sequences.digits[::2],
            sequences.features[::2],
            sequences.timely[::2],
            sequences.measured[::2],
            sequences.recalled[::2],
            sequences.ages[::2],
            sequences.moments[::2],
            torch.tensor([0]),
            torch.tensor([MOST_SEEN]),
            sequences.static,
        )
        mean, _ = posterior(model.network_, sequences)
        expected, _ = posterior(model.network_, every_second)
        assert torch.allclose(mean, expected, atol=1e-5)

    def test_digits_that_are_not_known_do_not_count(self, model: SequenceVAE) -> None:
        sequences = coded(model, series([10, 10], seed=3))
        other = Sequences(**{**vars(sequences), "digits": sequences.digits.flip(0)})
        nothing = torch.zeros(sequences.digits.shape, dtype=torch.bool)
        means = [posterior(model.network_, found, nothing)[0] for found in (sequences, other)]
        assert torch.equal(means[0], means[1])
        seen = [posterior(model.network_, found)[0] for found in (sequences, other)]
        assert not torch.allclose(seen[0], seen[1])


class TestLoss:
    def test_the_held_out_loss_has_the_same_noise_at_every_call(self, model: SequenceVAE) -> None:
        learning = phase(model, coded(model, series([30, 40, 200] * 4)))
        losses = {learning.held_out_loss(learning.network) for _ in range(2)}
        assert len(losses) == 1

    def test_it_falls(self, model: SequenceVAE) -> None:
        learning = phase(model, coded(model, series([30, 40] * 8)))
        before = learning.held_out_loss(learning.network)
        for step in range(20):
            learning.step(0.03 + step / 40)
        assert learning.held_out_loss(learning.network) < before
