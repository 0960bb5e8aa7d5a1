"""Recognising data without keeping any of it: keyed digests, and what this process has fitted.

A digest without a key would let anyone who holds a guess of the data confirm it; so each has a random key. The key of
this process is never written. A ledger file that holds a digest with its key is private, like the data.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING

from synthx.errors import PrivacyError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from synthx_privacy.ledger import Ledger
    from synthx_privacy.privacy import Privacy

__all__ = ["check_refit", "data_digest", "fingerprint", "ledger_of", "remember"]

_PROCESS_KEY = os.urandom(32)
_LEDGERS: dict[str, Ledger] = {}


def fingerprint(chunks: Iterable[bytes | bytearray | memoryview], key: bytes) -> str:
    """Return the HMAC-SHA256 of data, as a hexadecimal text.

    Parameters
    ----------
    chunks : iterable of bytes-like
        The data, a column each, say; where one chunk ends counts.
    key : bytes
        Random and secret.
    """
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for chunk in chunks:
        view = memoryview(chunk).cast("B")
        digest.update(len(view).to_bytes(8, "little"))
        digest.update(view)
    return digest.hexdigest()


def data_digest(chunks: Iterable[bytes | bytearray | memoryview]) -> str:
    """Return a digest by which this process, and no other, recognises data."""
    return fingerprint(chunks, _PROCESS_KEY)


def remember(digest: str, ledger: Ledger) -> None:
    """Keep in memory that a fit on data with this digest was booked in this ledger."""
    _LEDGERS[digest] = ledger


def ledger_of(digest: str) -> Ledger | None:
    """Return the ledger of the last fit on data with this digest, or None."""
    return _LEDGERS.get(digest)


def check_refit(digest: str, privacy: Privacy) -> None:
    """Refuse a second fit on the same data that is not booked with the first.

    Raises
    ------
    PrivacyError
        If this process has fitted the data under another ledger, unless `privacy.new_budget` is set.
    """
    earlier = ledger_of(digest)
    if earlier is None or privacy.new_budget or _continues(privacy.ledger, earlier):
        return
    raise PrivacyError(
        f"a private model was fitted to this data before, at epsilon {earlier.epsilon():.3g}, under another ledger",
        remedy="pass Privacy(..., ledger=model.ledger) to add both up, or new_budget=True to start anew",
    )


def _continues(ledger: Ledger | None, earlier: Ledger) -> bool:
    """Whether a ledger is the earlier one, or was read from its file: it has the same random key, and its fits."""
    if ledger is None or ledger is earlier:
        return ledger is earlier
    same = ledger.of_data is not None and ledger.of_data == earlier.of_data
    return same and set(earlier.deltas) <= set(ledger.deltas)
