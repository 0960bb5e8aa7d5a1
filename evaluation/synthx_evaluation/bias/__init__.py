"""Bias: whether groups of protected columns are as many, as well imitated, and as justly treated as in real rows.

Each is a function of a `Comparison` that returns the same ids whatever the tables hold. `protected_groups` gives the
groups to other measures, which split rows by `Groups.of`.
"""

from __future__ import annotations

from synthx_evaluation.bias.fairness import fairness
from synthx_evaluation.bias.groups import Groups, protected_groups
from synthx_evaluation.bias.representation import representation
from synthx_evaluation.bias.shapes import group_shapes

__all__ = ["Groups", "fairness", "group_shapes", "protected_groups", "representation"]
