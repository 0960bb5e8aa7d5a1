"""Tests of the audit of clipping: exact, so none of them can fail by chance."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from synthx_privacy import clipping
from synthx_privacy.audit import audit_clipping
from synthx_privacy.dpsgd import PrivateDescent

CLIP = 0.7


def private(network: nn.Module, **settings: Any) -> PrivateDescent:
    return PrivateDescent(
        network,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1.0),
        noise_multiplier=1.0,
        clip=CLIP,
        divisor=1.0,
        physical_batch=5,
        **settings,
    )


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 1))


@pytest.fixture
def numbers() -> Tensor:
    return 3 * torch.randn(8, 3, generator=torch.Generator().manual_seed(0))


def failed(*findings: Any) -> list[str]:
    return [finding.code for finding in findings if finding.is_failure]


def test_sound_clipping_passes(network: nn.Module, numbers: Tensor) -> None:
    findings = audit_clipping(private(network), lambda units: network(numbers[units]).square().sum(1), 8, clip=CLIP)
    assert failed(*findings) == []
    assert "moves the sum by 1.0000 clips" in findings[1].message or "0.9999" in findings[1].message


def test_units_that_are_no_data_change_nothing(network: nn.Module, numbers: Tensor) -> None:
    def fakes(units: Tensor) -> Tensor:
        return 1e4 * network(numbers[units] + 1).sum(1)

    def losses(units: Tensor) -> Tensor:
        return network(numbers[units]).sum(1)

    assert failed(*audit_clipping(private(network, extra_units=4), losses, 8, clip=CLIP, extra=fakes)) == []


def test_clipping_doubled_is_found(network: nn.Module, numbers: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    made = clipping.Clipper.__init__
    monkeypatch.setattr(
        clipping.Clipper, "__init__", lambda self, module, clip, **more: made(self, module, 2 * clip, **more)
    )
    findings = audit_clipping(private(network), lambda units: 9 * network(numbers[units]).sum(1), 8, clip=CLIP)
    assert failed(*findings) == ["clipping.one_by_one", "clipping.bound"]
    assert "moves the sum by 2.0" in findings[1].message or "by 1.99" in findings[1].message


def test_losses_that_mix_units_are_found(network: nn.Module, numbers: Tensor) -> None:
    def mixed(units: Tensor) -> Tensor:
        scores = network(numbers[units]).squeeze(1)
        return (scores - scores.mean()).square() if len(units) else scores

    assert "clipping.one_by_one" in failed(*audit_clipping(private(network), mixed, 8, clip=CLIP))


def test_losses_over_the_size_of_the_batch_are_found(network: nn.Module, numbers: Tensor) -> None:
    def averaged(units: Tensor) -> Tensor:
        return network(numbers[units]).squeeze(1) / max(1, len(units))

    assert "clipping.one_by_one" in failed(*audit_clipping(private(network), averaged, 8, clip=CLIP))


def test_real_and_fake_in_one_unit_are_found(network: nn.Module, numbers: Tensor) -> None:
    """A discriminator's loss on fakes that every real unit brings along: without it, its fakes are gone too."""

    def paired(units: Tensor) -> Tensor:
        fakes = numbers[: len(units)] + 1  # by place in the batch, not by unit
        return 9 * (network(fakes) - network(numbers[units])).sum(1)

    descent = private(network, ghost=False)
    assert "clipping.one_by_one" in failed(*audit_clipping(descent, paired, 8, clip=CLIP))
