"""Tables where they lie: databases by SQLAlchemy URL, folders of Parquet by DuckDB, Arrow and Polars by narwhals."""

from __future__ import annotations

from synthx.connectors.frames import from_frame, to_frame
from synthx.connectors.places import Destination, Source, is_database

__all__ = ["Destination", "Source", "from_frame", "is_database", "to_frame"]
