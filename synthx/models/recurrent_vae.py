"""SequenceVAE: a recurrent variational autoencoder of mixed-type sequences with static columns.

A sequence is drawn in three parts: its static columns, its length and its time span, as a row of a table
(`TabularAR`); its latent vector, given these (a flow, `latents/prior.py`); and its steps, one after the other and
within a step column by column, as codes with probabilities (`sequences/`). Numbers are measured from what is known
before the step where that is nearer than zero (`codec/sequence/references.py`), so that slow series stay smooth,
repeated values repeat exactly, and columns that nearly agree do so in every row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from synthx.codec.sequence.extent import Extent
from synthx.errors import ParameterError
from synthx.models.descent import descend
from synthx.models.latents.prior import FlowMatching, Prior
from synthx.models.layout import Digits
from synthx.models.sequences.batches import Sequences
from synthx.models.sequences.dates import Landing
from synthx.models.sequences.distinct import distinct_steps
from synthx.models.sequences.drawing import SequenceSampler
from synthx.models.sequences.exploration import Explorable
from synthx.models.sequences.features import StepFeatures
from synthx.models.sequences.likelihood import SequenceLikelihood, posterior
from synthx.models.sequences.network import RecurrentNetwork
from synthx.models.sequences.steadying import ROUNDS, Steadying
from synthx.models.sequential import CodedEntities
from synthx.training import Budget, Plan, Progress, ProgressEvent, Stopped, hold_out

if TYPE_CHECKING:
    from synthx_privacy import Privacy

__all__ = ["SequenceVAE"]

LEAST = {"latent": 1, "width": 1, "hidden": 2, "units": 1, "steps": 1, "prior_steps": 0, "horizon": 2}
"""Settings that are whole numbers, and the least they may be."""
TRAINING_SHARE = 0.9
"""Of the time budget; the prior has the rest."""
PASSES, FEWEST_STEPS, MOST_STEPS = 15, 1_000, 4_000
"""Usual passes over the distinct steps of all sequences, and the least and the most training steps that makes."""
ENCODED_TOGETHER = 512
PRIOR_BLOCKS = 3
PRIOR_BATCH = 512
PRIOR_RATE = 1e-3


class SequenceVAE(Explorable):
    """A recurrent variational autoencoder for sequences of mixed-type records.

    Parameters
    ----------
    max_minutes : float, optional
        Bounds `fit` as a whole. None trains until held-out sequences show no gain or all planned steps are taken.
    seed : int
        The same seed and data give the same model on a CPU.
    device : str
        "auto", "cpu" or "cuda".
    rare_threshold : int
        Nothing that fewer training rows share is stored or drawn, unless the schema declares it.
    batch_size : int
        Steps of sequences that a training step learns from, about.
    steps, prior_steps : int, optional
        At most this many training steps of each phase; with 0 prior steps, latent vectors are taken to be normal. None
        chooses by the size of the data.
    latent : int
        Dimensions of the latent vector of a sequence.
    hidden : int
        Of the recurrences.
    width : int
        Of the vector of a value.
    units : int
        Hidden units of each digit.
    beta : float
        What a nat in the latent vector costs. Lower: a sequence is told more closely by its place, and places of
        sequences are harder to learn.
    dropout : float, optional
        The share of hidden units that is left out in training. None chooses by the number of distinct steps.
    learning_rate : float
        At its peak.
    privacy : Privacy, optional
        What a fit may spend on noisy counts, in which an entity with all its steps counts once: its unit is the
        entity's key, and the schema declares levels and bounds. The network then learns from sequences that these
        counts make likely, and never sees a real one.
    horizon : int, optional
        How many steps of an entity count at most in a private fit, which has to be told; further ones are left out.

    Examples
    --------
    >>> schema = synthx.Schema.detect(frame, entity="patient", time="hour", target="died")  # doctest: +SKIP
    >>> model = SequenceVAE().fit(frame, schema)  # doctest: +SKIP
    >>> model.sample(500, given={"died": 1})  # doctest: +SKIP
    """

    name: ClassVar[str] = "sequence-vae"

    network_: RecurrentNetwork
    features_: StepFeatures
    prior_: Prior

    def __init__(
        self,
        *,
        max_minutes: float | None = None,
        seed: int = 0,
        device: str = "auto",
        rare_threshold: int = 10,
        batch_size: int = 1_536,
        steps: int | None = None,
        prior_steps: int | None = None,
        latent: int = 16,
        hidden: int = 128,
        width: int = 16,
        units: int = 48,
        beta: float = 0.5,
        dropout: float | None = None,
        learning_rate: float = 4e-3,
        privacy: Privacy | None = None,
        horizon: int | None = None,
    ) -> None:
        self.max_minutes = max_minutes
        self.seed = seed
        self.device = device
        self.rare_threshold = rare_threshold
        self.batch_size = batch_size
        self.steps = steps
        self.prior_steps = prior_steps
        self.latent = latent
        self.hidden = hidden
        self.width = width
        self.units = units
        self.beta = beta
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.privacy = privacy
        self.horizon = horizon

    # -- learning -----------------------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_whole_settings(LEAST)
        if not 0 <= self.beta < math.inf:
            raise ParameterError(f"beta is {self.beta!r}", remedy="give a number from 0 on")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ParameterError(f"dropout is {self.dropout!r}", remedy="give a share from 0 to below 1, or none")

    def _learn(
        self, coded: CodedEntities, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        steps = coded.steps
        self.features_ = StepFeatures.fit(self.steps_, steps.values, steps.clock, coded.starts)
        sequences, distinct = self._on_device(coded, device), distinct_steps(coded.steps, coded.starts)
        self.network_ = self._start(sequences).to(device)
        learning, held_out = (sequences.pick(part) for part in hold_out(torch.arange(len(sequences), device=device)))
        phase = SequenceLikelihood(
            self.network_,
            learning,
            held_out,
            steps=self.batch_size,
            learning_rate=self.learning_rate,
            dropout=_usual_dropout(distinct) if self.dropout is None else self.dropout,
            hidden_steps=0.1,
            beta=self.beta,
        )
        plan = Plan(
            stage="training",
            steps=self.steps or self._usual_steps(distinct),
            measure="held-out loss a step",
            up_to=TRAINING_SHARE,
            check_every=100,
            patience=10,
            average=0.998,
        )
        stopped, taken = descend(phase, self.network_, plan, budget, progress)
        self.network_.eval().requires_grad_(False)
        if stopped == "interrupted":
            self._start_prior(device)
            return stopped, taken
        then, more = self._learn_prior(sequences, budget, progress)
        if then != "interrupted":
            then = self._steady(coded, budget, progress)
        return (then if then == "interrupted" else stopped), taken + more

    def _usual_steps(self, distinct: int) -> int:
        return int(np.clip(PASSES * distinct / self.batch_size, FEWEST_STEPS, MOST_STEPS))

    def _on_device(self, coded: CodedEntities, device: torch.device) -> Sequences:
        digits_of = Digits(self.steps_.sizes)
        digits = digits_of.split(torch.from_numpy(coded.steps.codes)).to(torch.int16)
        features, timely, ages, moments = self.features_.of_entities(
            coded.steps, coded.lengths, coded.spans, coded.totals
        )
        return Sequences(
            digits.to(device),
            torch.from_numpy(features).to(device),
            torch.from_numpy(timely).to(device),
            torch.from_numpy(coded.steps.measured[:, list(digits_of.column)]).to(device),
            torch.from_numpy(coded.steps.recalled).to(device),
            torch.from_numpy(ages).to(device),
            torch.from_numpy(moments).to(device),
            torch.from_numpy(coded.starts).to(device),
            torch.from_numpy(coded.lengths).to(device),
            coded.static.to(device),
        )

    def _start(self, sequences: Sequences | None = None) -> RecurrentNetwork:
        """Return an untrained network; one that knows how frequent each value is, where sequences are given."""
        digits = Digits(self.steps_.sizes)
        network = RecurrentNetwork(
            self.static_.digits.sizes,
            digits.sizes,
            features=self.features_.size,
            timely=self.features_.timely_size,
            timed=len(digits.of_column(0)) if self.features_.timed else 0,
            latent=self.latent,
            hidden=self.hidden,
            width=self.width,
            units=self.units,
            told=sum(column < self.steps_.telling for column in digits.column),
            sorts=[self.steps_.sorts[column] for column in digits.column],
            landing=Landing.of(self.steps_),
        )
        if sequences is not None:
            network.steps.smooth(digits.ranks(self.steps_.ranks))
            counts = network.steps.heads.count(sequences.digits.cpu().long())
            network.start_at(((counts + 0.5) / len(sequences.digits)).log())
        return network

    def _start_prior(self, device: torch.device) -> None:
        self.prior_ = Prior(self.static_.digits.sizes, latent=self.latent, width=self.hidden, blocks=PRIOR_BLOCKS).to(
            device
        )
        self.prior_.eval().requires_grad_(False)

    def _learn_prior(self, sequences: Sequences, budget: Budget, progress: Progress | None) -> tuple[Stopped, int]:
        """Learn where the latent vectors of sequences lie, given their static columns."""
        device = sequences.starts.device
        self._start_prior(device)
        self.prior_.train().requires_grad_(True)
        mean, deviation = self._places(sequences)
        static = sequences.static
        learning, held_out = hold_out(torch.arange(len(sequences), device=device))

        def examples(chosen: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return mean[chosen] + deviation[chosen] * torch.randn_like(mean[chosen]), static[chosen], seen

        def batch() -> tuple[Tensor, Tensor, Tensor]:
            chosen = learning[torch.randint(len(learning), (PRIOR_BATCH,), device=device)]
            share = torch.rand(PRIOR_BATCH, 1, device=device)  # all static columns together would tell who it is
            return examples(chosen, torch.rand(PRIOR_BATCH, static.shape[1], device=device) < share)

        whole = torch.ones_like(static[held_out], dtype=torch.bool)
        phase = FlowMatching(self.prior_, batch, examples(held_out, whole), learning_rate=PRIOR_RATE)
        steps = 1_000 if self.prior_steps is None else self.prior_steps
        plan = Plan(stage="latent space", steps=steps, check_every=100, patience=5, keep_start=True)
        done = descend(phase, self.prior_, plan, budget, progress)
        self.prior_.eval().requires_grad_(False)
        return done

    @torch.no_grad()
    def _steady(self, coded: CodedEntities, budget: Budget, progress: Progress | None) -> Stopped:
        """Shift scores until values are as frequent in drawn sequences as in the training ones."""
        sampler, rng = self._sampler(), np.random.default_rng(self.seed)
        chance = self._chance(rng, sampler.device)

        def latent(static: Tensor) -> Tensor:
            noise = torch.randn(len(static), self.latent, generator=chance.generator, device=sampler.device)
            return self._latent(noise, static)

        took = 0.0
        try:
            steadying = Steadying(sampler, coded, latent, chance)
            for turn, steps in enumerate(ROUNDS, start=1):
                if budget.left <= 2 * took:  # a round draws up to twice as many steps as the one before
                    return "time"
                began = budget.seconds
                apart = steadying.round(steps)
                took = budget.seconds - began
                if progress is not None:
                    told = f"values' frequencies were {apart:.3f} off"
                    progress(ProgressEvent("steadying", turn / len(ROUNDS), told, budget.seconds))
        except KeyboardInterrupt:
            return "interrupted"
        return "finished"

    @torch.no_grad()
    def _places(self, sequences: Sequences, known: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the mean and the standard deviation of the latent vectors of sequences; (n, latent) each.

        `known`, shape (steps, digits), says which digits the encoder may see; all, if None.
        """
        means, deviations = [], []
        for part in torch.arange(len(sequences), device=sequences.starts.device).split(ENCODED_TOGETHER):
            mean, log_variance = posterior(self.network_, sequences.pick(part), known)
            means.append(mean)
            deviations.append((0.5 * log_variance).exp())
        return torch.cat(means), torch.cat(deviations)

    # -- drawing ------------------------------------------------------------------------------------------------

    def _sampler(self) -> SequenceSampler:
        return SequenceSampler(self.network_, self.steps_, self.features_)

    def _draw(self, static: Tensor, extent: Extent, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        sampler = self._sampler()
        chance, static = self._chance(rng, sampler.device), static.to(sampler.device)
        noise = torch.randn(len(static), self.latent, generator=chance.generator, device=sampler.device)
        return sampler.draw(static, self._latent(noise, static), extent, chance)

    # -- files --------------------------------------------------------------------------------------------------

    def _weights(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        from synthx.models.parts import named_for

        tensors = {**named_for("network", self.network_.state_dict()), **named_for("prior", self.prior_.state_dict())}
        return {"features": self.features_.to_dict()}, tensors

    def _restore(self, parts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> None:
        from synthx.models.parts import of_owner

        self.features_ = StepFeatures.from_dict(parts["features"])
        self.network_ = self._start().to(device)
        self.network_.load_state_dict(of_owner("network", tensors))
        self.network_.eval().requires_grad_(False)
        self._start_prior(device)
        self.prior_.load_state_dict(of_owner("prior", tensors))


def _usual_dropout(distinct: int) -> float:
    return min(0.3, 0.1 * math.sqrt(150_000 / distinct))
