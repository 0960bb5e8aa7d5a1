"""A small private fit of codes, of the real parts, for the audits to be tried on.

It counts rows, counts the values of a column, descends on the real rows and keeps the state that is nearest to the
noisy counts. Faults are planted in it, or in the parts, by patching.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from synthx_privacy import Ledger, Privacy
from synthx_privacy.dpsgd import PoissonSampler, PrivateDescent
from synthx_privacy.events import gaussian, sampled_gaussian
from synthx_privacy.mechanisms import noisy_counts

RATE, NOISE, STEPS, CLIP = 0.2, 2.0, 12, 0.5
LEVELS = 4
WIDTH = 24


@dataclasses.dataclass(frozen=True)
class Data:
    """Levels of rows, from 0 to `LEVELS` - 1 if all is well, and numbers of theirs, shape (rows, WIDTH)."""

    levels: np.ndarray
    numbers: np.ndarray

    def with_unit(self, level: int, number: float) -> Data:
        return Data(np.append(self.levels, level), np.vstack([self.numbers, np.full((1, WIDTH), number)]))

    def without_last(self) -> Data:
        return Data(self.levels[:-1], self.numbers[:-1])


@dataclasses.dataclass
class Fit:
    """The fit; each method is a place for a fault."""

    ledger: Ledger | None = None
    last: Ledger | None = None

    def __call__(self, data: Data) -> Mapping[str, Any]:
        ledger = self.last = Ledger() if self.ledger is None else self.ledger
        levels = self.known_levels(data)
        low, high = self.bounds(data)
        plan = {
            "rows": gaussian(10.0),
            "levels": gaussian(10.0),
            "descent": sampled_gaussian(RATE, NOISE, STEPS),
        }
        name = ledger.fit_name("small")
        with ledger.open(Privacy(epsilon=20.0, new_budget=True), plan, fit=name, delta=1e-6) as account:
            rows = noisy_counts(account, "rows", np.array([len(data.levels)]))
            inside = np.clip(data.levels, 0, len(levels) - 1)
            counts = noisy_counts(account, "levels", np.bincount(inside, minlength=len(levels)))
            numbers = torch.from_numpy(np.clip(data.numbers, low, high)).float()
            with account.charge("descent") as charge:
                weights, told = self.descend(numbers, charge.step)
        return {
            "levels": levels,
            "bounds": (low, high),
            "rows": rows,
            "counts": counts,
            "weights": weights,
            "told": told,
            "ledger": [(entry.phase, repr(entry.event)) for entry in ledger.entries],
        }

    def known_levels(self, data: Data) -> list[int]:
        return list(range(LEVELS))

    def bounds(self, data: Data) -> tuple[float, float]:
        return -1.0, 1.0

    def judge(self, network: nn.Linear, numbers: torch.Tensor) -> float:
        """How good the network is; publishes nothing of the rows."""
        return float(network.weight.detach().norm())

    def descend(self, numbers: torch.Tensor, begun: Callable[[], None]) -> tuple[bytes, list[str]]:
        network = nn.Linear(WIDTH, 1)
        nn.init.zeros_(network.weight)
        nn.init.zeros_(network.bias)
        descent = PrivateDescent(
            network,
            optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1),
            noise_multiplier=NOISE,
            clip=CLIP,
            divisor=RATE * 400,
        )
        best, kept, told = np.inf, b"", []
        for step, batch in enumerate(PoissonSampler(len(numbers), RATE, STEPS)):
            begun()
            descent.step(lambda units: (network(numbers[units]).squeeze(1) - 3).square(), batch)
            if step % 4 == 3:
                loss = self.judge(network, numbers)
                told.append(f"{loss:.9f}")
                if loss < best:
                    best, kept = loss, network.weight.detach().numpy().tobytes()
        return kept, told


def made(seed: int, rows: int = 400) -> Data:
    rng = np.random.default_rng(seed)
    return Data(rng.integers(LEVELS, size=rows), rng.uniform(-1, 1, (rows, WIDTH)))


@pytest.fixture
def data() -> Data:
    return made(0)


@pytest.fixture
def neighbours(data: Data) -> dict[str, Data]:
    return {
        "an ordinary unit more": data.with_unit(1, 0.5),
        "a unit less": data.without_last(),
        "an unseen level": data.with_unit(LEVELS, 0.5),
        "an extreme": data.with_unit(0, 1e6),
    }


@pytest.fixture
def strangers() -> dict[str, Data]:
    return {"other units": made(1, rows=333)}


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch) -> Fit:
    monkeypatch.setattr("synthx_privacy.accounting.epsilon_of", lambda events, delta: 1.0)  # slow, and not under test
    return Fit()
