"""Events as JSON, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthx.errors import ArtifactError
from synthx_privacy.events import Selection, Slack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synthx_privacy.events import Event

__all__ = ["event_from_dict", "event_to_dict"]


def event_to_dict(event: Event) -> dict[str, Any]:
    """Return an event as plain values; numbers come back exactly.

    Raises
    ------
    ArtifactError
        For an event that has no plain form here.
    """
    import dp_accounting as dp

    if isinstance(event, Selection):
        return {"kind": "selection", "epsilon": event.epsilon}
    if isinstance(event, Slack):
        return {"kind": "slack", "delta": event.delta}
    if isinstance(event, dp.SelfComposedDpEvent):
        return {"kind": "repeated", "count": event.count, "event": event_to_dict(event.event)}
    if isinstance(event, dp.ComposedDpEvent):
        return {"kind": "together", "events": [event_to_dict(one) for one in event.events]}
    if isinstance(event, dp.PoissonSampledDpEvent):
        return {"kind": "sampled", "rate": event.sampling_probability, "event": event_to_dict(event.event)}
    return _simple_to_dict(event)


def _simple_to_dict(event: Event) -> dict[str, Any]:
    import dp_accounting as dp

    if isinstance(event, dp.GaussianDpEvent):
        return {"kind": "gaussian", "noise": event.noise_multiplier}
    if isinstance(event, dp.LaplaceDpEvent):
        return {"kind": "laplace", "noise": event.noise_multiplier}
    if isinstance(event, dp.NoOpDpEvent):
        return {"kind": "nothing"}
    if isinstance(event, dp.NonPrivateDpEvent):
        return {"kind": "not_private"}
    raise ArtifactError(f"the event {event!r} cannot be written to a file", remedy="use the events of synthx_privacy")


def event_from_dict(values: Mapping[str, Any]) -> Event:
    """Return the event that `event_to_dict` wrote.

    Raises
    ------
    ArtifactError
        If the values describe no event.
    """
    import dp_accounting as dp

    try:
        match values["kind"]:
            case "selection":
                return Selection(float(values["epsilon"]))
            case "slack":
                return Slack(float(values["delta"]))
            case "repeated":
                return dp.SelfComposedDpEvent(event_from_dict(values["event"]), int(values["count"]))
            case "together":
                return dp.ComposedDpEvent([event_from_dict(one) for one in values["events"]])
            case "sampled":
                return dp.PoissonSampledDpEvent(float(values["rate"]), event_from_dict(values["event"]))
            case _:
                return _simple_from_dict(values)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"a ledger holds {dict(values)!r}, which is no event", remedy="use a file that Ledger.save wrote"
        ) from error


def _simple_from_dict(values: Mapping[str, Any]) -> Event:
    import dp_accounting as dp

    match values["kind"]:
        case "gaussian":
            return dp.GaussianDpEvent(float(values["noise"]))
        case "laplace":
            return dp.LaplaceDpEvent(float(values["noise"]))
        case "nothing":
            return dp.NoOpDpEvent()
        case "not_private":
            return dp.NonPrivateDpEvent()
    raise KeyError(values["kind"])
