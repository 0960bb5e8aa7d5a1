"""What the synthetic rows give away about the training rows, beyond what they tell about everyone.

Each attack is made on training rows and, as the control, on holdout rows that the generator never saw. A generator
that learned the population helps an attack on both alike; only what it learned about single rows makes a difference.
The criteria are those of the Article 29 Working Party, Opinion 05/2014 (WP216): singling out, linkability, inference.
"""

from __future__ import annotations

from synthx_evaluation.disclosure.closeness import CLOSEST, closest
from synthx_evaluation.disclosure.copying import COPIES, copied, copies
from synthx_evaluation.disclosure.excess import COPIES_EXCESS, Copies
from synthx_evaluation.disclosure.guessing import INFERENCE, inference
from synthx_evaluation.disclosure.keys import RowKeys, row_keys
from synthx_evaluation.disclosure.linking import LINKABILITY, linkability
from synthx_evaluation.disclosure.singling import SINGLING, singling_out

__all__ = [
    "CLOSEST",
    "COPIES",
    "COPIES_EXCESS",
    "INFERENCE",
    "LINKABILITY",
    "SINGLING",
    "Copies",
    "RowKeys",
    "closest",
    "copied",
    "copies",
    "inference",
    "linkability",
    "row_keys",
    "singling_out",
]
