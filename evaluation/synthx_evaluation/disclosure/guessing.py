"""Attribute inference: whether the synthetic rows tell a secret of a person whose other columns are known.

Much can be guessed about anyone without a leak. So each attack is also made on holdout rows (the control), with real
rows that are none of the training rows in the place of the synthetic ones (the reference: what the population
teaches), and by one who knows only how frequent each level is (majority, prior). Only the excess over the control is a
leak about training rows. Guesses at numbers are right within an absolute distance, not a share of the guess.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthx_evaluation.comparison import Comparison
from synthx_evaluation.disclosure.attack import (
    FEWEST,
    Rate,
    absent,
    excess,
    outcome,
    p_value,
    residual_risk,
    sample,
    select,
)
from synthx_evaluation.disclosure.secrets import TOLERANCE, Secret, choose
from synthx_evaluation.encoding import Floats, Tables
from synthx_evaluation.learners import boosted
from synthx_evaluation.neighbours import nearest, ranked
from synthx_evaluation.record import Better, Definition, Measure

__all__ = ["INFERENCE", "inference"]

INFERENCE = {
    "nearest": Definition(
        "DISC-INFER-NEAREST", "1.0", "Secrets guessed from the nearest row: training, beyond holdout rows", Better.LOWER
    ),
    "model": Definition(
        "DISC-INFER-MODEL", "1.0", "Secrets guessed by a boosted model: training, beyond holdout rows", Better.LOWER
    ),
}

_MOST = 1_000
"""Rows of either kind that are attacked."""

_MOST_TO_LEARN = 2_000
"""Rows that a model learns from."""

Guess = Callable[[Comparison, Secret, Floats, Floats], Floats]


def inference(comparison: Comparison, secrets: Sequence[str] = ()) -> list[Measure]:
    """Guess each secret of training and of holdout rows from their other columns, by the synthetic rows.

    DISC-INFER-NEAREST takes the secret of the synthetic row that is nearest by all other columns, DISC-INFER-MODEL what
    boosted trees say that learned from synthetic rows. The value is the share of right guesses at training rows minus
    that at holdout rows, the mean over the secrets. The reference learns from the holdout rows and is tried on the
    training rows only.

    Parameters
    ----------
    secrets : sequence of str, optional
        The secret columns; by default all that vary, or of more than ten the target and those of most entropy.

    Raises
    ------
    ParameterError
        If a secret is no column that a generator learns.
    """
    gone = [absent(item, comparison, columns=2) for item in INFERENCE.values()]
    if gone[0] is not None:
        return [item for item in gone if item is not None]
    chosen = choose(comparison, secrets)
    if not chosen:
        return [item.not_applicable("no column varies", seed=comparison.seed) for item in INFERENCE.values()]
    return [
        _measure(INFERENCE["nearest"], comparison, chosen, _by_nearest),
        _measure(INFERENCE["model"], comparison, chosen, _by_model),
    ]


def _measure(definition: Definition, comparison: Comparison, secrets: tuple[Secret, ...], guess: Guess) -> Measure:
    tables, generator = comparison.tables, comparison.generator(definition.id)
    assert tables.holdout is not None
    reference = sample(tables.holdout, len(tables.holdout), generator)
    train, held = (sample(part, _MOST, generator) for part in (tables.train, tables.holdout))
    targets, n = np.concatenate([train, held]), len(train)
    synthetic = tables.synthetic[generator.permutation(len(tables.synthetic))]  # among equally near ones, a random one
    right = np.empty((len(targets), len(secrets)))
    details: dict[str, Any] = {}
    for k, secret in enumerate(secrets):
        truth = targets[:, secret.place]
        right[:, k] = secret.right(guess(comparison, secret, synthetic, targets), truth)
        taught = secret.right(guess(comparison, secret, reference, train), truth[:n])
        details[secret.name] = {
            **_compared(right[:n, k], right[n:, k], comparison, f"{definition.id} {secret.name}"),
            "reference": Rate.of(taught).to_dict(),
            **_blind(secret, tables.synthetic[:, secret.place], truth[:n]),
        }
    mean = right.mean(axis=1)
    return outcome(definition, comparison, mean[:n], mean[n:], _details(details, len(reference)))


def _compared(attack: Floats, control: Floats, comparison: Comparison, purpose: str) -> dict[str, Any]:
    rates = Rate.of(attack), Rate.of(control)
    value, (low, high) = excess(*rates)
    return {
        "attack": rates[0].to_dict(),
        "control": rates[1].to_dict(),
        "excess": {"value": value, "low": low, "high": high},
        "p_value": p_value(attack, control, comparison.generator(purpose)),
        "residual_risk": residual_risk(*rates),
    }


def _blind(secret: Secret, synthetic: Floats, truth: Floats) -> dict[str, float]:
    """Return how often one is right who knows only the synthetic column: by its best guess, by a cell at random."""
    ordered = np.sort(synthetic[~np.isnan(synthetic)])
    near = np.searchsorted(ordered, truth + secret.tolerance, side="right") - np.searchsorted(
        ordered, truth - secret.tolerance
    )
    chance = np.where(np.isnan(truth), len(synthetic) - len(ordered), near) / len(synthetic)
    return {
        "majority": float(secret.right(np.array(secret.majority(synthetic)), truth).mean()),
        "prior": float(chance.mean()),
    }


def _details(secrets: dict[str, Any], reference: int) -> dict[str, Any]:
    worst = min(secrets, key=lambda name: (secrets[name]["p_value"], -secrets[name]["excess"]["value"]))
    names = ("reference", "majority", "prior")
    means = {
        name: float(np.mean([one[name]["rate"] if name == "reference" else one[name] for one in secrets.values()]))
        for name in names
    }
    return {
        **means,
        "reference_rows": reference,
        "tolerance": TOLERANCE,
        "worst_secret": worst,
        # As many tests as secrets (Bonferroni).
        "worst_p_value": min(1.0, len(secrets) * secrets[worst]["p_value"]),
        "secrets": secrets,
    }


# -- two ways to guess ------------------------------------------------------------------------------------------


def _others(tables: Tables, secret: Secret) -> NDArray[np.intp]:
    return np.delete(np.arange(len(tables.columns)), secret.place)


def _by_nearest(comparison: Comparison, secret: Secret, known: Floats, targets: Floats) -> Floats:
    """Guess the cell of the known row that is nearest by all other columns."""
    columns = _others(comparison.tables, secret)
    geometry = ranked(select(comparison.tables, columns))
    found = nearest(geometry.points(targets[:, columns]), geometry.points(known[:, columns]), geometry, 1)
    return np.asarray(known[found.index[:, 0], secret.place])


def _by_model(comparison: Comparison, secret: Secret, known: Floats, targets: Floats) -> Floats:
    """Guess what boosted trees say that learned from the first of the known rows."""
    known = known[:_MOST_TO_LEARN]
    cells = known[:, secret.place]
    learner = boosted(comparison.tables, _others(comparison.tables, secret), comparison.seed)
    blind = np.full(len(targets), secret.majority(cells))
    if not secret.discrete:
        seen = ~np.isnan(cells)
        if seen.sum() < FEWEST or np.isnan(blind[0]):
            return blind
        return learner.numbers(known[seen], cells[seen], targets)
    levels = secret.frequent(cells)
    seen = np.isin(cells, levels)
    if len(levels) < 2 or seen.sum() < FEWEST or np.isnan(blind[0]):
        return blind
    shares = learner.class_shares(known[seen], cells[seen], targets, [float(level) for level in levels])
    return np.asarray(levels[shares.argmax(axis=1)])
