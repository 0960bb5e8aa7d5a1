"""Whether models treat groups alike, and whether models of synthetic rows do so less than models of training rows.

Four criteria, which contradict each other where groups differ (A. Chouldechova, Big Data 5 (2017), 153-163; J.
Kleinberg et al., arXiv 1609.05807); none of them is "the" fairness of a model:

- demographic parity: the groups' shares of chosen rows are the same;
- equal opportunity: the shares of chosen rows among those that truly have the outcome (M. Hardt et al., arXiv
  1610.02413);
- equalised odds: these, and the shares among those that have not;
- calibration: in each group as many have the outcome as the probabilities say.

Each gap is the difference of the largest and the smallest group, by fairlearn's `MetricFrame`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from synthx_evaluation.bias.amplification import AMPLIFICATION, Change, amplification
from synthx_evaluation.bias.groups import FEWEST_ROWS, OTHER, Codes, Groups, protected_groups
from synthx_evaluation.bias.outcomes import Decisions, Outcome, decisions, outcome_of
from synthx_evaluation.bias.rates import CRITERIA, Criterion, gap_of, resampled_gaps, variance_of_parts
from synthx_evaluation.comparison import Comparison
from synthx_evaluation.encoding import Floats
from synthx_evaluation.record import Better, Definition, Measure

__all__ = ["FAIRNESS", "fairness"]
