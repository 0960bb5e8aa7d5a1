"""Canaries: units made to be seen, and what can be told of them from what a private descent releases.

Each canary pulls one parameter that no other touches, with a gradient of full length. A coin decides whether it is in
the data. Who sees the released weights guesses which are in. Two readings of one run:

- **a lower bound on epsilon** (Steinke, Nasr and Jagielski 2023, arXiv:2305.08846): of so many guesses, fixed before,
  so many are right; that many would be unlikely if epsilon were below the bound. It has a ceiling that all-right
  guesses would give, and is far below the truth mostly. A small bound does not show that a fit is private.
- **the signal**: the distance of canaries that are in from those that are out, in standard deviations of the noise.
  What it should be follows from noise, clip, rate and steps as booked. A factor of two in any of them is far outside
  its error.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from synthx.errors import ParameterError
from synthx_privacy.audit.finding import Finding, verdict

__all__ = ["Canaries", "ceiling", "count_right", "expected_signal", "lower_bound", "release_canaries"]

SIGNAL, BOUND = "canaries.signal", "canaries.bound"
MOST_SCORE = 4.0
"""A signal so many standard errors from the expected one is not chance: it would be once in 16,000 runs."""
CONFIDENCE, SURE = 0.95, 0.9999
"""Of a bound that is told, and of one that fails an audit."""
FULL_LENGTH = 10.0
"""Gradients of canaries, in clips, before they are clipped."""


@dataclasses.dataclass(frozen=True)
class Canaries:
    """What was released of canaries.

    Parameters
    ----------
    included : bool array, shape (canaries,)
        Which were in the data.
    scores : float array, shape (canaries,)
        What was released of each: the sum over all steps, in clips.
    rate, noise : float
        As booked.
    steps : int
    """

    included: npt.NDArray[np.bool_]
    scores: npt.NDArray[np.float64]
    rate: float
    noise: float
    steps: int

    @property
    def signal(self) -> float:
        """By how many standard deviations of the noise canaries that are in stand out."""
        inside, outside = self.scores[self.included], self.scores[~self.included]
        return float((inside.mean() - outside.mean()) / outside.std(ddof=1))

    @property
    def error(self) -> float:
        """The standard error of `signal`, if all is as booked."""
        inside, outside = int(self.included.sum()), int((~self.included).sum())
        spread = 1 + self.rate * (1 - self.rate) / self.noise**2  # those that are in vary by their draws too
        return math.sqrt(1 / outside + spread / inside + self.expected**2 / (2 * outside))

    @property
    def expected(self) -> float:
        """What `signal` is if all is as booked."""
        return expected_signal(self.rate, self.noise, self.steps)

    def audit_signal(self) -> Finding:
        """Compare the signal with the booked one: |z| above 4 is not chance (6e-5)."""
        z = (self.signal - self.expected) / self.error
        message = f"signal {self.signal:.3f}, {self.expected:.3f} by what is booked, error {self.error:.3f} (z {z:.1f})"
        return verdict(SIGNAL, abs(z) <= MOST_SCORE, message)

    def lower_bound(self, guesses: int, *, delta: float = 0.0, confidence: float = CONFIDENCE) -> float:
        """Return a lower bound on epsilon, from `guesses` on those that stand out most and as many on the others."""
        right = count_right(self.scores, self.included, guesses)
        return lower_bound(right, 2 * guesses, len(self.scores), delta=delta, confidence=confidence)

    def audit_bound(self, guesses: int, proved: float, *, delta: float = 0.0) -> Finding:
        """Compare the lower bound with the epsilon that was proved; a sound fit fails once in 10,000 runs at most."""
        bound = self.lower_bound(guesses, delta=delta, confidence=SURE)
        most = ceiling(2 * guesses, confidence=SURE)
        message = f"surely at least {bound:.2f}, proved to be at most {proved:.2f}; sees up to {most:.1f}"
        return verdict(BOUND, bound <= proved, f"epsilon is {message}")


def release_canaries(*, rate: float, noise: float, steps: int, clip: float = 1.0, canaries: int = 2_000) -> Canaries:
    """Put canaries through the real sampler and the real private descent.

    Parameters
    ----------
    rate, noise : float
        The chance to be drawn in a step, and the noise multiplier.
    steps : int
    clip : float
    canaries : int
        Half of them, by coins, are in the data.

    Returns
    -------
    Canaries
        Costs a fraction of a second for 100 steps of 2,000 canaries.
    """
    import torch

    from synthx_privacy.dpsgd import PoissonSampler, PrivateDescent
    from synthx_privacy.noise import SecureRandom
    from synthx_privacy.stacked import StackedVectors

    if canaries < 8 or not 0 < rate <= 1 or not noise > 0 or steps < 1:
        raise ParameterError(
            f"{canaries} canaries cannot be tried at {rate=}, {noise=}, {steps=}",
            remedy="give 8 or more, a rate above 0 and at most 1, noise above 0, and a step or more",
        )
    included = (SecureRandom().bits(canaries) & np.uint64(1)).astype(bool)
    places = torch.from_numpy(np.flatnonzero(included))
    module = StackedVectors(canaries, 1)
    torch.nn.init.zeros_(module.weight)
    descent = PrivateDescent(
        module,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1.0),
        noise_multiplier=noise,
        clip=clip,
        divisor=clip,
        physical_batch=canaries,
    )
    for indices in PoissonSampler(len(places), rate, steps):
        descent.step(lambda units: -FULL_LENGTH * clip * module(places[units, None]).sum((1, 2)), indices)
    scores = module.weight.detach().double().numpy().ravel().copy()
    return Canaries(included, scores, rate, noise, steps)


def expected_signal(rate: float, noise: float, steps: int) -> float:
    """Return the distance of the means of canaries in and out, ``rate · steps``, over ``noise · sqrt(steps)``."""
    return rate * math.sqrt(steps) / noise


def count_right(scores: npt.NDArray[np.float64], included: npt.NDArray[np.bool_], guesses: int) -> int:
    """Return how many are right of `guesses` that the highest scores are in and as many that the lowest are out.

    Raises
    ------
    ParameterError
        If there are not twice as many canaries.
    """
    if not 0 < 2 * guesses <= len(scores):
        raise ParameterError(
            f"{guesses} guesses either way cannot be made on {len(scores)} canaries", remedy="guess on fewer"
        )
    order = np.argsort(scores, kind="stable")
    return int(included[order[-guesses:]].sum() + (~included[order[:guesses]]).sum())


def lower_bound(
    right: int, guesses: int, canaries: int, *, delta: float = 0.0, confidence: float = CONFIDENCE
) -> float:
    """Return an epsilon that the true one exceeds, with confidence: theorem 5.2 of Steinke et al. 2023.

    Of ``guesses`` at most Binomial(guesses, e^ε / (1 + e^ε)) are right, in distribution, up to
    ``2 · canaries · delta · max_i P[right > W >= right - i] / i``.

    Parameters
    ----------
    right, guesses : int
        Fixed before the run.
    canaries : int
        How many were tossed for, guessed on or not.
    delta : float
        Of the promise.
    confidence : float
        The bound holds with this probability.

    Returns
    -------
    float
        0 if the guesses tell nothing.
    """
    low, high = 0.0, 50.0
    if _chance(right, guesses, canaries, low, delta) > 1 - confidence:
        return 0.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        refuted = _chance(right, guesses, canaries, middle, delta) <= 1 - confidence
        low, high = (middle, high) if refuted else (low, middle)
    return low


def _chance(right: int, guesses: int, canaries: int, epsilon: float, delta: float) -> float:
    """Return how likely so many right guesses are at most, if epsilon is the true one."""
    from scipy.stats import binom

    share = 1 / (1 + math.exp(-epsilon))
    tail = float(binom.sf(right - 1, guesses, share))
    if delta == 0 or right == 0:
        return tail
    below = np.cumsum(binom.pmf(np.arange(right - 1, -1, -1), guesses, share))  # P[right > W >= right - i], i from 1
    return min(1.0, tail + 2 * canaries * delta * float((below / np.arange(1, right + 1)).max()))


def ceiling(guesses: int, *, confidence: float = CONFIDENCE) -> float:
    """Return the bound if all guesses are right: above it the test sees nothing.

    Examples
    --------
    >>> round(ceiling(400), 1)
    4.9
    """
    return lower_bound(guesses, guesses, guesses, confidence=confidence)
