"""TabularGAN: a conditional GAN on codes.

The generator completes rows: given the visible cells of a row (none, some, any), it draws the others. It learns in two
phases. First it reconstructs real rows with random cells hidden, by maximum likelihood; that alone makes each column
right given the others. But a row is drawn in a few stages, several columns at a time, and columns of one stage would
then be drawn independently of each other. So in the second phase, adversarial training makes them belong together: the
generator gets noise, completes the next stage of a real row, and a discriminator compares the result with the real
stage. Which of its states is best is decided by distances between pairs of columns.

Because any set of cells may be visible, any set of columns can be conditioned on, exactly.

With differential privacy both phases learn from rows of a tree model, which stand for the real ones at no cost; then a
discriminator that sees real rows, and learns with noise, teaches the generator what the tree lacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import nn

from synthx.codec.table import Coded
from synthx.models.adversary import Adversary
from synthx.models.descent import descend
from synthx.models.drawing import StagedSampler
from synthx.models.networks import Completer, Discriminator
from synthx.models.pairs import PairDistance
from synthx.models.reconstruction import Reconstruction
from synthx.models.staged import Staged
from synthx.training import Budget, Plan, Progress, Stopped, train

if TYPE_CHECKING:
    from synthx.models.private.budget import GradientPlan
    from synthx.models.private.fit import PrivateFit
    from synthx_privacy import Privacy

__all__ = ["TabularGAN"]

NOISE = 32
LEAST = {"width": 1, "blocks": 1, "reconstruction_steps": 1, "adversarial_steps": 0, "stages": 1}
"""Settings of the GAN that are whole numbers, and the least they may be."""
JUDGED_ROWS, JUDGED_CELLS = 8_192, 120_000
"""How many rows are drawn to judge a state: fewer of a wide table, so that a look does not outlast the time limit."""
MOST_COMPARED = 20_000
RECONSTRUCTION_SHARE = 0.6
"""Of the time budget; the adversarial phase has the rest."""
IMAGINED_SHARE = 0.5
"""Of the time budget of a private fit, what learning from rows of the tree model may take."""


class TabularGAN(Staged):
    """A conditional GAN for tables.

    Parameters
    ----------
    max_minutes : float, optional
        Bounds `fit` as a whole. None trains until held-out rows show no gain or all planned steps are taken.
    seed : int
        The same seed and data give the same model on a CPU.
    device : str
        "auto", "cpu" or "cuda".
    rare_threshold : int
        Nothing that fewer training rows share is stored or drawn, unless the schema declares it.
    batch_size : int
        Rows a training step.
    reconstruction_steps, adversarial_steps : int, optional
        At most this many steps of each phase; 0 adversarial steps leave that phase out. None means 20 and 7 passes
        over the rows, within bounds. In a private fit the latter also bound the steps on real rows; with 0 of them the
        network learns from rows of the tree model alone, which has the whole budget then.
    stages : int, optional
        In how many stages a row is drawn; more are more faithful and slower. None chooses by how much columns tell
        about each other.
    width : int
        Of the hidden layers.
    blocks : int
        Residual blocks of the generator.
    learning_rate : float
        Of the reconstruction phase, at its peak; the generator's in the adversarial phase is a tenth of it.
    refine : bool
        Accept drawn rows in proportion to how likely a classifier takes them to be real: more faithful rows for a
        longer fit and slower sampling.
    privacy : Privacy, optional
        Learn with differential privacy, and spend at most this.

    Examples
    --------
    >>> model = TabularGAN(max_minutes=5).fit(frame)  # doctest: +SKIP
    >>> model.sample(500, given={"fraud": 1})  # doctest: +SKIP
    """

    name: ClassVar[str] = "gan"

    def __init__(
        self,
        *,
        max_minutes: float | None = None,
        seed: int = 0,
        device: str = "auto",
        rare_threshold: int = 10,
        batch_size: int = 512,
        reconstruction_steps: int | None = None,
        adversarial_steps: int | None = None,
        stages: int | None = None,
        width: int = 256,
        blocks: int = 2,
        learning_rate: float = 2e-3,
        refine: bool = False,
        privacy: Privacy | None = None,
    ) -> None:
        self.max_minutes = max_minutes
        self.seed = seed
        self.device = device
        self.rare_threshold = rare_threshold
        self.batch_size = batch_size
        self.reconstruction_steps = reconstruction_steps
        self.adversarial_steps = adversarial_steps
        self.stages = stages
        self.width = width
        self.blocks = blocks
        self.learning_rate = learning_rate
        self.refine = refine
        self.privacy = privacy

    # -- learning -----------------------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_whole_settings(LEAST)

    def _learn(
        self, coded: Coded, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        learning, held_out = self._begin(coded, device)
        reconstruction = Reconstruction(
            self.network_, learning, held_out, self.plan_, batch_size=self.batch_size, learning_rate=self.learning_rate
        )
        done = self._reconstruct(reconstruction, budget, progress)
        if self._has_second_phase:
            done = self._and_then(done, lambda: self._compete(reconstruction, budget, progress), budget)
        self.network_.eval().requires_grad_(False)
        return done

    def _start(self, sizes: tuple[int, ...], device: torch.device) -> Completer:
        self.network_ = Completer(sizes, width=self.width, blocks=self.blocks, noise=NOISE).to(device)
        return self.network_

    def _networks(self) -> dict[str, nn.Module]:
        return {"network": self.network_}

    @property
    def _has_second_phase(self) -> bool:
        return any(len(stage) > 1 for stage in self.plan_) and self.adversarial_steps != 0

    def _reconstruct(self, phase: Reconstruction, budget: Budget, progress: Progress | None) -> tuple[Stopped, int]:
        steps = self.reconstruction_steps or self._usual_steps(len(phase.rows))
        plan = Plan(
            stage="reconstruction",
            steps=steps,
            up_to=RECONSTRUCTION_SHARE if self._has_second_phase else 1.0,
            check_every=max(20, min(200, steps // 10)),
        )
        return descend(phase, self.network_, plan, budget, progress)

    def _compete(
        self, reconstruction: Reconstruction, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        rows = reconstruction.rows
        sizes = self._digits.sizes
        sampler = self._sampler()
        discriminator = Discriminator(sizes, width=self.width).to(rows.device)
        phase = Adversary(
            self.network_,
            discriminator,
            reconstruction.loss,
            rows,
            self.plan_,
            sampler.stages,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate / 10,
        )
        distance = PairDistance(rows[:MOST_COMPARED], sizes)
        judged = min(JUDGED_ROWS, max(1_024, JUDGED_CELLS // len(sizes)))

        def loss(network: nn.Module) -> float:
            assert isinstance(network, Completer)
            generator = torch.Generator(rows.device).manual_seed(self.seed)
            return distance(sampler.with_network(network).draw_digits(judged, {}, generator))

        steps = self.adversarial_steps
        if steps is None:
            steps = self._usual_steps(len(rows)) // 3
        plan = Plan(
            stage="adversarial training",
            measure="distance of pairs",
            steps=steps,
            check_every=max(20, min(250, steps // 2)),
            average=0.995,
            keep_start=True,
        )
        return train(
            phase.step,
            network=self.network_,
            loss=loss,
            budget=budget,
            plan=plan,
            reset=phase.reset,
            progress=progress,
        )

    # -- learning privately -------------------------------------------------------------------------------------

    def _gradient_plan(self, rows: float) -> GradientPlan | None:
        from synthx.models.private.adversary import gradient_plan

        return None if self.adversarial_steps == 0 else gradient_plan(rows, self.adversarial_steps)

    def _learn_privately(
        self, fit: PrivateFit, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        codes = fit.imagined(np.random.default_rng([self.seed, 3]))
        imagined = Coded(codes, np.zeros(codes.shape, np.float32))
        at_first = Budget(None if self.max_minutes is None else IMAGINED_SHARE * self.max_minutes)
        done = self._learn(imagined, device, at_first, progress)
        if fit.descent is None or len(self._digits.sizes) == 1:  # a single digit is drawn by its frequencies
            return done
        return self._and_then(done, lambda: self._compete_privately(fit, imagined, device, budget, progress), budget)

    def _compete_privately(
        self, fit: PrivateFit, imagined: Coded, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        from synthx.models.private.adversary import compete_privately

        rows = self._digits.split(torch.from_numpy(imagined.codes)).to(device)
        anchor = Reconstruction(
            self.network_, rows, rows, self.plan_, batch_size=self.batch_size, learning_rate=self.learning_rate
        )
        return compete_privately(
            fit,
            self.network_,
            self._sampler(),
            rows,
            anchor.loss,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate / 10,
            seed=self.seed,
            budget=budget,
            progress=progress,
        )

    # -- drawing ------------------------------------------------------------------------------------------------

    def _sampler(self) -> StagedSampler:
        return StagedSampler(self.network_, self._digits, self.plan_, self.codec_.drawn, self.marginals_)
