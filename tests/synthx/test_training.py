from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from synthx.errors import ParameterError, TrainingError
from synthx.training import Budget, Plan, ProgressEvent, pick_device, train


class Point(nn.Module):
    """One weight, which training moves towards 3."""

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self.x = nn.Parameter(torch.tensor(start))


def descend(point: Point, rate: float = 0.1) -> Tensor:
    with torch.no_grad():
        loss = (point.x - 3) ** 2
        point.x -= rate * 2 * (point.x - 3)
    return loss


def distance(network: nn.Module) -> float:
    assert isinstance(network, Point)
    return abs(float(network.x.detach()) - 3)


def test_training_ends_near_the_goal_and_reports_progress() -> None:
    point, events = Point(), list[ProgressEvent]()
    plan = Plan(stage="walk", steps=400, check_every=100, average=0.9)
    stopped, steps = train(
        lambda _: descend(point), network=point, loss=distance, budget=Budget(None), plan=plan, progress=events.append
    )
    assert (stopped, steps) == ("finished", 400)
    assert distance(point) < 1e-3
    assert [event.fraction for event in events] == [0.25, 0.5, 0.75, 1.0]


def test_the_best_weights_are_kept_when_training_gets_worse() -> None:
    point = Point()
    turns = itertools.count()

    def step(_: float) -> Tensor:
        return descend(point, rate=0.1 if next(turns) < 100 else -0.05)

    plan = Plan(stage="walk", steps=10_000, check_every=50, patience=3, average=0.5)
    stopped, steps = train(step, network=point, loss=distance, budget=Budget(None), plan=plan)
    assert stopped == "converged"
    assert steps == 250  # best at 100, three more looks
    assert distance(point) < 1e-3


def test_a_start_that_is_never_beaten_is_kept() -> None:
    point = Point(3.0)

    def step(_: float) -> Tensor:
        with torch.no_grad():
            point.x += 1
        return torch.tensor(0.0)

    plan = Plan(stage="walk", steps=40, check_every=10, keep_start=True)
    train(step, network=point, loss=distance, budget=Budget(None), plan=plan)
    assert float(point.x.detach()) == 3.0


def test_divergence_goes_back_to_the_best_weights_once_and_gives_up_the_third_time() -> None:
    point = Point()
    turns = itertools.count()

    def step(_: float) -> Tensor:
        return torch.tensor(float("nan")) if next(turns) == 25 else descend(point)

    plan = Plan(stage="walk", steps=200, check_every=10, average=0.5)
    train(step, network=point, loss=distance, budget=Budget(None), plan=plan)
    assert distance(point) < 1e-3
    with pytest.raises(TrainingError, match="walk diverged three times"):
        train(lambda _: torch.tensor(float("inf")), network=point, loss=distance, budget=Budget(None), plan=plan)


def test_a_rescued_network_learns_on_once_its_optimizer_has_forgotten() -> None:
    """After one loss that is no number, Adam's averages are none either, and would spoil every step that follows."""
    point, turns = Point(), itertools.count()
    adam = torch.optim.Adam(point.parameters(), lr=0.1)

    def step(_: float) -> Tensor:
        adam.zero_grad()
        loss = (point.x - 3) ** 2 * (float("nan") if next(turns) == 25 else 1.0)
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        return loss

    plan = Plan(stage="walk", steps=400, check_every=10, average=0.5, patience=100)
    stopped, _ = train(
        step, network=point, loss=distance, budget=Budget(None), plan=plan, reset=lambda: adam.state.clear()
    )
    assert stopped == "finished"
    assert distance(point) < 1e-2


@pytest.mark.parametrize(
    ("taken", "average", "near"),
    [(120, 0.9, 0.1), (30, 0.5, 0.5)],
    ids=["after two looks: the best so far", "before the first look: what there is"],
)
def test_an_interrupt_keeps_what_was_learned(taken: int, average: float, near: float) -> None:
    point = Point()
    turns = itertools.count()

    def step(_: float) -> Tensor:
        if next(turns) == taken:
            raise KeyboardInterrupt
        return descend(point)

    plan = Plan(stage="walk", steps=10_000, check_every=50, average=average)
    stopped, steps = train(step, network=point, loss=distance, budget=Budget(None), plan=plan)
    assert (stopped, steps) == ("interrupted", taken)
    assert distance(point) < near


def test_the_budget_ends_training() -> None:
    point = Point()
    plan = Plan(stage="walk", steps=10**9, check_every=10**8)
    budget = Budget(0.5 / 60)
    stopped, _ = train(lambda _: descend(point), network=point, loss=distance, budget=budget, plan=plan)
    assert stopped == "time"
    assert budget.seconds < 2


def test_an_interrupt_of_the_first_look_keeps_the_start() -> None:
    def look(_: nn.Module) -> float:
        raise KeyboardInterrupt

    plan = Plan(stage="walk", steps=10, keep_start=True)
    point = Point(2.0)
    assert train(lambda _: descend(point), network=point, loss=look, budget=Budget(None), plan=plan)[0] == "interrupted"
    assert float(point.x.detach()) == 2.0


def test_weights_that_are_not_finite_are_never_kept() -> None:
    point = Point()

    def step(_: float) -> Tensor:
        with torch.no_grad():
            point.x.fill_(float("nan"))
        return torch.tensor(float("nan"))

    plan = Plan(stage="walk", steps=10**9, check_every=10**8)
    train(step, network=point, loss=distance, budget=Budget(0.1 / 60), plan=plan)
    assert float(point.x.detach()) == 0.0  # as at the start


def test_a_share_of_no_limit_is_never_used_up() -> None:
    assert Budget(None).share_used() == 0.0


def test_what_is_left_of_a_limit() -> None:
    assert Budget(None).left == math.inf
    assert 56 < Budget(1).left <= 57  # a twentieth is kept for what follows
    assert Budget(1e-9).left == 0


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_a_budget_must_be_positive(minutes: float) -> None:
    with pytest.raises(ParameterError, match="max_minutes"):
        Budget(minutes)


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    for unknown in ("tpu", "cuda:x", "cpu:0"):
        with pytest.raises(ParameterError, match=f"{unknown!r} is not known"):
            pick_device(unknown)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_asking_for_an_absent_gpu_says_so() -> None:
    with pytest.raises(ParameterError, match="torch sees no GPU; use device='auto' or 'cpu'"):
        pick_device("cuda")
