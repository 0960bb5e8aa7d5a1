"""How much memory a process took at its peak."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["peak_mib"]


def peak_mib(pid: int | None = None) -> float | None:
    """Return the most memory that a process held at one time, in MiB; by default this process.

    Linux tells it in ``/proc``. There `getrusage` would mislead: its ``ru_maxrss`` survives ``exec``, so a small
    process that a large one has started begins with the large one's figure. Elsewhere only this process is known, by
    `getrusage`; None where nothing is.
    """
    try:
        status = Path(f"/proc/{pid or os.getpid()}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return _own_peak_mib() if pid in (None, os.getpid()) else None
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) / 1024 if lines else None  # a process that has just ended has no such line


def _own_peak_mib() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    units_a_mib = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / units_a_mib
