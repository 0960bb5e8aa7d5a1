"""TabularVAE: a variational autoencoder on codes, whose latent space can be walked.

Every row has a place in a space of a few dimensions. An encoder says where a row lies; a decoder draws rows that
may lie at a place. The decoder is that of the other table models: a network that completes rows, here given the latent
vector too, so that rows can still be drawn in a few stages and any cells can be given. A decoder this strong could do
without the latent vector, and would, if information in it had its full price (posterior collapse): so a nat costs less
than one here. A share of the rows gives the decoder no vector, so that it heeds visible cells too, and does not take
the vector at its word.

At that price rows do not fill the space as a normal distribution would. A second phase learns where they lie: a flow
that carries normal noise there, given the visible cells (`latents/prior.py`). It runs both ways, and the latent vectors
that people meet (`encode`, `decode`) are those at its noise end: for a table like the training table they are standard
normal, whatever the shape of the inner space.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from synthx.codec.table import Coded
from synthx.errors import ParameterError
from synthx.models.descent import descend
from synthx.models.latents.autoencoder import Autoencoder, Encoder, Evidence
from synthx.models.latents.drawing import LatentSampler
from synthx.models.latents.exploration import Explorable
from synthx.models.latents.prior import FlowMatching, Prior
from synthx.models.networks import Completer
from synthx.models.reconstruction import prefixes
from synthx.models.staged import Staged
from synthx.training import Budget, Plan, Progress, Stopped

if TYPE_CHECKING:
    from synthx.models.private.budget import GradientPlan
    from synthx.models.private.fit import PrivateFit
    from synthx_privacy import Privacy

__all__ = ["TabularVAE"]

LEAST = {"width": 1, "blocks": 1, "latent": 1, "autoencoder_steps": 1, "prior_steps": 0, "stages": 1}
"""Settings of the VAE that are whole numbers, and the least they may be."""
AUTOENCODER_SHARE = 0.65
"""Of the time budget; the prior has the rest."""
IMAGINED_SHARE = 0.5
"""Of the time budget of a private fit, what learning from rows of the tree model may take."""
MEASURED_ROWS, JUDGED_ROWS = 20_000, 8_192
PRIOR_BLOCKS = 3


class TabularVAE(Staged, Explorable):
    """A variational autoencoder for tables.

    Parameters
    ----------
    privacy : Privacy, optional
        Learn with differential privacy; the fit then needs a schema that declares bounds and levels.
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
    autoencoder_steps, prior_steps : int, optional
        At most this many steps of each phase; with 0 prior steps, rows are taken to be normal in the latent space.
        None chooses by the number of rows. In a private fit, the former also bound the steps on real rows.
    stages : int, optional
        In how many stages a row is drawn. None chooses by how much columns tell about each other.
    latent : int
        Dimensions of the latent space.
    beta : float
        What a nat in the latent vector costs. Lower: a row is told more closely by its place, and places of rows are
        harder to learn; from about 1 on nothing is told.
    width : int
        Of the hidden layers.
    blocks : int
        Residual blocks of encoder and decoder.
    learning_rate : float
        At its peak.
    refine : bool
        Accept drawn rows in proportion to how likely a classifier takes them to be real: more faithful rows for a
        longer fit and slower sampling.

    Attributes
    ----------
    information_ : float array, shape (latent,)
        What each dimension tells about a row, in nats, the most telling first; below 0.05 a dimension is idle.

    Examples
    --------
    >>> model = TabularVAE().fit(frame)  # doctest: +SKIP
    >>> model.around(frame[frame["fraud"] == 1], 500, given={"fraud": 1})  # doctest: +SKIP
    """

    name: ClassVar[str] = "vae"

    information_: np.ndarray

    def __init__(
        self,
        *,
        privacy: Privacy | None = None,
        max_minutes: float | None = None,
        seed: int = 0,
        device: str = "auto",
        rare_threshold: int = 10,
        batch_size: int = 512,
        autoencoder_steps: int | None = None,
        prior_steps: int | None = None,
        stages: int | None = None,
        latent: int = 16,
        beta: float = 0.5,
        width: int = 256,
        blocks: int = 2,
        learning_rate: float = 2e-3,
        refine: bool = False,
    ) -> None:
        self.privacy = privacy
        self.max_minutes = max_minutes
        self.seed = seed
        self.device = device
        self.rare_threshold = rare_threshold
        self.batch_size = batch_size
        self.autoencoder_steps = autoencoder_steps
        self.prior_steps = prior_steps
        self.stages = stages
        self.latent = latent
        self.beta = beta
        self.width = width
        self.blocks = blocks
        self.learning_rate = learning_rate
        self.refine = refine

    # -- learning -----------------------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        super()._check_parameters()
        self._check_whole_settings(LEAST)
        if not 0 < self.beta < math.inf:
            raise ParameterError(f"beta is {self.beta!r}", remedy="give a number above 0; 0.5 is usual")

    def _learn(
        self, coded: Coded, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        learning, held_out = self._begin(coded, device)
        done = self._encode_and_decode(learning, held_out, budget, progress)
        self.network_.tidy(learning[:MEASURED_ROWS])
        self.network_.eval().requires_grad_(False)
        self.information_ = self.network_.information(learning[:MEASURED_ROWS]).double().cpu().numpy()
        if self.prior_steps != 0:
            done = self._and_then(done, lambda: self._learn_prior(learning, held_out, budget, progress), budget)
        self.prior_.eval().requires_grad_(False)
        return done

    def _gradient_plan(self, rows: float) -> GradientPlan:
        from synthx.models.private.autoencoding import gradient_plan

        return gradient_plan(rows, self.autoencoder_steps)

    def _learn_privately(
        self, fit: PrivateFit, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        from synthx.models.private.autoencoding import decode_real_rows
        from synthx_privacy.measurements import distance

        def judge(network: nn.Module) -> float:
            judged = copy.copy(self)
            judged.network_ = cast(Autoencoder, network)
            return distance(fit.measurements, judged._draw(JUDGED_ROWS, {}, self.seed))

        def from_real_rows() -> tuple[Stopped, int]:
            rate = self.learning_rate
            return decode_real_rows(
                fit, self.network_, self.plan_, learning_rate=rate, judge=judge, budget=budget, progress=progress
            )

        codes = fit.imagined(np.random.default_rng([self.seed, 3]))
        at_first = Budget(None if self.max_minutes is None else IMAGINED_SHARE * self.max_minutes)
        done = self._learn(Coded(codes, np.zeros(codes.shape, np.float32)), device, at_first, progress)
        return self._and_then(done, from_real_rows, budget)

    def _start(self, sizes: tuple[int, ...], device: torch.device) -> Completer:
        encoder = Encoder(sizes, latent=self.latent, width=self.width, blocks=self.blocks)
        decoder = Completer(sizes, width=self.width, blocks=self.blocks, noise=self.latent)
        prior = Prior(sizes, latent=self.latent, width=self.width, blocks=PRIOR_BLOCKS)
        self.network_, self.prior_ = Autoencoder(encoder, decoder).to(device), prior.to(device)
        return decoder

    def _networks(self) -> dict[str, nn.Module]:
        return {"network": self.network_, "prior": self.prior_}

    def _encode_and_decode(
        self, rows: Tensor, held_out: Tensor, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        phase = Evidence(
            self.network_,
            rows,
            held_out,
            self.plan_,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            beta=self.beta,
        )
        steps = self.autoencoder_steps or self._usual_steps(len(rows))
        plan = Plan(
            stage="autoencoder",
            measure="held-out bound",
            steps=steps,
            up_to=AUTOENCODER_SHARE if self.prior_steps != 0 else 1.0,
            check_every=max(20, min(200, steps // 10)),
        )
        return descend(phase, self.network_, plan, budget, progress)

    def _learn_prior(
        self, rows: Tensor, held_out: Tensor, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        seen = prefixes(self.plan_, rows.shape[1])[0][:2].to(rows.device)

        def located(digits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            """Return latent vectors of rows, the rows, and which of their cells are seen."""
            count = len(digits)
            share = torch.rand(count, 1, device=rows.device).square()  # conditions name few columns, mostly
            visible = torch.rand(digits.shape, device=rows.device) < share
            visible[: count // 2] = seen[torch.arange(count // 2, device=rows.device) % len(seen)]
            with torch.no_grad():
                return self.network_.draw(digits), digits, visible

        def examples() -> tuple[Tensor, Tensor, Tensor]:
            return located(rows[torch.randint(len(rows), (self.batch_size,), device=rows.device)])

        phase = FlowMatching(self.prior_, examples, located(held_out), learning_rate=self.learning_rate)
        steps = self.prior_steps or self._usual_steps(len(rows)) * 2 // 3
        plan = Plan(
            stage="prior",
            measure="held-out mismatch",
            steps=steps,
            check_every=max(20, min(200, steps // 10)),
            keep_start=True,
        )
        return descend(phase, self.prior_, plan, budget, progress)

    # -- drawing ------------------------------------------------------------------------------------------------

    def _sampler(self) -> LatentSampler:
        return LatentSampler(self.network_, self.prior_, self._digits, self.plan_, self.codec_.drawn, self.marginals_)

    # -- files --------------------------------------------------------------------------------------------------

    def _weights(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        parts, tensors = super()._weights()
        return {**parts, "information": self.information_.tolist()}, tensors

    def _restore(self, parts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> None:
        super()._restore(parts, tensors, device)
        self.information_ = np.array(parts["information"])
