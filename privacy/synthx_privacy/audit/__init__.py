"""Audits: tests that could show a privacy guarantee to be false.

What is audited is handed over as functions, so nothing here knows a table or a model. Each audit returns findings.

=============  =====================================================================================================
`replay`       answers put back on other data: nothing published may change, no query may move beyond its sensitivity
`booking`      every query stands in the ledger; noise is as large as booked, and other noise each time
`inclusion`    the sampler draws every unit with the booked chance, independently
`clipping`     sums of gradients against plain autograd, one unit at a time
`canaries`     a lower bound on epsilon, and the strength of a signal that should be known
`scan`         planted strings, and arrays as long as the data
=============  =====================================================================================================
"""

from __future__ import annotations

from synthx_privacy.audit.booking import audit_booking, audit_freshness, audit_noise
from synthx_privacy.audit.canaries import Canaries, ceiling, lower_bound, release_canaries
from synthx_privacy.audit.clipping import audit_clipping
from synthx_privacy.audit.finding import Finding, Outcome
from synthx_privacy.audit.inclusion import audit_inclusion
from synthx_privacy.audit.replay import audit_neighbours, audit_strangers, record, replay
from synthx_privacy.audit.report import AuditReport
from synthx_privacy.audit.scan import audit_lengths, audit_strings, contents_of, plant_numbers, plant_strings

__all__ = [
    "AuditReport",
    "Canaries",
    "Finding",
    "Outcome",
    "audit_booking",
    "audit_clipping",
    "audit_freshness",
    "audit_inclusion",
    "audit_lengths",
    "audit_neighbours",
    "audit_noise",
    "audit_strangers",
    "audit_strings",
    "ceiling",
    "contents_of",
    "lower_bound",
    "plant_numbers",
    "plant_strings",
    "record",
    "release_canaries",
    "replay",
]
