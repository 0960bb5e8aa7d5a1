"""Does balancing a table help? Every way to do it on the same splits, against the best of the others.

>>> from synthx_evaluation.augmentation import augment
>>> evidence = augment(frame, target="fraud", generators={"ours": learn})      # doctest: +SKIP
>>> evidence.verdict                                                            # doctest: +SKIP
'No arm beats class weights here.'
"""

from __future__ import annotations

from synthx_evaluation.augmentation.arms import Draw, Learn
from synthx_evaluation.augmentation.evidence import Evidence
from synthx_evaluation.augmentation.run import augment
from synthx_evaluation.augmentation.scores import Budget

__all__ = ["Budget", "Draw", "Evidence", "Learn", "augment"]
