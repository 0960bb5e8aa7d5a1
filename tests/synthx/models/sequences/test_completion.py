"""Going on from given steps, and filling gaps between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from synthx.codec.sequence.extent import Extent
from synthx.codec.sequence.long import LongTable
from synthx.codec.sequence.steps import CodedSteps
from synthx.codec.table import TableCodec
from synthx.models.recurrent_vae import SequenceVAE
from synthx.models.sequences.completion import continue_steps, fill_steps, without_missing
from synthx.models.sequences.drawing import SequenceSampler
from synthx.models.sequences.under_way import Chance, UnderWay
from synthx.schema import Schema


def begun(model: SequenceVAE, frame: pd.DataFrame, *, room: int = 0) -> tuple[SequenceSampler, UnderWay, CodedSteps]:
    coded = model._code(LongTable.of(frame, model.schema_))
    sampler = model._sampler()
    latent = torch.zeros(len(coded.lengths), model.latent)
    starts = coded.steps.clock[coded.starts]
    extent = Extent(coded.lengths + room, starts, coded.spans + 5.0 * room)
    return sampler, sampler.begin(coded.static, latent, extent, chance()), coded.steps


def chance(seed: int = 0) -> Chance:
    return Chance(torch.Generator().manual_seed(seed), np.random.default_rng(seed))


def few(stays: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the stays of four patients, who have different numbers of visits, and these."""
    sizes = stays.groupby("patient").size().drop_duplicates().head(4)
    return stays[stays["patient"].isin(sizes.index)].reset_index(drop=True), sizes.sort_index().to_numpy()


class TestContinuing:
    def test_each_sequence_is_followed_by_as_many_steps(self, sequences: SequenceVAE, stays: pd.DataFrame) -> None:
        frame, lengths = few(stays)
        sampler, under_way, steps = begun(sequences, frame, room=3)
        codes, values = continue_steps(sampler, under_way, steps, lengths, 3, chance())
        assert codes.shape == (12, len(sampler.codec.names))
        last = frame.groupby("patient")["day"].last().to_numpy()
        assert (np.diff(np.column_stack([last, values[:, 0].reshape(4, 3)]), axis=1) >= 0).all()

    def test_what_was_given_matters(self, sequences: SequenceVAE, stays: pd.DataFrame) -> None:
        frame, lengths = few(stays)
        heavier = frame.assign(weight=frame["weight"] + 10, kilos=frame["kilos"] + 10)
        weights = []
        for given in (frame, heavier):
            sampler, under_way, steps = begun(sequences, given, room=9)
            _, values = continue_steps(sampler, under_way, steps, lengths, 9, chance())
            weights.append(np.nanmean(values[:, list(sampler.codec.numbers).index("weight")]))
        assert weights[1] > weights[0] + 3


class TestFilling:
    def test_known_cells_stay_and_others_are_drawn(self, sequences: SequenceVAE, stays: pd.DataFrame) -> None:
        frame, lengths = few(stays)
        sampler, under_way, steps = begun(sequences, frame)
        known = np.random.default_rng(0).random(steps.codes.shape) < 0.6
        known[:, 0] = True
        codes, values = fill_steps(sampler, under_way, steps, known, lengths, chance())
        names = sampler.codec.names
        for column, name in enumerate(names):
            kept = known[:, column]
            if name in sampler.codec.numbers:
                place = list(sampler.codec.numbers).index(name)
                assert np.array_equal(values[kept, place], steps.values[kept, place], equal_nan=True)
                assert not np.isnan(values[~kept, place]).any()
            else:
                assert (codes[kept, column] == steps.codes[kept, column]).all()
                assert (codes[~kept, column] >= sampler.codec.missing[column]).all()

    def test_what_comes_later_matters(self, sequences: SequenceVAE, stays: pd.DataFrame) -> None:
        """The first weight of a patient is not known, the others are: it is drawn near them."""
        whole = stays.dropna(subset=["weight"])
        frame = whole[whole.groupby("patient")["weight"].transform("size") >= 5].reset_index(drop=True)
        first = ~frame.duplicated("patient")
        sampler, under_way, steps = begun(sequences, frame)
        known = np.ones(steps.codes.shape, bool)
        known[first, sampler.codec.names.index("weight")] = False
        lengths = frame.groupby("patient", sort=False).size().to_numpy().astype(np.int64)
        _, values = fill_steps(sampler, under_way, steps, known, lengths, chance())
        drawn = values[first, list(sampler.codec.numbers).index("weight")]
        assert np.corrcoef(drawn, frame["weight"][first])[0, 1] > 0.3


def test_a_level_stands_where_no_cell_ever_was_missing() -> None:
    frame = pd.DataFrame({"a": list("xy") * 20, "b": list("pq") * 20, "c": [1.5, 2.5] * 20, "flag": [True, False] * 20})
    frame.loc[:11, "b"] = None
    codec = TableCodec.fit(frame, Schema.detect(frame), rare_threshold=5)
    gaps = frame.astype({"flag": object})
    gaps.loc[[3, 20], :] = None
    whole = without_missing(gaps, codec)
    assert whole["a"].notna().all() and whole["a"].drop([3, 20]).equals(frame["a"].drop([3, 20]))
    assert whole["flag"].notna().all()
    assert whole["b"].isna().sum() == 13 and whole["c"].isna().sum() == 2  # these have a code of their own
    assert gaps["a"].isna().sum() == 2
