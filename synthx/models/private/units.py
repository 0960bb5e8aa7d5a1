"""Whose privacy is kept, and which ledger pays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from synthx.codec.private.reading import spelled
from synthx.errors import PrivacyError
from synthx.schema import Schema

if TYPE_CHECKING:
    from synthx_privacy.ledger import Ledger
    from synthx_privacy.privacy import Privacy

__all__ = ["check_unit", "ledger_for", "one_row_a_unit"]


def check_unit(schema: Schema, privacy: Privacy) -> None:
    """Refuse a unit that the schema contradicts.

    Raises
    ------
    PrivacyError
    """
    key = privacy.names
    for name in key:
        if name not in schema:
            raise PrivacyError(
                f"the unit of privacy is {name!r}, which is no column", remedy="name the column of the entity's key"
            )
    if not key and schema.entity:
        names = schema.entity[0] if len(schema.entity) == 1 else schema.entity
        raise PrivacyError(
            f"the schema says that rows belong to entities ({', '.join(schema.entity)}), and the unit of privacy is a"
            " row, which would not protect one who has several",
            remedy=f"give Privacy(unit={names!r}), or remove the role from the schema if each row is another entity's",
        )


def one_row_a_unit(frame: pd.DataFrame, schema: Schema, privacy: Privacy) -> pd.DataFrame:
    """Return the rows that are learned from: all, or one of each entity, picked at random with secure randomness.

    With one row of each entity, a row is a unit, and no count is larger for one who has many rows. A row without a key
    is nobody's and is left out: were one kept for all who lack it, without its owner another's would take its place.
    """
    if not privacy.names:
        return frame
    from synthx_privacy.noise import SecureRandom

    shuffled = frame.iloc[SecureRandom().permutation(len(frame))]
    keys = pd.DataFrame({name: spelled(shuffled[name]) for name in privacy.names})
    kept = keys.notna().all(axis=1) & ~keys.duplicated()
    return shuffled[kept.to_numpy()].reset_index(drop=True)


def ledger_for(frame: pd.DataFrame, privacy: Privacy) -> Ledger:
    """Return the ledger that pays for a fit on these rows.

    Raises
    ------
    PrivacyError
        If the ledger given is that of other data, or the same data was fitted before in this process and its ledger is
        not given.
    """
    from synthx_privacy.fingerprints import check_refit, data_digest, remember
    from synthx_privacy.ledger import Ledger

    content = list(_bytes_of(frame))
    digest = data_digest(content)
    check_refit(digest, privacy)
    ledger = Ledger() if privacy.ledger is None else privacy.ledger
    ledger.check_data(content)
    remember(digest, ledger)
    return ledger


def _bytes_of(frame: pd.DataFrame) -> Iterator[bytes]:
    """Yield what tells a table from another: the names of its columns, and a hash of each row."""
    yield "\x1f".join(map(str, frame.columns)).encode()
    for name, column in frame.items():
        yield f"\x1e{name}".encode()
        yield np.ascontiguousarray(_hashes(column)).tobytes()


def _hashes(column: pd.Series[Any]) -> np.ndarray:
    try:
        return pd.util.hash_pandas_object(column, index=False).to_numpy()
    except (TypeError, ValueError, OverflowError):  # lists, text that is no Unicode, numbers that no float holds
        return pd.util.hash_pandas_object(spelled(column).map(ascii), index=False).to_numpy()
