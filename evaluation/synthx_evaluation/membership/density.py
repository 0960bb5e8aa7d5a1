"""Attacks by density: where the generator saw a row, its output is denser than the population."""

from __future__ import annotations

from synthx_evaluation.encoding import Floats
from synthx_evaluation.neighbours import Neighbours

__all__ = ["density", "domias"]


def density(to_synthetic: Neighbours) -> Floats:
    """Return the logarithm of the synthetic density at each row, up to a constant, (n,)."""
    assert to_synthetic.log_kernel is not None
    return to_synthetic.log_kernel


def domias(to_synthetic: Neighbours, to_reference: Neighbours) -> Floats:
    """Return log p_S(x) - log p_R(x), up to a constant, (n,).

    B. van Breugel, H. Sun, Z. Qian, M. van der Schaar, "Membership inference attacks against synthetic data through
    overfitting detection", AISTATS 2023, arXiv:2302.12580. In logarithms throughout: a quotient with a small number
    added below, as it is often coded, ranks rows far out by where the densities underflow.
    """
    assert to_synthetic.log_kernel is not None
    assert to_reference.log_kernel is not None
    return to_synthetic.log_kernel - to_reference.log_kernel
