"""Whether the rare rows that a source learned from can be told from rare rows that it never saw.

Rare rows are people too, and they are few: a source that is asked for thousands of rows from fifty repeats itself.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from synthx_evaluation.encoding import Floats, Tables
from synthx_evaluation.membership.distance import closest, log_ratio
from synthx_evaluation.membership.evidence import areas
from synthx_evaluation.neighbours import nearest, standard

__all__ = ["ATTACKS", "FEWEST", "attack_rare_rows"]

ATTACKS = ("distance", "ratio of distances")

FEWEST = 10
"""Rare rows on either side without which an area says nothing."""


def attack_rare_rows(tables: Tables, members: Floats, others: Floats, made: Floats) -> dict[str, float]:
    """Return the area under the ROC curve of each attack; 0.5 is chance, 1 finds every member.

    Parameters
    ----------
    tables : Tables
        What distances are scaled by.
    members, others : array (m, d), (o, d)
        Rare rows that the source learned from, and that it did not. Half of the others are what the attacker knows of
        the population.
    made : array (n, d)
        Rows that it made.

    Returns
    -------
    dict
        Empty where there are fewer than ten members, others or known rows.
    """
    known, strangers = others[::2], others[1::2]
    if min(len(members), len(known), len(strangers), len(made)) < FEWEST:
        return {}
    geometry = standard(dataclasses.replace(tables, synthetic=made))
    asked = geometry.points(np.concatenate([members, strangers]))
    to_made = nearest(asked, geometry.points(made), geometry, 1)
    to_known = nearest(asked, geometry.points(known), geometry, 1)
    scores = np.column_stack([closest(to_made), log_ratio(to_made, to_known, 1)])
    found = areas(scores, np.arange(len(asked)) < len(members))
    return dict(zip(ATTACKS, map(float, found), strict=True))
