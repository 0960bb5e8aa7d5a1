"""Memory of a process is its own, not that of the process which started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synthx.benchmarking.memory import peak_mib


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells it of any process")
def test_a_small_child_of_a_large_parent_is_small() -> None:
    held = np.ones(40_000_000)  # 305 MiB
    mine = peak_mib()
    code = "from synthx.benchmarking.memory import peak_mib; print(peak_mib())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert mine is not None
    assert mine > held.nbytes / 2**20
    assert 5 < float(child.stdout) < 60


def test_a_process_that_is_no_more_has_none() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert peak_mib(child.pid) is None
