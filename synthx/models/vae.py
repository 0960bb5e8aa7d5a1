"""TabularVAE: a variational autoencoder on codes, whose latent space can be walked.

Every row has a place in a space of a few dimensions. An encoder says where a row lies; a decoder draws rows that
may lie at a place. The decoder is that of the other table models: a network that completes rows, here given the latent
vector too, so that rows can still be drawn in a few stages and any cells can be given. A decoder this strong could do
without the latent vector, and would, if information in it had its full price (posterior collapse): so a nat costs less
than one here. A share of the rows gives the decoder no vector, so that it heeds visible cells too, and does not take
the vector at its word.

At that price rows do not fill the space as a normal distribution would. A second phase learns where they lie: a flow
that carries normal noise there, given the visible cells (`prior.py`). The flow runs both ways, and the latent vectors
that people meet (`encode`, `decode`) are those at its noise end: for a table like the training table they are standard
normal, whatever the shape of the inner space.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from synthx.codec.table import Coded
from synthx.condition import Window
from synthx.errors import ParameterError
from synthx.models.exploration import Explorable
from synthx.models.latent import Autoencoder, Encoder, Evidence
from synthx.models.latent_drawing import LatentSampler
from synthx.models.layout import Digits
from synthx.models.networks import NEVER, Completer
from synthx.models.parameters import check_whole
from synthx.models.prior import FlowMatching, Prior
from synthx.models.reconstruction import prefixes
from synthx.models.stages import mutual_information, plan_stages
from synthx.training import Budget, Plan, Progress, Stopped, hold_out, train

__all__ = ["TabularVAE"]

LEAST = {"width": 1, "blocks": 1, "latent": 1, "autoencoder_steps": 1, "prior_steps": 0, "stages": 1}
"""Settings of the VAE that are whole numbers, and the least they may be; None is a value of the last three."""
PASSES = 20
FEWEST_STEPS, MOST_STEPS = 400, 4_000
AUTOENCODER_SHARE = 0.65
"""Of the time budget; the prior has the rest."""
MEASURED_ROWS = 20_000
PRIOR_BLOCKS = 3


class TabularVAE(Explorable):
    """A variational autoencoder for tables.

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
    autoencoder_steps, prior_steps : int, optional
        At most this many steps of each phase; with 0 prior steps, rows are taken to be normal in the latent space.
        None chooses by the number of rows.
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
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None or name in ("width", "blocks", "latent"):
                check_whole(name, value, least)
        if not 0 < self.beta < math.inf:
            raise ParameterError(f"beta is {self.beta!r}", remedy="give a number above 0; 0.5 is usual")

    def _learn(
        self, coded: Coded, device: torch.device, budget: Budget, progress: Progress | None
    ) -> tuple[Stopped, int]:
        digits = Digits(self.codec_.domain.sizes)
        rows = digits.split(torch.from_numpy(coded.codes))
        self.plan_ = self._plan(digits, rows.numpy())
        rows = rows.to(device)
        self.network_, self.prior_ = self._networks(digits, device)
        decoder = self.network_.decoder
        decoder.smooth(digits.ranks(self.codec_.ranks))
        counts = decoder.heads.count(rows)
        decoder.start_at(((counts + 0.5) / len(rows)).log())
        self.marginals_ = (counts / len(rows)).log().clamp(min=NEVER)
        learning, held_out = hold_out(rows)
        stopped, steps = self._encode_and_decode(learning, held_out, budget, progress)
        self.network_.tidy(learning[:MEASURED_ROWS])
        self.network_.eval().requires_grad_(False)
        self.information_ = self.network_.information(learning[:MEASURED_ROWS]).double().cpu().numpy()
        if self.prior_steps != 0 and stopped != "interrupted" and budget.share_used() < 1:
            try:
                stopped, more = self._learn_prior(learning, held_out, budget, progress)
            except KeyboardInterrupt:  # between the phases; inside them it is handled there
                stopped, more = "interrupted", 0
            steps += more
        self.prior_.eval().requires_grad_(False)
        return stopped, steps

    def _networks(self, digits: Digits, device: torch.device) -> tuple[Autoencoder, Prior]:
        encoder = Encoder(digits.sizes, latent=self.latent, width=self.width, blocks=self.blocks)
        decoder = Completer(digits.sizes, width=self.width, blocks=self.blocks, noise=self.latent)
        prior = Prior(digits.sizes, latent=self.latent, width=self.width, blocks=PRIOR_BLOCKS)
        return Autoencoder(encoder, decoder).to(device), prior.to(device)

    def _plan(self, digits: Digits, rows: np.ndarray) -> tuple[tuple[int, ...], ...]:
        """Choose the stages; the target, or else what tells most about the rest, comes first and alone."""
        information = mutual_information(rows, digits.sizes)
        target = self.schema_.target
        if target is not None and target.name in self.codec_.columns:
            first = digits.first[self.codec_.domain.index(target.name)]
        else:
            first = max(digits.first, key=lambda digit: float(information[digit].sum()))
        return plan_stages(information, stages=self.stages, first=first, after=digits.second)

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
        return train(
            phase.step,
            network=self.network_,
            loss=phase.held_out_loss,
            budget=budget,
            plan=plan,
            reset=phase.reset,
            progress=progress,
        )

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
        return train(
            phase.step,
            network=self.prior_,
            loss=phase.held_out_loss,
            budget=budget,
            plan=plan,
            reset=phase.reset,
            progress=progress,
        )

    def _usual_steps(self, rows: int) -> int:
        return int(np.clip(PASSES * rows / self.batch_size, FEWEST_STEPS, MOST_STEPS))

    # -- drawing ------------------------------------------------------------------------------------------------

    def _sampler(self) -> LatentSampler:
        digits = Digits(self.codec_.domain.sizes)
        return LatentSampler(self.network_, self.prior_, digits, self.plan_, self.codec_.drawn, self.marginals_)

    def _draw(self, rows: int, windows: Mapping[int, Window], seed: int) -> np.ndarray:
        generator = torch.Generator(self.marginals_.device).manual_seed(seed)
        codes: np.ndarray = self._sampler().draw(rows, windows, generator).cpu().numpy()
        return codes

    # -- files --------------------------------------------------------------------------------------------------

    def _weights(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        tensors = {"marginals": self.marginals_}
        for part, network in (("network", self.network_), ("prior", self.prior_)):
            tensors |= {f"{part}.{name}": value for name, value in network.state_dict().items()}
        plan = [list(stage) for stage in self.plan_]
        return {"plan": plan, "information": self.information_.tolist()}, tensors

    def _restore(self, parts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> None:
        self.plan_ = tuple(map(tuple, parts["plan"]))
        self.information_ = np.array(parts["information"])
        self.network_, self.prior_ = self._networks(Digits(self.codec_.domain.sizes), device)
        for part, network in (("network.", self.network_), ("prior.", self.prior_)):
            network.load_state_dict(
                {name.removeprefix(part): value for name, value in tensors.items() if name.startswith(part)}
            )
            network.eval().requires_grad_(False)
        self.marginals_ = tensors["marginals"].to(device)
