"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("synthx", deadline=None, derandomize=True)  # the same examples everywhere, however slow it is
settings.load_profile("synthx")

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository, which not every machine has."""
    if not SHARED.is_dir():
        pytest.skip("there is no ../shared/data on this machine")
    return SHARED


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") is None:
        return
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device on this machine")
