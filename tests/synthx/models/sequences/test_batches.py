"""Sequences on a device, and batches of them."""

from __future__ import annotations

import itertools

import pytest
import torch

from synthx.models.sequences.batches import CHUNK, POOL, Batch, Sequences, batches


def made(lengths: list[int]) -> Sequences:
    """Return sequences whose digits count the steps, and whose static digit counts the sequences."""
    count = torch.tensor(lengths)
    steps = int(count.sum())
    return Sequences(
        torch.arange(steps)[:, None],
        torch.zeros(steps, 1),
        torch.zeros(steps, 0),
        torch.zeros(steps, 1, dtype=torch.bool),
        torch.full((steps,), -1),
        torch.zeros(steps, 0),
        torch.zeros(steps, 0),
        count.cumsum(0) - count,
        count,
        torch.arange(len(lengths))[:, None],
    )


def passed(sequences: Sequences, steps: int) -> list[Batch]:
    """Return the batches of one pass over all sequences."""
    seen: set[int] = set()
    passed = []
    for batch in batches(sequences, steps):
        ends = batch.first + batch.count >= int(batch.sequences.lengths.max())
        passed.append(batch)
        if ends:
            seen |= set(batch.sequences.static.flatten().tolist())
        if ends and len(seen) == len(sequences):
            return passed
    raise AssertionError("batches ended")


class TestSequences:
    def test_rows_of_steps_and_which_are_real(self) -> None:
        rows, real = made([3, 1, 2]).rows(0, 3)
        assert real.tolist() == [[True, True, True], [True, False, False], [True, True, False]]
        assert rows.tolist() == [[0, 1, 2], [3, 3, 3], [4, 5, 4]]

    def test_rows_of_a_later_chunk(self) -> None:
        rows, real = made([3, 1, 2]).rows(1, 2)
        assert real.tolist() == [[True, True], [False, False], [True, False]]
        assert rows[real].tolist() == [1, 2, 5]

    def test_pick_shares_the_steps(self) -> None:
        sequences = made([3, 1, 2])
        picked = sequences.pick(torch.tensor([2, 0]))
        assert (picked.starts.tolist(), picked.lengths.tolist()) == ([4, 0], [2, 3])
        assert picked.static.flatten().tolist() == [2, 0]
        assert picked.digits is sequences.digits
        assert len(picked) == 2


class TestBatches:
    @pytest.mark.parametrize("lengths", [[1] * 5, [7, 1, 3, 12, 5] * 10, [400, 1, 1, 300], [CHUNK, CHUNK + 1]])
    def test_a_pass_has_every_step_once(self, lengths: list[int]) -> None:
        torch.manual_seed(0)
        sequences = made(lengths)
        steps: list[int] = []
        for batch in passed(sequences, 64):
            rows, real = batch.sequences.rows(batch.first, batch.count)
            steps += sequences.digits[rows[real]].flatten().tolist()
        assert sorted(steps) == list(range(sum(lengths)))

    def test_chunks_of_a_batch_follow_each_other(self) -> None:
        torch.manual_seed(0)
        chunks = passed(made([300, 290, 280]), 3 * CHUNK)
        assert [(chunk.first, chunk.count) for chunk in chunks] == [(0, 128), (128, 128), (256, 44)]
        assert all(chunk.sequences is chunks[0].sequences for chunk in chunks)

    def test_a_batch_has_about_the_steps_that_were_asked_for(self) -> None:
        torch.manual_seed(0)
        found = passed(made([10] * 64), 160)
        assert [len(batch.sequences) for batch in found] == [16] * 4

    def test_one_sequence_is_longer_than_a_batch(self) -> None:
        batch = next(batches(made([50, 50]), 8))
        assert (len(batch.sequences), batch.count) == (1, 50)

    def test_sequences_of_a_batch_are_of_like_length(self) -> None:
        torch.manual_seed(0)
        lengths = list(range(1, 1 + 4 * POOL))
        for batch in passed(made(lengths), 4 * 16):  # four sequences of the median length
            found = batch.sequences.lengths
            assert int(found.max() - found.min()) == len(found) - 1

    def test_each_pass_has_another_order(self) -> None:
        torch.manual_seed(0)
        orders = [
            tuple(batch.sequences.static.flatten().tolist())
            for batch in itertools.islice(batches(made([5] * 20), 100), 3)
        ]
        assert len(set(orders)) == 3
